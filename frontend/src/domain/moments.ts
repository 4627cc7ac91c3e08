import type { Spans } from "./spans";

/**
 * Masks lie on planes of space and time, numbered through all moments of an image with z running
 * fastest: `plane = t * nz + z`. Of a still image the plane is z. Rows, findings and comments carry
 * this number as their `z`; cursors, volumes and the drawing of one moment have z proper. The
 * service says the same in `engine/geometry.py`.
 */
export const planeNumber = (t: number, z: number, nz: number): number => t * nz + z;

export const momentAndZ = (plane: number, nz: number): { t: number; z: number } => ({ t: Math.floor(plane / nz), z: plane % nz });

/** The masks of one moment, by z. */
export function atMoment(planes: ReadonlyMap<number, Spans>, t: number, nz: number): Map<number, Spans> {
  const slices = new Map<number, Spans>();
  for (const [plane, spans] of planes) {
    const at = momentAndZ(plane, nz);
    if (at.t === t) slices.set(at.z, spans);
  }
  return slices;
}

/** Masks of one moment, by z, as masks by plane. */
export function toPlanes(slices: ReadonlyMap<number, Spans>, t: number, nz: number): Map<number, Spans> {
  return new Map([...slices].map(([z, spans]) => [planeNumber(t, z, nz), spans]));
}
