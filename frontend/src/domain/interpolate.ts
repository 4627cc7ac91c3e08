import { boundingBox, SpanBuilder, type Box, type Spans } from "./spans";

/**
 * Masks between two drawn slices by shape-based interpolation: signed distances to both outlines
 * are blended linearly and the positive side is kept (Raya and Udupa 1990). Distances are exact
 * Euclidean in pixels (Felzenszwalb and Huttenlocher 2012). Returns slices strictly between.
 */
export function between(lower: Spans, upper: Spans, steps: number, width: number, height: number): Spans[] {
  const box = jointBox(lower, upper, width, height);
  if (!box || steps < 2) return [];
  const from = signedDistance(lower, box, width);
  const to = signedDistance(upper, box, width);
  const out: Spans[] = [];
  for (let step = 1; step < steps; step++) out.push(blend(from, to, step / steps, box, width));
  return out;
}

/** Fills every gap between non-empty slices of one finding; existing slices stay as they are. */
export function fillGaps(slices: ReadonlyMap<number, Spans>, width: number, height: number): Map<number, Spans> {
  const drawn = [...slices.keys()].filter((z) => slices.get(z)!.length > 0).sort((a, b) => a - b);
  const filled = new Map<number, Spans>();
  for (let k = 1; k < drawn.length; k++) {
    const [low, high] = [drawn[k - 1], drawn[k]];
    between(slices.get(low)!, slices.get(high)!, high - low, width, height).forEach((spans, index) => {
      if (spans.length > 0) filled.set(low + 1 + index, spans);
    });
  }
  return filled;
}

function jointBox(a: Spans, b: Spans, width: number, height: number): Box | null {
  const one = boundingBox(a, width);
  const two = boundingBox(b, width);
  if (!one || !two) return null;
  return [
    Math.max(0, Math.min(one[0], two[0]) - 1),
    Math.max(0, Math.min(one[1], two[1]) - 1),
    Math.min(width, Math.max(one[2], two[2]) + 1),
    Math.min(height, Math.max(one[3], two[3]) + 1),
  ];
}

function blend(from: Float64Array, to: Float64Array, share: number, box: Box, width: number): Spans {
  const [x1, y1, x2, y2] = box;
  const builder = new SpanBuilder();
  for (let y = y1; y < y2; y++) {
    for (let x = x1; x < x2; x++) {
      const k = (y - y1) * (x2 - x1) + (x - x1);
      if (from[k] * (1 - share) + to[k] * share > 0) builder.add(y * width + x, y * width + x + 1);
    }
  }
  return builder.done();
}

/** Positive inside, negative outside, half a pixel at the outline. */
function signedDistance(spans: Spans, [x1, y1, x2, y2]: Box, width: number): Float64Array {
  const columns = x2 - x1;
  const rows = y2 - y1;
  const inside = new Uint8Array(columns * rows);
  for (let k = 0; k < spans.length; k += 2) {
    for (let at = spans[k]; at < spans[k + 1]; at++) {
      inside[(Math.floor(at / width) - y1) * columns + ((at % width) - x1)] = 1;
    }
  }
  const toOutside = distances(inside, 0, columns, rows);
  const toInside = distances(inside, 1, columns, rows);
  return toOutside.map((away, k) => (inside[k] ? Math.sqrt(away) - 0.5 : 0.5 - Math.sqrt(toInside[k])));
}

const FAR = 1e12;

function distances(cells: Uint8Array, target: number, columns: number, rows: number): Float64Array {
  const field = Float64Array.from(cells, (cell) => (cell === target ? 0 : FAR));
  const line = new Float64Array(Math.max(columns, rows));
  for (let x = 0; x < columns; x++) {
    for (let y = 0; y < rows; y++) line[y] = field[y * columns + x];
    const out = lowerEnvelope(line, rows);
    for (let y = 0; y < rows; y++) field[y * columns + x] = out[y];
  }
  for (let y = 0; y < rows; y++) {
    line.set(field.subarray(y * columns, (y + 1) * columns));
    field.set(lowerEnvelope(line, columns), y * columns);
  }
  return field;
}

function lowerEnvelope(line: Float64Array, length: number): Float64Array {
  const vertices = new Int32Array(length);
  const starts = new Float64Array(length + 1);
  let top = 0;
  starts[0] = -Infinity;
  starts[1] = Infinity;
  const meet = (q: number, p: number): number => (line[q] + q * q - (line[p] + p * p)) / (2 * (q - p));
  for (let q = 1; q < length; q++) {
    while (meet(q, vertices[top]) <= starts[top]) top--;
    starts[top + 1] = meet(q, vertices[top]);
    vertices[++top] = q;
    starts[top + 1] = Infinity;
  }
  const out = new Float64Array(length);
  for (let q = 0, k = 0; q < length; q++) {
    while (starts[k + 1] < q) k++;
    out[q] = (q - vertices[k]) ** 2 + line[vertices[k]];
  }
  return out;
}
