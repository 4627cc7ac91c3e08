import { contours } from "../domain/contour";
import type { Spans } from "../domain/spans";

const paths = new WeakMap<Spans, Path2D>();

/** Whether the outline was made already. */
export const isKnown = (spans: Spans): boolean => paths.has(spans);

/** The outline of a mask in image pixels; made once per mask, as masks never change in place. */
export function outlineOf(spans: Spans, width: number): Path2D {
  const known = paths.get(spans);
  if (known) return known;
  const path = new Path2D();
  for (const loop of contours(spans, width)) {
    path.moveTo(loop[0], loop[1]);
    for (let k = 2; k < loop.length; k += 2) path.lineTo(loop[k], loop[k + 1]);
    path.closePath();
  }
  paths.set(spans, path);
  return path;
}
