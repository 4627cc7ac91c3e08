import type { Voxel } from "./coordinates";
import { inWords, length, type Measure } from "./units";

export type Spacing = readonly [number, number, number] | null;

/** Length through voxel positions in mm, in voxels without a spacing; the sum of its legs. */
export function lineLength(points: readonly Voxel[], spacingZyx: Spacing): number {
  let sum = 0;
  for (let k = 1; k < points.length; k++) sum += norm(between(points[k - 1], points[k], spacingZyx));
  return sum;
}

/**
 * Angle at the second of three points in degrees, null where a leg has no length. By atan2 of cross
 * and dot product, which keeps its precision near 0 and 180 degrees (Kahan 2006, section 12).
 */
export function cornerAngle([first, corner, last]: readonly Voxel[], spacingZyx: Spacing): number | null {
  const [a, b] = [between(corner, first, spacingZyx), between(corner, last, spacingZyx)];
  if (norm(a) === 0 || norm(b) === 0) return null;
  const across = norm([a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]);
  return (Math.atan2(across, a[0] * b[0] + a[1] * b[1] + a[2] * b[2]) * 180) / Math.PI;
}

/** A length as people read it: in µm, mm or px. */
export function lengthInWords(points: readonly Voxel[], spacingZyx: Spacing): string {
  if (!spacingZyx) return inWords({ value: lineLength(points, null), unit: "px" } satisfies Measure);
  // The unit is that of the plane's pixels, the way along it may go through slices.
  return inWords(length(lineLength(points, spacingZyx) / spacingZyx[2], 0, [spacingZyx[2], spacingZyx[2]]));
}

export function angleInWords(points: readonly Voxel[], spacingZyx: Spacing): string {
  const angle = cornerAngle(points, spacingZyx);
  return angle === null ? "–" : `${angle.toFixed(1)}°`;
}

type Way = readonly [number, number, number];

function between(from: Voxel, to: Voxel, spacing: Spacing): Way {
  const [z, y, x] = spacing ?? [1, 1, 1];
  return [(to.x - from.x) * x, (to.y - from.y) * y, (to.z - from.z) * z];
}

const norm = ([x, y, z]: Way): number => Math.hypot(x, y, z);
