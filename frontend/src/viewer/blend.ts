import { edge } from "../domain/edges";
import { Over } from "../domain/over";
import { boundariesUpTo, type Box, type Spans } from "../domain/spans";
import type { Colour } from "./palette";

/** RGBA pixels of a part of a plane, a word each: its left upper corner, and how wide a row is. */
export type Part = { readonly words: Uint32Array; readonly x: number; readonly y: number; readonly stride: number };

/** Blends a mask of a plane `width` pixels wide into a part of it, inside a box. */
export function fillSpans(part: Part, spans: Spans, width: number, colour: Colour, alpha: number, [x1, y1, x2, y2]: Box): void {
  const over = new Over(colour, alpha);
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
      blend(part.words, Math.max(at, row + x1) + shift, Math.min(rowEnd, row + x2) + shift, over);
      at = rowEnd;
    }
  }
}

function blend(words: Uint32Array, from: number, to: number, over: Over): void {
  for (let at = from; at < to; at++) words[at] = over.on(words[at]);
}

const edges = new WeakMap<Spans, Spans>();

/** Made once per mask, as masks never change in place. */
export function edgeOf(spans: Spans, width: number): Spans {
  let known = edges.get(spans);
  if (!known) edges.set(spans, (known = edge(spans, width)));
  return known;
}

export const meet = (a: Box, b: Box): boolean => a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];

/** Outlines drawn into the picture reach one pixel into the neighbourhood of a change. */
export const wider = ([x1, y1, x2, y2]: Box): Box => [Math.max(0, x1 - 1), Math.max(0, y1 - 1), x2 + 1, y2 + 1];
