import { cross, dot, mixed, unit, type Vector } from "./camera";
import { imagePoint, voxel, worldToVoxel, type Affine, type Grid, type ImagePoint, type Plane, type Voxel, type World } from "./coordinates";
import { emptyPixels, type Pixels, type PixelType } from "./slicecodec";

/** Which way a plane lies that goes through the crosshair: unit vectors of the world, at right angles. */
export type Tilt = { readonly right: Vector; readonly up: Vector };

export const normalOf = ({ right, up }: Tilt): Vector => cross(right, up);

const column = (affine: Affine, k: number): Vector => [affine[0][k], affine[1][k], affine[2][k]];

/** The plane of the stored slices, drawn as they are: rows to the right, columns downwards. */
export function levelTilt(affine: Affine): Tilt {
  const right = unit(column(affine, 0));
  const down = column(affine, 1);
  // A sheared grid has no right angle here; the plane stays the slices' own.
  const across = mixed(down, 1, right, -dot(down, right));
  return { right, up: unit(mixed(across, -1, across, 0)) };
}

/** Turned by an angle around an axis of unit length (Rodrigues). */
export function tilted({ right, up }: Tilt, axis: Vector, angle: number): Tilt {
  const turn = (a: Vector): Vector =>
    mixed(mixed(a, Math.cos(angle), cross(axis, a), Math.sin(angle)), 1, axis, dot(axis, a) * (1 - Math.cos(angle)));
  const around = unit(turn(right));
  const upward = turn(up);
  // Takes out what rounding adds up to.
  return { right: around, up: unit(mixed(upward, 1, around, -dot(upward, around))) };
}

/** The image axes of a plane as axes of the grid: along u, along v, and the sign of v. */
const AXES: Readonly<Record<Plane, readonly [u: number, v: number, sign: number]>> = { axial: [0, 1, 1], coronal: [0, 2, -1], sagittal: [1, 2, -1] };

/** The way in image pixels along which a tilted plane cuts a plane of the grid; null where they are the same or nearly so. */
export function cutOn(plane: Plane, tilt: Tilt, affine: Affine): ImagePoint | null {
  const normal = normalOf(tilt);
  const [u, v, sign] = AXES[plane];
  const [across, down] = [dot(normal, column(affine, u)), dot(normal, column(affine, v)) * sign];
  // Less than half a degree: the line would jump about.
  const least = 0.0087;
  if (Math.abs(across) < least * Math.hypot(...column(affine, u)) && Math.abs(down) < least * Math.hypot(...column(affine, v))) return null;
  return imagePoint(-down, across);
}

/** A way on a plane of the grid, from image pixels into the world; not of unit length. */
export function wayInWorld(plane: Plane, along: ImagePoint, affine: Affine): Vector {
  const [u, v, sign] = AXES[plane];
  return mixed(column(affine, u), along.u, column(affine, v), along.v * sign);
}

/** The tilt turned around the normal of a plane of the grid, so that it goes through `to` instead of `from`. */
export function draggedTilt(tilt: Tilt, plane: Plane, from: Vector, to: Vector, affine: Affine): Tilt {
  const [u, v] = AXES[plane];
  const axis = unit(cross(column(affine, u), column(affine, v)));
  return tilted(tilt, axis, Math.atan2(dot(axis, cross(from, to)), dot(from, to)));
}

/** What lies in a direction of the patient, the main part first; parts of less than 15 degrees are left out. */
export function lettersOf(way: Vector): string {
  const [x, y, z] = unit(way);
  const parts = [
    { share: Math.abs(x), letter: x > 0 ? "L" : "R" },
    { share: Math.abs(y), letter: y > 0 ? "P" : "A" },
    { share: Math.abs(z), letter: z > 0 ? "S" : "I" },
  ];
  const told = parts.filter(({ share }) => share > Math.sin(Math.PI / 12));
  return told.sort((a, b) => b.share - a.share).map(({ letter }) => letter).join("");
}

/** A rectangle of pixels in the world: the middle of its first pixel, and the ways to the next one and the next row. */
export type Raster = { readonly first: Vector; readonly across: Vector; readonly down: Vector; readonly width: number; readonly height: number };

/** `width` by `height` pixels of `pixelMm` around `centre`. */
export function rasterOf({ right, up }: Tilt, centre: Vector, pixelMm: number, width: number, height: number): Raster {
  const across = mixed(right, pixelMm, right, 0);
  const down = mixed(up, -pixelMm, up, 0);
  const first = mixed(mixed(centre, 1, across, -(width - 1) / 2), 1, down, -(height - 1) / 2);
  return { first, across, down, width, height };
}

export type Sampled = {
  /** Stored values, channel by channel; nothing where `voxels` is negative. */
  readonly values: Pixels;
  /** The flat index of the voxel that each pixel's middle lies in; -1 outside, -2 where a slice is missing. */
  readonly voxels: Int32Array;
};

type Source = { readonly grid: Grid; readonly type: PixelType; readonly channels: number; readonly affine: Affine; readonly axial: (z: number) => Pixels | null };

/**
 * Values on a raster by trilinear interpolation between the middles of the voxels, rounded to stored
 * values. Up to half a voxel beyond the outermost middles, where the grid still reaches, the nearest
 * value holds. Null where the affine has no inverse.
 */
export function sampleRaster(raster: Raster, { grid, type, channels, affine, axial }: Source): Sampled | null {
  const origin = voxelAt(raster.first, affine);
  const next = voxelAt(mixed(raster.first, 1, raster.across, 1), affine);
  const below = voxelAt(mixed(raster.first, 1, raster.down, 1), affine);
  if (!origin || !next || !below) return null;
  const { nx, ny, nz } = grid;
  const [ax, ay, az] = [next.x - origin.x, next.y - origin.y, next.z - origin.z];
  const [dx, dy, dz] = [below.x - origin.x, below.y - origin.y, below.z - origin.z];
  const count = raster.width * raster.height;
  const values = emptyPixels(type, count * channels);
  const voxels = new Int32Array(count);
  const slices: (Pixels | null | undefined)[] = new Array(nz);
  const slice = (z: number): Pixels | null => (slices[z] === undefined ? (slices[z] = axial(z)) : slices[z]!);
  const [right, down] = [nx > 1 ? 1 : 0, ny > 1 ? nx : 0];
  const [lastX, lastY] = [Math.max(0, nx - 2), Math.max(0, ny - 2)];
  for (let row = 0, out = 0; row < raster.height; row++) {
    for (let k = 0; k < raster.width; k++, out++) {
      const x = origin.x + k * ax + row * dx;
      const y = origin.y + k * ay + row * dy;
      const z = origin.z + k * az + row * dz;
      if (!(x >= 0 && y >= 0 && z >= 0 && x < nx && y < ny && z < nz)) {
        voxels[out] = -1;
        continue;
      }
      // Plain numbers: this runs for every pixel of every frame.
      const u = within(x - 0.5, nx - 1);
      const v = within(y - 0.5, ny - 1);
      const w = within(z - 0.5, nz - 1);
      const x0 = Math.min(u | 0, lastX);
      const y0 = Math.min(v | 0, lastY);
      const z0 = w | 0;
      const share = w - z0;
      const low = slice(z0);
      const high = share > 0 ? slice(z0 + 1) : low;
      if (!low || !high) {
        voxels[out] = -2;
        continue;
      }
      voxels[out] = ((z | 0) * ny + (y | 0)) * nx + (x | 0);
      const at = y0 * nx + x0;
      for (let c = 0; c < channels; c++) {
        const corner = c * nx * ny + at;
        const lower = bilinear(low, corner, right, down, u - x0, v - y0);
        const upper = share > 0 ? bilinear(high, corner, right, down, u - x0, v - y0) : lower;
        values[c * count + out] = Math.floor(lower + (upper - lower) * share + 0.5);
      }
    }
  }
  return { values, voxels };
}

const within = (value: number, most: number): number => (value < 0 ? 0 : value > most ? most : value);

function bilinear(samples: Pixels, at: number, right: number, down: number, fu: number, fv: number): number {
  const top = samples[at] + (samples[at + right] - samples[at]) * fu;
  const bottom = samples[at + down] + (samples[at + down + right] - samples[at + down]) * fu;
  return top + (bottom - top) * fv;
}

const voxelAt = ([x, y, z]: Vector, affine: Affine): Voxel | null => worldToVoxel({ x, y, z } as World, affine);

/** The point of the plane through `on` that is nearest to `at`. */
export const onto = (tilt: Tilt, on: Vector, at: Vector): Vector => {
  const normal = normalOf(tilt);
  return mixed(at, 1, normal, dot(normal, on) - dot(normal, at));
};

/** The corners of the grid in the world. */
export function gridCorners({ nx, ny, nz }: Grid, toWorld: (at: Voxel) => World): Vector[] {
  return [0, nx].flatMap((x) =>
    [0, ny].flatMap((y) =>
      [0, nz].map((z) => {
        const at = toWorld(voxel(x, y, z));
        return [at.x, at.y, at.z] as const;
      }),
    ),
  );
}
