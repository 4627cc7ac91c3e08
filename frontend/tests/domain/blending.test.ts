import { describe, expect, test } from "vitest";

import { edge } from "../../src/domain/edges";
import { Over } from "../../src/domain/over";
import type { Spans } from "../../src/domain/spans";

/** Numbers that are the same each time (Park and Miller 1988). */
function dice(seed: number): (below: number) => number {
  let state = seed;
  return (below) => (state = (state * 48271) % 2147483647) % below;
}

function toSpans(mask: readonly boolean[]): Spans {
  const bounds: number[] = [];
  mask.forEach((isIn, at) => isIn !== (mask[at - 1] ?? false) && bounds.push(at));
  if (mask[mask.length - 1]) bounds.push(mask.length);
  return Uint32Array.from(bounds);
}

/** As it is defined, byte by byte. */
function plain(under: readonly number[], colour: readonly number[], alpha: number): number[] {
  const out = Uint8ClampedArray.from(under);
  const rest = (out[3] / 255) * (1 - alpha);
  const sum = alpha + rest;
  for (let k = 0; k < 3; k++) out[k] = (colour[k] * alpha + out[k] * rest) / sum;
  out[3] = sum * 255;
  return [...out];
}

describe("one colour over others", () => {
  test("is what each byte by itself would be, on any pixels in any order", () => {
    const roll = dice(7);
    for (let round = 0; round < 40; round++) {
      const colour = [roll(256), roll(256), roll(256)] as const;
      const alpha = [0, 0.001, 0.28, 0.42, 0.85, 1][round % 6];
      const over = new Over(colour, alpha);
      // Few kinds of pixels, as under masks, so that what is remembered is used.
      const kinds = Array.from({ length: 4 }, () => [roll(256), roll(256), roll(256), roll(256)]);
      kinds.push([0, 0, 0, 0], [3, 0, 0, 0]);
      for (let pixel = 0; pixel < 60; pixel++) {
        const under = kinds[roll(kinds.length)];
        const words = new Uint32Array(Uint8Array.from(under).buffer);
        words[0] = over.on(words[0]);
        expect([...new Uint8Array(words.buffer)]).toEqual(plain(under, colour, alpha));
      }
    }
  });
});

describe("the edge of a mask", () => {
  test("is every pixel that has not all four neighbours of the flat picture", () => {
    const roll = dice(11);
    for (let round = 0; round < 60; round++) {
      const [width, height] = [1 + roll(9), 1 + roll(9)];
      const dense = 1 + roll(6);
      const mask = Array.from({ length: width * height }, () => roll(dense) < dense - 1 || roll(2) === 0);
      const isInner = (at: number): boolean => [at - 1, at + 1, at - width, at + width].every((one) => mask[one] === true);
      const expected = mask.map((isIn, at) => isIn && !isInner(at));
      expect([...edge(toSpans(mask), width)]).toEqual([...toSpans(expected)]);
    }
  });

  test("of nothing is nothing", () => {
    expect(edge(new Uint32Array(0), 5)).toHaveLength(0);
  });
});
