import { EMPTY, fromBitmap, toBitmap, type Spans } from "./spans";
import type { Pixels } from "./slicecodec";
import { boxAround, spansFrom, spansWithin } from "./tiles";

export type Field = { readonly width: number; readonly height: number };

/** 4-connected region of the open pixels around `seed`, one row run at a time. Open is any non-zero byte. */
export function floodOpen(open: Uint8Array, seed: number, { width, height }: Field): Uint8Array {
  const filled = new Uint8Array(open.length);
  const stack = [seed];
  while (stack.length > 0) {
    const at = stack.pop()!;
    if (!open[at] || filled[at]) continue;
    const row = Math.floor(at / width);
    let left = at;
    let right = at + 1;
    while (left > row * width && open[left - 1] && !filled[left - 1]) left--;
    while (right < (row + 1) * width && open[right] && !filled[right]) right++;
    filled.fill(1, left, right);
    if (row > 0) pushRuns(open, filled, left - width, right - width, stack);
    if (row + 1 < height) pushRuns(open, filled, left + width, right + width, stack);
  }
  return filled;
}

function pushRuns(open: Uint8Array, filled: Uint8Array, from: number, to: number, stack: number[]): void {
  let inside = false;
  for (let at = from; at < to; at++) {
    const now = open[at] !== 0 && !filled[at];
    if (now && !inside) stack.push(at);
    inside = now;
  }
}

/** The hole of the mask around `seed`; null when the seed is in the mask or outside all of it. */
export function holeAt(mask: Spans, seed: number, field: Field): Spans | null {
  // A hole lies inside the box of its mask; one pixel more joins all that is outside.
  const box = boxAround(mask, 1, field);
  const [u, v] = [seed % field.width, Math.floor(seed / field.width)];
  if (!box || u < box[0] || u >= box[2] || v < box[1] || v >= box[3]) return null;
  const part = { width: box[2] - box[0], height: box[3] - box[1] };
  const open = toBitmap(spansWithin(mask, box, field.width), part.width * part.height).map((inside) => 1 - inside);
  const at = (v - box[1]) * part.width + u - box[0];
  if (!open[at]) return null;
  const filled = floodOpen(open, at, part);
  return touchesEdge(filled, part) ? null : spansFrom(fromBitmap(filled), box, field.width);
}

/** The connected region around `seed` whose values differ from the seed's by at most `tolerance`. */
export function similarRegion(values: Pixels, seed: number, tolerance: number, field: Field): Spans {
  const count = field.width * field.height;
  if (seed < 0 || seed >= count) return EMPTY;
  const open = new Uint8Array(count);
  const centre = values[seed];
  for (let k = 0; k < count; k++) if (Math.abs(values[k] - centre) <= tolerance) open[k] = 1;
  return fromBitmap(floodOpen(open, seed, field));
}

function touchesEdge(filled: Uint8Array, { width, height }: Field): boolean {
  for (let x = 0; x < width; x++) if (filled[x] || filled[(height - 1) * width + x]) return true;
  for (let y = 0; y < height; y++) if (filled[y * width] || filled[(y + 1) * width - 1]) return true;
  return false;
}
