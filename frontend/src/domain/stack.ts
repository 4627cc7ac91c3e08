import type { Grid } from "./coordinates";
import { boundingBox, eachRowPiece, EMPTY, fromBox, subtract, type Spans } from "./spans";

/** Masks of one finding on successive slices of a grid; a picture alone is a stack of one slice. */
export type Slices = ReadonlyMap<number, Spans>;

/** Half-open: first voxel in, last voxel out. */
export type Block = { readonly x1: number; readonly y1: number; readonly z1: number; readonly x2: number; readonly y2: number; readonly z2: number };

/** The smallest block around the voxels, widened by `margin` and cut at the grid; null where there are none. */
export function blockOf(slices: Slices, grid: Grid, margin = 0): Block | null {
  let [x1, y1, z1, x2, y2, z2] = [Infinity, Infinity, Infinity, -Infinity, -Infinity, -Infinity];
  for (const [z, spans] of slices) {
    const box = boundingBox(spans, grid.nx);
    if (!box) continue;
    x1 = Math.min(x1, box[0]);
    y1 = Math.min(y1, box[1]);
    x2 = Math.max(x2, box[2]);
    y2 = Math.max(y2, box[3]);
    z1 = Math.min(z1, z);
    z2 = Math.max(z2, z + 1);
  }
  if (z1 === Infinity) return null;
  const low = (at: number): number => Math.max(0, at - margin);
  const high = (at: number, size: number): number => Math.min(size, at + margin);
  return { x1: low(x1), y1: low(y1), z1: low(z1), x2: high(x2, grid.nx), y2: high(y2, grid.ny), z2: high(z2, grid.nz) };
}

/** What the block holds beside the mask. */
export function outside(slices: Slices, block: Block, grid: Grid): Map<number, Spans> {
  const whole = fromBox([block.x1, block.y1, block.x2, block.y2], grid.nx, grid.ny);
  const rest = new Map<number, Spans>();
  for (let z = block.z1; z < block.z2; z++) put(rest, z, subtract(whole, slices.get(z) ?? EMPTY));
  return rest;
}

/** Combines two stacks slice by slice; slices that end empty are left out. */
export function combined(a: Slices, b: Slices, rule: (a: Spans, b: Spans) => Spans): Map<number, Spans> {
  const out = new Map<number, Spans>();
  for (const z of new Set([...a.keys(), ...b.keys()])) put(out, z, rule(a.get(z) ?? EMPTY, b.get(z) ?? EMPTY));
  return out;
}

export function put(into: Map<number, Spans>, z: number, spans: Spans): void {
  if (spans.length > 0) into.set(z, spans);
}

/** The runs of one slice by row: of row y they are `x[at[y - y1]]` up to `x[at[y - y1 + 1]]`, start and end in turn. */
export type Rows = { readonly y1: number; readonly y2: number; readonly at: Int32Array; readonly x: Int32Array };

export function rowsOf(spans: Spans, width: number): Rows {
  const box = boundingBox(spans, width);
  if (!box) return { y1: 0, y2: 0, at: new Int32Array(1), x: new Int32Array(0) };
  const [, y1, , y2] = box;
  const at = new Int32Array(y2 - y1 + 1);
  const bounds: number[] = [];
  eachRowPiece(spans, width, (y, x1, x2) => {
    bounds.push(x1, x2);
    at[y - y1 + 1] = bounds.length;
  });
  for (let row = 1; row < at.length; row++) at[row] = Math.max(at[row], at[row - 1]);
  return { y1, y2, at, x: Int32Array.from(bounds) };
}
