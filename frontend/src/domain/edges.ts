import { intersect, subtract, type Spans } from "./spans";

/** Pixels of the mask with a 4-neighbour outside it; neighbours in the row are those of the flat index. */
export function edge(spans: Spans, width: number): Spans {
  const inner = [width, -width].reduce((left, by) => intersect(left, shifted(spans, by)), narrowed(spans));
  return subtract(spans, inner);
}

/** Voxels with both neighbours of their row in the mask: spans never touch, so each loses its ends. */
function narrowed(spans: Spans): Spans {
  const inner = new Uint32Array(spans.length);
  let count = 0;
  for (let k = 0; k < spans.length; k += 2) {
    if (spans[k + 1] - spans[k] < 3) continue;
    inner[count++] = spans[k] + 1;
    inner[count++] = spans[k + 1] - 1;
  }
  return inner.slice(0, count);
}

function shifted(spans: Spans, by: number): Spans {
  let first = 0;
  while (first < spans.length && spans[first + 1] + by <= 0) first += 2;
  const moved = spans.slice(first);
  for (let k = 0; k < moved.length; k++) moved[k] = Math.max(0, spans[first + k] + by);
  return moved;
}
