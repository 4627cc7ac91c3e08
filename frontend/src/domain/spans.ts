/**
 * A mask of one slice as spans: [start0, end0, start1, end1, …], flat row-major voxel indices,
 * half-open, ascending, never touching and never empty. One mask has exactly one such form, so
 * equal masks have equal bytes and equal digests. Combining costs what the outlines cost, not
 * what the picture costs.
 */
export type Spans = Uint32Array<ArrayBuffer>;

/** Half-open pixel box: width is x2 - x1. */
export type Box = readonly [x1: number, y1: number, x2: number, y2: number];

export const EMPTY: Spans = new Uint32Array(0);

// Bit (inA + 2 * inB) of a table says whether the voxel is in the result.
const UNION = 0b1110;
const INTERSECTION = 0b1000;
const DIFFERENCE = 0b0010;
const EXCLUSIVE = 0b0110;

export const union = (a: Spans, b: Spans): Spans => combine(a, b, UNION);
export const intersect = (a: Spans, b: Spans): Spans => combine(a, b, INTERSECTION);
export const subtract = (a: Spans, b: Spans): Spans => combine(a, b, DIFFERENCE);
export const xor = (a: Spans, b: Spans): Spans => combine(a, b, EXCLUSIVE);

/** The union of many: halves first, so that the cost grows with their sizes and not with their number. */
export function unionOf(masks: readonly Spans[]): Spans {
  if (masks.length === 0) return EMPTY;
  if (masks.length === 1) return masks[0];
  const half = masks.length >> 1;
  return union(unionOf(masks.slice(0, half)), unionOf(masks.slice(half)));
}

function combine(a: Spans, b: Spans, table: number): Spans {
  const out = new Uint32Array(a.length + b.length);
  let i = 0;
  let j = 0;
  let count = 0;
  let inside = 0;
  while (i < a.length || j < b.length) {
    const nextA = i < a.length ? a[i] : Infinity;
    const nextB = j < b.length ? b[j] : Infinity;
    const at = nextA < nextB ? nextA : nextB;
    if (nextA === at) i++;
    if (nextB === at) j++;
    const now = (table >> ((i & 1) + 2 * (j & 1))) & 1;
    if (now !== inside) {
      out[count++] = at;
      inside = now;
    }
  }
  return out.slice(0, count);
}

export function area(spans: Spans): number {
  let sum = 0;
  for (let k = 0; k < spans.length; k += 2) sum += spans[k + 1] - spans[k];
  return sum;
}

export function equal(a: Spans, b: Spans): boolean {
  return a.length === b.length && a.every((at, index) => at === b[index]);
}

/** Whether the voxel is in the mask, by binary search. */
export function contains(spans: Spans, index: number): boolean {
  return (boundariesUpTo(spans, index) & 1) === 1;
}

/** How many boundaries are at or before `index`; odd means inside. */
export function boundariesUpTo(spans: Spans, index: number): number {
  let low = 0;
  let high = spans.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (spans[middle] <= index) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The smallest half-open box around the mask; null when it is empty. */
export function boundingBox(spans: Spans, width: number): Box | null {
  if (spans.length === 0) return null;
  let x1 = width;
  let x2 = 0;
  for (let k = 0; k < spans.length; k += 2) {
    const start = spans[k] % width;
    const length = spans[k + 1] - spans[k];
    if (start + length > width) {
      x1 = 0;
      x2 = width;
      break;
    }
    if (start < x1) x1 = start;
    if (start + length > x2) x2 = start + length;
  }
  const y1 = Math.floor(spans[0] / width);
  const y2 = Math.floor((spans[spans.length - 1] - 1) / width) + 1;
  return [x1, y1, x2, y2];
}

/** Calls back for every piece of a row, top to bottom, left to right. */
export function eachRowPiece(spans: Spans, width: number, visit: (y: number, x1: number, x2: number) => void): void {
  for (let k = 0; k < spans.length; k += 2) {
    let start = spans[k];
    const end = spans[k + 1];
    while (start < end) {
      const y = Math.floor(start / width);
      const stop = Math.min(end, (y + 1) * width);
      visit(y, start - y * width, stop - y * width);
      start = stop;
    }
  }
}

/** Collects ascending pieces and joins those that touch. */
export class SpanBuilder {
  private bounds: number[] = [];

  add(start: number, end: number): void {
    if (end <= start) return;
    const last = this.bounds.length - 1;
    if (last > 0 && start <= this.bounds[last]) this.bounds[last] = Math.max(this.bounds[last], end);
    else this.bounds.push(start, end);
  }

  done(): Spans {
    return Uint32Array.from(this.bounds);
  }
}

export function fromBitmap(bitmap: Uint8Array): Spans {
  const bounds: number[] = [];
  let inside = 0;
  for (let k = 0; k < bitmap.length; k++) {
    const now = bitmap[k] === 0 ? 0 : 1;
    if (now !== inside) {
      bounds.push(k);
      inside = now;
    }
  }
  if (inside) bounds.push(bitmap.length);
  return Uint32Array.from(bounds);
}

export function toBitmap(spans: Spans, size: number): Uint8Array {
  const bitmap = new Uint8Array(size);
  for (let k = 0; k < spans.length; k += 2) bitmap.fill(1, spans[k], spans[k + 1]);
  return bitmap;
}

/** The mask of a box, cut at the picture's edge. */
export function fromBox(box: Box, width: number, height: number): Spans {
  const [x1, y1, x2, y2] = clipBox(box, width, height);
  const builder = new SpanBuilder();
  for (let y = y1; y < y2; y++) builder.add(y * width + x1, y * width + x2);
  return builder.done();
}

export function clipBox(box: Box, width: number, height: number): Box {
  return [Math.max(0, box[0]), Math.max(0, box[1]), Math.min(width, box[2]), Math.min(height, box[3])];
}
