import type { Mesh } from "./surface";
import type { World } from "./coordinates";

export type Vector = readonly [x: number, y: number, z: number];

/** Looks at `centre` without perspective; the axes are unit vectors in the world, at right angles. */
export type Camera = {
  readonly centre: Vector;
  readonly right: Vector;
  readonly up: Vector;
  /** Out of the screen, towards the one who looks. */
  readonly toward: Vector;
  /** Canvas pixels per millimetre. */
  readonly scale: number;
};

export type Side = "A" | "P" | "R" | "L" | "S" | "I";
export const SIDES: readonly Side[] = ["A", "P", "R", "L", "S", "I"];

// World axes run towards Left, Posterior and Superior. From below it looks as an axial slice does.
const FACES: Readonly<Record<Side, readonly [right: Vector, up: Vector]>> = {
  A: [[1, 0, 0], [0, 0, 1]],
  P: [[-1, 0, 0], [0, 0, 1]],
  R: [[0, -1, 0], [0, 0, 1]],
  L: [[0, 1, 0], [0, 0, 1]],
  S: [[-1, 0, 0], [0, -1, 0]],
  I: [[1, 0, 0], [0, -1, 0]],
};

/** Turned so that one looks at a side of the patient; at the front to begin with. */
export function facing(camera: Camera, side: Side): Camera {
  const [right, up] = FACES[side];
  return { ...camera, right, up, toward: cross(right, up) };
}

/** Turns what is seen as if its front were dragged over the screen, in radians. */
export function turned(camera: Camera, along: number, down: number): Camera {
  const right = mixed(camera.right, Math.cos(along), camera.toward, Math.sin(along));
  const toward = mixed(camera.toward, Math.cos(along), camera.right, -Math.sin(along));
  const up = mixed(camera.up, Math.cos(down), toward, -Math.sin(down));
  return upright({ ...camera, right, up, toward: mixed(toward, Math.cos(down), camera.up, Math.sin(down)) });
}

/** Takes out what rounding adds up to. */
function upright(camera: Camera): Camera {
  const toward = unit(camera.toward);
  const right = unit(cross(camera.up, toward));
  return { ...camera, right, toward, up: cross(toward, right) };
}

/** A ray through a canvas point, seen from the middle of the canvas: right and down in pixels. */
export function rayAt({ centre, right, up, toward, scale }: Camera, across: number, down: number): { from: Vector; way: Vector } {
  const on = mixed(mixed(centre, 1, right, across / scale), 1, up, -down / scale);
  return { from: on, way: [-toward[0], -toward[1], -toward[2]] };
}

/** How far along the ray the mesh is met first by a triangle that faces the ray; null where it is not. (Möller and Trumbore 1997.) */
export function hitAlong({ points, corners }: Mesh, from: Vector, way: Vector): number | null {
  let nearest: number | null = null;
  for (let k = 0; k < corners.length; k += 3) {
    const [a, b, c] = [3 * corners[k], 3 * corners[k + 1], 3 * corners[k + 2]];
    const [ux, uy, uz] = [points[b] - points[a], points[b + 1] - points[a + 1], points[b + 2] - points[a + 2]];
    const [vx, vy, vz] = [points[c] - points[a], points[c + 1] - points[a + 1], points[c + 2] - points[a + 2]];
    const [px, py, pz] = [way[1] * vz - way[2] * vy, way[2] * vx - way[0] * vz, way[0] * vy - way[1] * vx];
    const area = ux * px + uy * py + uz * pz;
    if (area <= 1e-12) continue;
    const [sx, sy, sz] = [from[0] - points[a], from[1] - points[a + 1], from[2] - points[a + 2]];
    const first = sx * px + sy * py + sz * pz;
    if (first < 0 || first > area) continue;
    const [qx, qy, qz] = [sy * uz - sz * uy, sz * ux - sx * uz, sx * uy - sy * ux];
    const second = way[0] * qx + way[1] * qy + way[2] * qz;
    if (second < 0 || first + second > area) continue;
    const far = (vx * qx + vy * qy + vz * qz) / area;
    if (nearest === null || far < nearest) nearest = far;
  }
  return nearest;
}

export const along = (from: Vector, way: Vector, far: number): World => {
  const [x, y, z] = mixed(from, 1, way, far);
  return { x, y, z } as World;
};

export const dot = (a: Vector, b: Vector): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];

export const cross = (a: Vector, b: Vector): Vector => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];

export const mixed = (a: Vector, share: number, b: Vector, other: number): Vector => [
  a[0] * share + b[0] * other,
  a[1] * share + b[1] * other,
  a[2] * share + b[2] * other,
];

export function unit(a: Vector): Vector {
  const long = Math.hypot(...a) || 1;
  return [a[0] / long, a[1] / long, a[2] / long];
}
