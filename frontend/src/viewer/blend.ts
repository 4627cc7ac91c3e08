import { boundariesUpTo, intersect, subtract, type Box, type Spans } from "../domain/spans";
import type { Colour } from "./palette";

/** RGBA pixels of a part of a plane: its left upper corner, and how wide a row is. */
export type Part = { readonly bytes: Uint8ClampedArray; readonly x: number; readonly y: number; readonly stride: number };

/** Blends a mask of a plane `width` pixels wide into a part of it, inside a box. */
export function fillSpans(part: Part, spans: Spans, width: number, colour: Colour, alpha: number, [x1, y1, x2, y2]: Box): void {
  let k = boundariesUpTo(spans, y1 * width);
  k -= k & 1;
  const stop = y2 * width;
  for (; k < spans.length && spans[k] < stop; k += 2) {
    let at = Math.max(spans[k], y1 * width);
    const end = Math.min(spans[k + 1], stop);
    while (at < end) {
      const y = Math.floor(at / width);
      const row = y * width;
      const rowEnd = Math.min(end, row + width);
      const shift = (y - part.y) * part.stride - part.x - row;
      blend(part.bytes, Math.max(at, row + x1) + shift, Math.min(rowEnd, row + x2) + shift, colour, alpha);
      at = rowEnd;
    }
  }
}

/** Source over destination, both with alpha (Porter and Duff 1984). */
function blend(bytes: Uint8ClampedArray, from: number, to: number, [red, green, blue]: Colour, alpha: number): void {
  for (let at = 4 * from; at < 4 * to; at += 4) {
    const under = (bytes[at + 3] / 255) * (1 - alpha);
    const sum = alpha + under;
    bytes[at] = (red * alpha + bytes[at] * under) / sum;
    bytes[at + 1] = (green * alpha + bytes[at + 1] * under) / sum;
    bytes[at + 2] = (blue * alpha + bytes[at + 2] * under) / sum;
    bytes[at + 3] = sum * 255;
  }
}

const edges = new WeakMap<Spans, Spans>();

/** Pixels of the mask with a 4-neighbour outside it. */
export function edgeOf(spans: Spans, width: number): Spans {
  const known = edges.get(spans);
  if (known) return known;
  const inner = [1, -1, width, -width].reduce((left, by) => intersect(left, shifted(spans, by)), spans);
  const edge = subtract(spans, inner);
  edges.set(spans, edge);
  return edge;
}

function shifted(spans: Spans, by: number): Spans {
  const moved = Array.from(spans, (at) => Math.max(0, at + by));
  const first = moved.findIndex((at, k) => k % 2 === 0 && moved[k + 1] > 0 && at >= 0);
  return Uint32Array.from(first < 0 ? [] : moved.slice(first));
}

export const meet = (a: Box, b: Box): boolean => a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];

/** Outlines drawn into the picture reach one pixel into the neighbourhood of a change. */
export const wider = ([x1, y1, x2, y2]: Box): Box => [Math.max(0, x1 - 1), Math.max(0, y1 - 1), x2 + 1, y2 + 1];
