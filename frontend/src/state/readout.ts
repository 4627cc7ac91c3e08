import { planeDepth, sliceOf, voxelToWorld, type Plane } from "../domain/coordinates";
import { momentAndZ } from "../domain/moments";
import { threeFigures } from "../domain/units";
import type { ReviewState } from "./review_state";
import { slabValues } from "./slab";
import type { Looks } from "./view_state";

/** "61 / 120" */
export function describeSlice(state: ReviewState, plane: Plane, looks: Looks): string {
  return `${sliceOf(plane, looks.cursor) + 1} / ${planeDepth(plane, state.facts.grid)}`;
}

/** The slice that masks by plane stand on, "3"; where there are moments, "3 · frame 12". */
export function describePlane({ facts }: ReviewState, plane: number, frame: string): string {
  const { t, z } = momentAndZ(plane, facts.grid.nz);
  return facts.times === 1 ? String(z + 1) : `${z + 1} · ${frame} ${t + 1}`;
}

export type PlaneStatus = { slice: number; depth: number; loaded: number; slices: number };

/** Where the active plane stands, and how much of the volume is here. */
export function planeStatus(state: ReviewState): PlaneStatus {
  const { looks, facts, volume } = state;
  const depth = planeDepth(looks.plane, facts.grid);
  return { slice: sliceOf(looks.plane, looks.cursor), depth, loaded: volume.count(looks.t), slices: facts.grid.nz };
}

export type Readout = { readonly place: string; readonly value: string; readonly world: string };

/** What lies under the pointer: voxel, value in the image's own unit, patient position. */
export function readout(state: ReviewState): Readout | null {
  const at = state.pointer?.voxel;
  const { grid, affineLps, slope, intercept, valueUnit } = state.facts;
  if (!at) return null;
  const [x, y, z] = [Math.floor(at.x), Math.floor(at.y), Math.floor(at.z)];
  if (x < 0 || y < 0 || z < 0 || x >= grid.nx || y >= grid.ny || z >= grid.nz) return null;
  const values = slabValues(state, state.pointer!.plane, x, y, z);
  const shown = values?.map((value) => figure(value * slope + intercept)).join(" ");
  const world = affineLps && voxelToWorld(at, affineLps);
  return {
    place: grid.nz > 1 ? `${x}, ${y}, ${z}` : `${x}, ${y}`,
    value: shown === undefined ? "…" : `${shown}${valueUnit ? ` ${valueUnit}` : ""}`,
    world: world ? `L ${world.x.toFixed(1)}  P ${world.y.toFixed(1)}  S ${world.z.toFixed(1)} mm` : "",
  };
}

const figure = (value: number): string => (Number.isInteger(value) ? String(value) : threeFigures(value));

export const inMillimetres = (length: number): string => `${threeFigures(length)} mm`;

/** The spacing in the unit of its kind, and how far it can be trusted. */
export function describeSpacing({ facts }: ReviewState): string {
  if (!facts.spacingZyx) return "uncalibrated";
  const [z, y, x] = facts.spacingZyx;
  const isMicro = x < 0.02;
  const parts = [x, y, ...(facts.grid.nz > 1 ? [z] : [])].map((part) => threeFigures(isMicro ? part * 1000 : part));
  return `${parts.join(" × ")} ${isMicro ? "µm" : "mm"}${facts.source === "detector" ? " at the detector" : ""}`;
}
