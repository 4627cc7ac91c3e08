import type { Piece } from "./brush";
import { clipBox, eachRowPiece, SpanBuilder, type Box, type Spans } from "./spans";
import type { Pixels } from "./slicecodec";

/** One number a pixel, row by row. */
export type Greys = Pixels | Float32Array<ArrayBuffer>;
export type Field = { readonly width: number; readonly height: number };

/** The samples of one channel; of a colour picture looked at as a whole (`channel` null), the mean of its channels. */
export function greysOf(samples: Pixels, pixels: number, channels: number, channel: number | null): Greys {
  if (channel !== null || channels === 1) return samples.subarray((channel ?? 0) * pixels, ((channel ?? 0) + 1) * pixels) as Pixels;
  const mean = new Float32Array(pixels);
  for (let c = 0; c < channels; c++) for (let k = 0; k < pixels; k++) mean[k] += samples[c * pixels + k] / channels;
  return mean;
}

/** Pixels whose value lies from `low` to `high`, both included, within the box. */
export function inRange(values: Greys, low: number, high: number, box: Box | null, { width, height }: Field): Spans {
  const [x1, y1, x2, y2] = clipBox(box ?? [0, 0, width, height], width, height);
  const builder = new SpanBuilder();
  for (let y = y1; y < y2; y++) {
    let start = -1;
    for (let at = y * width + x1; at < y * width + x2; at++) {
      const inside = values[at] >= low && values[at] <= high;
      if (inside && start < 0) start = at;
      else if (!inside && start >= 0) {
        builder.add(start, at);
        start = -1;
      }
    }
    if (start >= 0) builder.add(start, y * width + x2);
  }
  return builder.done();
}

/** Of drawn pieces what is like `centre`: every channel differs by at most `tolerance`. */
export function alikeOnly(pieces: readonly Piece[], samples: Pixels, centre: readonly number[], tolerance: number, { width, height }: Field): Piece[] {
  const pixels = width * height;
  const isAlike = (at: number): boolean => {
    for (let c = 0; c < centre.length; c++) if (Math.abs(samples[c * pixels + at] - centre[c]) > tolerance) return false;
    return true;
  };
  const out: Piece[] = [];
  for (const [v, u1, u2] of pieces) {
    let start = -1;
    for (let u = u1; u <= u2; u++) {
      const inside = u < u2 && isAlike(v * width + u);
      if (inside && start < 0) start = u;
      else if (!inside && start >= 0) {
        out.push([v, start, u]);
        start = -1;
      }
    }
  }
  return out;
}

export function extremes(values: Greys): { low: number; high: number } {
  let [low, high] = [Infinity, -Infinity];
  for (let k = 0; k < values.length; k++) {
    if (values[k] < low) low = values[k];
    if (values[k] > high) high = values[k];
  }
  return { low, high };
}

const BINS = 256;

/** The value that parts the pixels in the box best in two classes (Otsu 1979), over 256 bins between the extremes. */
export function otsu(values: Greys, box: Box | null, { width, height }: Field): number {
  const [x1, y1, x2, y2] = clipBox(box ?? [0, 0, width, height], width, height);
  const { low, high } = extremes(values);
  const step = (high - low) / BINS;
  if (!(step > 0)) return low;
  const bins = new Float64Array(BINS);
  for (let y = y1; y < y2; y++) {
    for (let at = y * width + x1; at < y * width + x2; at++) bins[Math.min(BINS - 1, Math.floor((values[at] - low) / step))]++;
  }
  return low + step * bestSplit(bins);
}

function bestSplit(bins: Float64Array): number {
  const count = bins.reduce((sum, bin) => sum + bin, 0);
  const total = bins.reduce((sum, bin, k) => sum + bin * k, 0);
  let [below, sumBelow, best, first, last] = [0, 0, -1, 0, 0];
  for (let k = 0; k < BINS - 1; k++) {
    below += bins[k];
    sumBelow += bins[k] * k;
    if (below === 0 || below === count) continue;
    const between = below * (count - below) * (sumBelow / below - (total - sumBelow) / (count - below)) ** 2;
    if (between > best) [best, first, last] = [between, k + 1, k + 1];
    else if (between === best) last = k + 1;
  }
  // Between two classes with nothing in between every split is as good: the middle one is taken.
  return (first + last) / 2;
}

export type Statistics = { readonly count: number; readonly mean: number; readonly deviation: number };

export function statistics(values: Greys, mask: Spans, { width }: Field): Statistics {
  let [count, sum, squares] = [0, 0, 0];
  eachRowPiece(mask, width, (y, x1, x2) => {
    for (let at = y * width + x1; at < y * width + x2; at++) {
      count++;
      sum += values[at];
      squares += values[at] ** 2;
    }
  });
  const mean = count > 0 ? sum / count : 0;
  return { count, mean, deviation: count > 0 ? Math.sqrt(Math.max(0, squares / count - mean ** 2)) : 0 };
}
