import { emptyPixels, type Pixels, type PixelType } from "./slicecodec";

/**
 * Samples of 16 bits in fewer: each 64 of them are their least value and, in as many bits as the
 * greatest needs, how much every one lies above it (frame of reference, Goldstein et al. 1998). Any
 * sample can be read by itself, so that planes across the slices need not unpack them.
 */
export type Packed = {
  readonly type: PixelType;
  readonly count: number;
  readonly least: Pixels;
  readonly widths: Uint8Array<ArrayBuffer>;
  /** The first word of each block; a block of width w is 2w words. */
  readonly starts: Uint32Array<ArrayBuffer>;
  readonly words: Uint32Array<ArrayBuffer>;
};

const BLOCK = 64;

export const isPacked = (held: Pixels | Packed): held is Packed => "words" in held;

export const bytesOf = (held: Pixels | Packed): number =>
  isPacked(held) ? held.least.byteLength + held.widths.byteLength + held.starts.byteLength + held.words.byteLength : held.byteLength;

/** The samples packed, or as they are where that takes less. */
export function pack(samples: Pixels, type: PixelType): Pixels | Packed {
  const blocks = Math.ceil(samples.length / BLOCK);
  const least = emptyPixels(type, blocks);
  const widths = new Uint8Array(blocks);
  const starts = new Uint32Array(blocks);
  let count = 0;
  for (let b = 0; b < blocks; b++) {
    const end = Math.min(samples.length, (b + 1) * BLOCK);
    let [low, high] = [samples[b * BLOCK], samples[b * BLOCK]];
    for (let k = b * BLOCK + 1; k < end; k++) {
      if (samples[k] < low) low = samples[k];
      else if (samples[k] > high) high = samples[k];
    }
    least[b] = low;
    widths[b] = 32 - Math.clz32(high - low);
    starts[b] = count;
    count += 2 * widths[b];
  }
  const packed = { type, count: samples.length, least, widths, starts, words: new Uint32Array(count) };
  if (bytesOf(packed) >= samples.byteLength) return samples;
  for (let b = 0; b < blocks; b++) packBlock(samples, b, packed);
  return packed;
}

function packBlock(samples: Pixels, b: number, { least, widths, starts, words }: Packed): void {
  const [low, width] = [least[b], widths[b]];
  const end = Math.min(samples.length, (b + 1) * BLOCK);
  let bit = starts[b] * 32;
  for (let k = b * BLOCK; width > 0 && k < end; k++, bit += width) {
    const [word, shift, above] = [bit >>> 5, bit & 31, samples[k] - low];
    words[word] |= above << shift;
    if (shift + width > 32) words[word + 1] |= above >>> (32 - shift);
  }
}

export function sampleAt({ least, widths, starts, words }: Packed, at: number): number {
  const b = at >>> 6;
  const width = widths[b];
  if (width === 0) return least[b];
  const bit = (at & 63) * width;
  const word = starts[b] + (bit >>> 5);
  const shift = bit & 31;
  let above = words[word] >>> shift;
  if (shift + width > 32) above |= words[word + 1] << (32 - shift);
  return least[b] + (above & ((1 << width) - 1));
}

/** Samples `from` up to `end` into `out`, from `to` on. */
export function unpackInto(packed: Packed, from: number, end: number, out: Pixels, to: number): void {
  const { least, widths, starts, words } = packed;
  for (let k = from; k < end; ) {
    const b = k >>> 6;
    const stop = Math.min(end, (b + 1) * BLOCK);
    const [low, width] = [least[b], widths[b]];
    if (width === 0) {
      out.fill(low, to + k - from, to + stop - from);
      k = stop;
      continue;
    }
    const mask = (1 << width) - 1;
    for (let bit = starts[b] * 32 + (k & 63) * width; k < stop; k++, bit += width) {
      const word = bit >>> 5;
      const shift = bit & 31;
      let above = words[word] >>> shift;
      if (shift + width > 32) above |= words[word + 1] << (32 - shift);
      out[to + k - from] = low + (above & mask);
    }
  }
}

export function unpack(packed: Packed): Pixels {
  const out = emptyPixels(packed.type, packed.count);
  unpackInto(packed, 0, packed.count, out, 0);
  return out;
}
