import type { Affine, Grid } from "../domain/coordinates";
import type { Spans } from "../domain/spans";
import { occupancyOf, surfaceOf, type Mesh } from "../domain/surface";

export type SurfaceRequest = {
  readonly id: number;
  readonly slices: readonly (readonly [z: number, spans: Spans])[];
  readonly grid: Grid;
  readonly spacing: readonly [number, number, number] | null;
  readonly affineLps: Affine;
  /** Cells along an axis. */
  readonly most: number;
};
export type SurfaceAnswer = { readonly id: number; readonly mesh: Mesh | null };

self.onmessage = ({ data: { id, slices, grid, spacing, affineLps, most } }: MessageEvent<SurfaceRequest>) => {
  const occupancy = occupancyOf(new Map(slices), grid, spacing, most);
  const mesh = occupancy && surfaceOf(occupancy, affineLps);
  const transfer = mesh ? [mesh.points.buffer, mesh.normals.buffer, mesh.corners.buffer] : [];
  postMessage({ id, mesh } satisfies SurfaceAnswer, { transfer });
};
