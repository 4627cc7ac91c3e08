import { describe, expect, test } from "vitest";

import { bytesOf, isPacked, pack, sampleAt, unpack, unpackInto, type Packed } from "../../src/domain/packing";

function random(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 1103515245 + 12345) % 2147483648) / 2147483648;
}

/** Samples that spread over `spread` values from `low` on, level parts and jumps between them. */
function samples(count: number, low: number, spread: number, seed: number): Int16Array<ArrayBuffer> {
  const next = random(seed);
  return Int16Array.from({ length: count }, (_, k) => (Math.floor(k / 200) % 3 === 0 ? low : low + Math.floor(next() * spread)));
}

const packed = (of: Int16Array<ArrayBuffer>): Packed => {
  const made = pack(of, "int16");
  if (!isPacked(made)) throw new Error("not packed");
  return made;
};

describe("packed samples", () => {
  test.each([
    [1, -1000, 1],
    [64, -1024, 4096],
    [1000, -32768, 65536],
    [4097, 5, 2],
    [5000, -1024, 300],
    [5000, 0, 32767],
  ])("come back as they were: %i from %i over %i values", (count, low, spread) => {
    for (let seed = 1; seed <= 5; seed++) {
      const all = samples(count, low, spread, seed);
      const made = pack(all, "int16");
      if (!isPacked(made)) {
        expect(made).toBe(all);
        continue;
      }
      expect(unpack(made)).toEqual(all);
      for (let k = 0; k < count; k += 7) expect(sampleAt(made, k)).toBe(all[k]);
    }
  });

  test("of unsigned values have all 16 bits", () => {
    const all = new Uint16Array(640);
    all[0] = 65535;
    all[639] = 40000;
    const made = pack(all, "uint16") as Packed;
    expect(unpack(made)).toEqual(all);
    expect(sampleAt(made, 639)).toBe(40000);
  });

  test("can be read from any place to any other", () => {
    const all = samples(1000, -1024, 700, 3);
    const made = packed(all);
    for (const [from, end] of [[0, 1], [63, 65], [1, 999], [128, 192], [500, 500], [999, 1000]]) {
      const out = new Int16Array(1010);
      unpackInto(made, from, end, out, 5);
      expect([...out.subarray(5, 5 + end - from)]).toEqual([...all.subarray(from, end)]);
      expect(out[4]).toBe(0);
      expect(out[5 + end - from]).toBe(0);
    }
  });

  test("take what their spread takes", () => {
    const all = samples(64_000, -1024, 128, 4);
    expect(bytesOf(packed(all))).toBeLessThan(0.55 * all.byteLength);
  });

  test("are kept as they are where packing would not help", () => {
    const next = random(8);
    const all = Int16Array.from({ length: 6400 }, () => Math.floor(next() * 65536) - 32768);
    expect(pack(all, "int16")).toBe(all);
  });
});
