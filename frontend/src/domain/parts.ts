import type { Grid } from "./coordinates";
import { area, eachRowPiece, EMPTY, SpanBuilder, union, type Spans } from "./spans";
import { blockOf, outside, type Block, type Slices } from "./stack";

/** One connected part of a mask. */
export type Part = { readonly voxels: number; readonly slices: Slices };

/**
 * The connected parts of a mask, the largest first, equal ones in reading order. Voxels that share
 * a face belong together (4 neighbours in a slice, 6 through slices), as outlines and fills see it.
 * Runs of rows are joined by union-find (He, Chao and Suzuki 2008), so the cost is the outline's.
 */
export function parts(slices: Slices, width: number): Part[] {
  const runs = runsOf(slices, width);
  const parent = Int32Array.from(runs.starts, (_, k) => k);
  let above: Range | null = null;
  for (const range of runs.ranges) {
    link(runs, parent, range, range, width);
    if (above && above.z + 1 === range.z) link(runs, parent, range, above, 0);
    above = range;
  }
  return gathered(runs, parent);
}

/** Holes filled: what cannot reach the edge of the mask's block through faces. Of one slice its holes, of a stack its cavities. */
export function withoutHoles(slices: Slices, grid: Grid): Map<number, Spans> {
  const filled = new Map(slices);
  const block = blockOf(slices, grid);
  if (!block) return filled;
  for (const part of parts(outside(slices, block, grid), grid.nx)) {
    if (reaches(part.slices, block, grid)) continue;
    for (const [z, spans] of part.slices) filled.set(z, union(filled.get(z) ?? EMPTY, spans));
  }
  return filled;
}

/** The parts of at least `smallest` voxels as one mask. */
export function atLeast(slices: Slices, width: number, smallest: number): Map<number, Spans> {
  return together(parts(slices, width).filter(({ voxels }) => voxels >= smallest));
}

export function together(some: readonly Part[]): Map<number, Spans> {
  const all = new Map<number, Spans>();
  for (const part of some) for (const [z, spans] of part.slices) all.set(z, union(all.get(z) ?? EMPTY, spans));
  return all;
}

export const voxelsOf = (slices: Slices): number => [...slices.values()].reduce((sum, spans) => sum + area(spans), 0);

type Range = { readonly z: number; readonly from: number; readonly to: number };
type Runs = { readonly starts: Uint32Array; readonly ends: Uint32Array; readonly ranges: readonly Range[] };

function runsOf(slices: Slices, width: number): Runs {
  const starts: number[] = [];
  const ends: number[] = [];
  const ranges: Range[] = [];
  for (const z of [...slices.keys()].sort((a, b) => a - b)) {
    const from = starts.length;
    eachRowPiece(slices.get(z)!, width, (y, x1, x2) => {
      starts.push(y * width + x1);
      ends.push(y * width + x2);
    });
    ranges.push({ z, from, to: starts.length });
  }
  return { starts: Uint32Array.from(starts), ends: Uint32Array.from(ends), ranges };
}

/** Joins runs of `one` with those of `other` that lie under them when moved back by `shift`. */
function link({ starts, ends }: Runs, parent: Int32Array, one: Range, other: Range, shift: number): void {
  let j = other.from;
  for (let i = one.from; i < one.to; i++) {
    const start = starts[i] - shift;
    const end = ends[i] - shift;
    while (j < other.to && ends[j] <= start) j++;
    for (let k = j; k < other.to && starts[k] < end; k++) join(parent, i, k);
  }
}

function join(parent: Int32Array, a: number, b: number): void {
  const [one, other] = [rootOf(parent, a), rootOf(parent, b)];
  // The earlier run stays the root, so that parts are numbered in reading order.
  if (one < other) parent[other] = one;
  else parent[one] = other;
}

function rootOf(parent: Int32Array, at: number): number {
  while (parent[at] !== at) {
    parent[at] = parent[parent[at]];
    at = parent[at];
  }
  return at;
}

function gathered({ starts, ends, ranges }: Runs, parent: Int32Array): Part[] {
  const found = new Map<number, { voxels: number; builders: Map<number, SpanBuilder> }>();
  for (const { z, from, to } of ranges) {
    for (let k = from; k < to; k++) {
      const root = rootOf(parent, k);
      const part = found.get(root) ?? { voxels: 0, builders: new Map<number, SpanBuilder>() };
      found.set(root, part);
      const builder = part.builders.get(z) ?? new SpanBuilder();
      part.builders.set(z, builder);
      part.voxels += ends[k] - starts[k];
      builder.add(starts[k], ends[k]);
    }
  }
  return [...found.values()]
    .map(({ voxels, builders }) => ({ voxels, slices: new Map([...builders].map(([z, builder]) => [z, builder.done()])) }))
    .sort((a, b) => b.voxels - a.voxels);
}

/** Whether the part lies on the block's faces; those above and below count where the grid has slices. */
function reaches(slices: Slices, { x1, y1, z1, x2, y2, z2 }: Block, { nx, nz }: Grid): boolean {
  let found = nz > 1 && (slices.has(z1) || slices.has(z2 - 1));
  for (const spans of slices.values()) {
    if (found) break;
    eachRowPiece(spans, nx, (y, from, to) => {
      if (y === y1 || y === y2 - 1 || from === x1 || to === x2) found = true;
    });
  }
  return found;
}
