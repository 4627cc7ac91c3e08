import { planeDepth, planeSize, type Affine, type Grid, type Plane } from "./coordinates";
import { emptyPixels, type Pixels, type PixelType } from "./slicecodec";

/** What of all the slices of a slab one pixel shows. */
export type SlabRule = "max" | "min" | "mean";
export const SLAB_RULES: readonly SlabRule[] = ["max", "min", "mean"];

/** The slices of a slab, both ends included. */
export type SlabRange = { readonly first: number; readonly last: number };

type Placing = { readonly grid: Grid; readonly affineLps: Affine | null; readonly spacingZyx: readonly [number, number, number] | null };

/**
 * From one slice of a plane to the next in mm, at right angles to the plane; null where the file does
 * not know it. In a sheared grid (a tilted gantry) this is less than the way along the third axis.
 */
export function slicePitch(plane: Plane, { affineLps, spacingZyx }: Omit<Placing, "grid">): number | null {
  const axis = plane === "axial" ? 2 : plane === "coronal" ? 1 : 0;
  if (!spacingZyx) return null;
  if (!affineLps) return spacingZyx[2 - axis];
  const column = (k: number): readonly number[] => [0, 1, 2].map((row) => affineLps[row][k]);
  const [a, b, c] = [column((axis + 1) % 3), column((axis + 2) % 3), column(axis)];
  const normal = [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
  return Math.abs(normal[0] * c[0] + normal[1] * c[1] + normal[2] * c[2]) / Math.hypot(...normal);
}

/**
 * The slices whose middles lie no further than half of `thickness` from the middle of `slice`, as
 * far as the grid reaches: the slice itself always. Millimetres, or slices where there is no spacing.
 */
export function slabRange(plane: Plane, slice: number, thickness: number, image: Placing): SlabRange {
  // A slice at the very edge belongs to the slab, whatever rounding does to a spacing of 0.1.
  const away = Math.floor(thickness / 2 / (slicePitch(plane, image) ?? 1) + 1e-6);
  return { first: Math.max(0, slice - away), last: Math.min(planeDepth(plane, image.grid) - 1, slice + away) };
}

type Axial = (z: number) => Pixels | null;
type Shape = { readonly grid: Grid; readonly type: PixelType; readonly channels: number };

/** Greatest, least or sum of two pictures, value by value. A mean is a sum until its end. */
function join(rule: SlabRule, out: Sums, a: Sums, b: Sums): void {
  if (rule === "max") for (let k = 0; k < out.length; k++) out[k] = a[k] > b[k] ? a[k] : b[k];
  else if (rule === "min") for (let k = 0; k < out.length; k++) out[k] = a[k] < b[k] ? a[k] : b[k];
  else for (let k = 0; k < out.length; k++) out[k] = a[k] + b[k];
}

// 32 bits hold the sum of 32,768 slices of 16 bits.
type Sums = Pixels | Int32Array;

// Pictures of blocks that are kept for the next step through the volume.
const MOST_KEPT = 96 * 2 ** 20;

/**
 * The projection of axial slabs. Slices are joined in blocks of 2, 4, 8, …, and blocks are kept, so
 * that a step to the next slice joins a few pictures instead of all of the slab's.
 */
export class AxialSlabs {
  private readonly blocks = new Map<number, Sums>();
  private kept = 0;
  private of = "";

  constructor(private readonly shape: Shape) {}

  /** Null while none of the slices is here. */
  project(rule: SlabRule, { first, last }: SlabRange, axial: Axial, moment: number): Pixels | null {
    const of = `${rule}/${moment}`;
    if (of !== this.of) {
      this.blocks.clear();
      this.kept = 0;
      this.of = of;
    }
    let sum: Sums | null = null;
    let count = 0;
    for (const [at, size] of dyadic(first, last)) {
      const block = this.block(rule, at, size, axial);
      count += block.count;
      if (block.picture) sum = sum === null ? block.picture : this.joined(rule, sum, block.picture);
    }
    return sum === null ? null : settled(rule, sum, count, this.shape);
  }

  private block(rule: SlabRule, at: number, size: number, axial: Axial): { picture: Sums | null; count: number } {
    if (size === 1) {
      const picture = axial(at);
      return { picture, count: picture ? 1 : 0 };
    }
    const key = at * 2 ** 20 + size;
    const known = this.blocks.get(key);
    if (known) {
      this.blocks.delete(key);
      this.blocks.set(key, known);
      return { picture: known, count: size };
    }
    const [low, high] = [this.block(rule, at, size / 2, axial), this.block(rule, at + size / 2, size / 2, axial)];
    const count = low.count + high.count;
    if (!low.picture || !high.picture) return { picture: low.picture ?? high.picture, count };
    const picture = this.joined(rule, low.picture, high.picture);
    // What is not yet whole will be another picture soon.
    if (count === size) this.keep(key, picture);
    return { picture, count };
  }

  private keep(key: number, picture: Sums): void {
    this.blocks.set(key, picture);
    this.kept += picture.byteLength;
    for (const [oldest, { byteLength }] of this.blocks) {
      if (this.kept <= MOST_KEPT) return;
      this.blocks.delete(oldest);
      this.kept -= byteLength;
    }
  }

  private joined(rule: SlabRule, a: Sums, b: Sums): Sums {
    const out = rule === "mean" ? new Int32Array(a.length) : emptyPixels(this.shape.type, a.length);
    join(rule, out, a, b);
    return out;
  }
}

/** A range as the fewest blocks whose sizes are powers of two and which begin at multiples of theirs. */
function* dyadic(first: number, last: number): Generator<[at: number, size: number]> {
  for (let at = first; at <= last; ) {
    let size = 1;
    while (at % (2 * size) === 0 && at + 2 * size - 1 <= last) size *= 2;
    yield [at, size];
    at += size;
  }
}

/** The projection of a slab of an upright plane, z upwards as the plane is drawn; null while nothing is here. */
export function projectUpright(plane: "coronal" | "sagittal", rule: SlabRule, range: SlabRange, axial: Axial, shape: Shape): Pixels | null {
  const { grid, channels, type } = shape;
  const { width, height } = planeSize(plane, grid);
  const out = rule === "mean" ? new Int32Array(width * height * channels) : emptyPixels(type, width * height * channels);
  let found = false;
  for (let z = 0; z < grid.nz; z++) {
    const source = axial(z);
    if (!source) continue;
    found = true;
    for (let c = 0; c < channels; c++) {
      const from = c * grid.nx * grid.ny;
      const to = (c * height + grid.nz - 1 - z) * width;
      if (plane === "coronal") alongRows(rule, source, from, grid.nx, range, out, to);
      else acrossRows(rule, source, from, grid, range, out, to);
    }
  }
  return found ? settled(rule, out, range.last - range.first + 1, shape) : null;
}

function alongRows(rule: SlabRule, source: Pixels, from: number, nx: number, { first, last }: SlabRange, out: Sums, to: number): void {
  const top = from + first * nx;
  for (let x = 0; x < nx; x++) out[to + x] = source[top + x];
  for (let y = first + 1; y <= last; y++) {
    const row = source.subarray(from + y * nx, from + (y + 1) * nx);
    const line = out.subarray(to, to + nx);
    join(rule, line, line, row);
  }
}

function acrossRows(rule: SlabRule, source: Pixels, from: number, { nx, ny }: Grid, { first, last }: SlabRange, out: Sums, to: number): void {
  for (let y = 0; y < ny; y++) {
    const row = from + y * nx;
    let value = source[row + first];
    if (rule === "max") for (let k = row + first + 1; k <= row + last; k++) value = source[k] > value ? source[k] : value;
    else if (rule === "min") for (let k = row + first + 1; k <= row + last; k++) value = source[k] < value ? source[k] : value;
    else for (let k = row + first + 1; k <= row + last; k++) value += source[k];
    out[to + y] = value;
  }
}

/** Of a sum the mean, rounded to the nearest stored value, halves up. */
function settled(rule: SlabRule, sum: Sums, count: number, { type }: Shape): Pixels {
  if (rule !== "mean") return sum as Pixels;
  const out = emptyPixels(type, sum.length);
  for (let k = 0; k < out.length; k++) out[k] = Math.floor((sum[k] + count / 2) / count);
  return out;
}
