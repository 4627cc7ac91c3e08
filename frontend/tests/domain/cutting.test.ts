import { describe, expect, test } from "vitest";

import { carried } from "../../src/domain/carry";
import type { Grid, Plane } from "../../src/domain/coordinates";
import { crossedPixels, cutOff } from "../../src/domain/cut";
import { parts, voxelsOf } from "../../src/domain/parts";
import { area, boundingBox, EMPTY, fromBitmap, fromBox, intersect, subtract, toBitmap, union, xor, type Spans } from "../../src/domain/spans";
import { combined } from "../../src/domain/stack";
import { alikeOnly, extremes, greysOf, inRange, otsu, statistics } from "../../src/domain/values";
import { random } from "../vectors";

const GRID: Grid = { nx: 40, ny: 30, nz: 1 };
const flat = (spans: Spans): Map<number, Spans> => new Map([[0, spans]]);
const cutAlong = (mask: Spans, ...points: [number, number][]): Map<number, Spans> | null =>
  cutOff(flat(mask), { points: points.map(([u, v]) => ({ u, v })), plane: "axial" }, GRID);

function disc(cx: number, cy: number, radius: number, { nx, ny }: Grid = GRID): Spans {
  return fromBitmap(Uint8Array.from({ length: nx * ny }, (_, k) => Number(Math.hypot((k % nx) + 0.5 - cx, Math.floor(k / nx) + 0.5 - cy) <= radius)));
}

describe("a line", () => {
  test("crosses a chain of pixels in which each shares a face with the next", () => {
    const next = random(5);
    for (let round = 0; round < 50; round++) {
      const points = Array.from({ length: 4 }, () => ({ u: next() * 40, v: next() * 30 }));
      const pixels = fromBitmap(Uint8Array.from({ length: 1200 }, (_, k) => Number(crossedPixels(points, { width: 40, height: 30 }).some(([v, u]) => v * 40 + u === k))));
      expect(parts(flat(pixels), 40)).toHaveLength(1);
      // Every point on the way lies in a crossed pixel.
      for (let share = 0; share <= 1; share += 0.01) {
        const [u, v] = [points[0].u + share * (points[1].u - points[0].u), points[0].v + share * (points[1].v - points[0].v)];
        expect(toBitmap(pixels, 1200)[Math.floor(v) * 40 + Math.floor(u)]).toBe(1);
      }
    }
  });
});

describe("scissors", () => {
  test("across a box take its smaller side, and lose nothing", () => {
    const box = fromBox([5, 5, 25, 15], 40, 30);
    const away = cutAlong(box, [10.5, 0], [10.5, 29])!;
    // Columns 5 to 9 and, halved along its middle, the column the line runs in.
    expect([50, 60]).toContain(area(away.get(0)!));
    expect(boundingBox(away.get(0)!, 40)).toEqual([5, 5, area(away.get(0)!) / 10 + 5, 15]);
    expect(area(intersect(away.get(0)!, box))).toBe(area(away.get(0)!));
  });

  test("part two touching discs where they touch, in whichever direction the line runs", () => {
    const pair = union(disc(12, 15, 7), disc(24, 15, 6));
    for (const line of [[[18.5, 2], [18.5, 28]], [[18.5, 28], [18.5, 2]]] as [number, number][][]) {
      const away = cutAlong(pair, ...line)!.get(0)!;
      const rest = subtract(pair, away);
      expect(area(away) + area(rest)).toBe(area(pair));
      expect(area(intersect(away, disc(24, 15, 5)))).toBe(area(disc(24, 15, 5)));
      expect(area(intersect(rest, disc(12, 15, 6)))).toBe(area(disc(12, 15, 6)));
    }
  });

  test("along a bent line keep each leg's side", () => {
    const box = fromBox([0, 0, 40, 30], 40, 30);
    const away = cutAlong(box, [20.5, -1], [20.5, 15.5], [41, 15.5])!.get(0)!;
    const corner = fromBox([21, 0, 40, 15], 40, 30);
    expect(area(subtract(corner, away))).toBe(0);
    expect(area(away)).toBeLessThanOrEqual(20 * 16);
  });

  test("that end inside, or miss, cut nothing", () => {
    const box = fromBox([5, 5, 25, 15], 40, 30);
    expect(cutAlong(box, [10.5, 0], [10.5, 10])).toBeNull();
    expect(cutAlong(box, [30, 0], [30, 29])).toBeNull();
    expect(cutOff(new Map(), { points: [{ u: 0, v: 0 }, { u: 9, v: 9 }], plane: "axial" }, GRID)).toBeNull();
  });

  test("leave alone what the line does not touch", () => {
    const island = fromBox([30, 20, 38, 28], 40, 30);
    const away = cutAlong(union(fromBox([5, 5, 25, 15], 40, 30), island), [10.5, 0], [10.5, 18])!;
    expect(area(intersect(away.get(0)!, island))).toBe(0);
  });

  test("cut a volume right through, along each plane", () => {
    const grid: Grid = { nx: 12, ny: 10, nz: 8 };
    const block = new Map(Array.from({ length: 6 }, (_, k) => [k + 1, fromBox([2, 2, 10, 8], 12, 10)]));
    const lines: [Plane, [number, number][]][] = [
      ["axial", [[4.5, 0], [4.5, 10]]],
      ["coronal", [[4.5, 0], [4.5, 8]]],
      ["sagittal", [[0, 5.5], [10, 5.5]]],
    ];
    for (const [plane, points] of lines) {
      const away = cutOff(block, { plane, points: points.map(([u, v]) => ({ u, v })) }, grid)!;
      const rest = combined(block, away, subtract);
      expect(voxelsOf(away) + voxelsOf(rest)).toBe(6 * 48);
      expect(parts(away, 12)).toHaveLength(1);
      expect(parts(rest, 12)).toHaveLength(1);
      // v 5 of the sagittal plane is z 2: slice 1 lies below it and the line's own slice on its lower side or not.
      if (plane === "sagittal") expect([...away.keys()].every((z) => z <= 2)).toBe(true);
      else expect([...away.keys()]).toHaveLength(6);
    }
  });
});

describe("values", () => {
  test("in a range are those a plain loop finds, over seeds and boxes", () => {
    for (let seed = 1; seed <= 30; seed++) {
      const next = random(seed);
      const values = Uint16Array.from({ length: 1200 }, () => Math.floor(next() * 1000));
      const [low, high] = [next() * 500, 300 + next() * 700];
      const box = seed % 3 === 0 ? null : ([next() * 20, next() * 15, 10 + next() * 35, 5 + next() * 30].map(Math.floor) as [number, number, number, number]);
      const slow = Uint8Array.from(values, (value, k) => {
        const [x, y] = [k % 40, Math.floor(k / 40)];
        const within = !box || (x >= box[0] && y >= box[1] && x < box[2] && y < box[3]);
        return Number(within && value >= low && value <= high);
      });
      expect(inRange(values, low, high, box, { width: 40, height: 30 })).toEqual(fromBitmap(slow));
    }
  });

  test("alike to the centre in every channel are what a gated brush leaves", () => {
    const next = random(3);
    const samples = Uint8Array.from({ length: 2 * 1200 }, () => Math.floor(next() * 256));
    const pieces = [[3, 5, 30], [4, 0, 40], [29, 39, 40]] as const;
    const kept = new Set(alikeOnly(pieces, samples, [128, 100], 60, { width: 40, height: 30 }).flatMap(([v, u1, u2]) => Array.from({ length: u2 - u1 }, (_, k) => v * 40 + u1 + k)));
    for (const [v, u1, u2] of pieces) {
      for (let u = u1; u < u2; u++) {
        const at = v * 40 + u;
        expect(kept.has(at)).toBe(Math.abs(samples[at] - 128) <= 60 && Math.abs(samples[1200 + at] - 100) <= 60);
      }
    }
  });

  test("of a colour picture are the mean of its channels, or one of them", () => {
    const samples = Uint8Array.of(10, 20, 30, 40, 50, 60);
    expect([...greysOf(samples, 2, 3, null)]).toEqual([30, 40]);
    expect([...greysOf(samples, 2, 3, 1)]).toEqual([30, 40]);
    expect([...greysOf(samples, 2, 3, 2)]).toEqual([50, 60]);
  });

  test("of two heaps are parted between them, and of one value nowhere", () => {
    const values = Uint8Array.from({ length: 1200 }, (_, k) => (k % 3 === 0 ? 190 + (k % 7) : 40 + (k % 11)));
    const at = otsu(values, null, { width: 40, height: 30 });
    expect(at).toBeGreaterThan(50);
    expect(at).toBeLessThan(190);
    expect(otsu(new Uint8Array(1200).fill(7), null, { width: 40, height: 30 })).toBe(7);
    expect(extremes(values)).toEqual({ low: 40, high: 196 });
  });

  test("of a mask have the mean and the deviation of a plain loop", () => {
    const values = Int16Array.from({ length: 1200 }, (_, k) => (k % 50) - 20);
    const inside = [...toBitmap(disc(20, 15, 8), 1200)].flatMap((voxel, k) => (voxel ? [values[k]] : []));
    const mean = inside.reduce((sum, value) => sum + value, 0) / inside.length;
    const told = statistics(values, disc(20, 15, 8), { width: 40, height: 30 });
    expect(told.count).toBe(inside.length);
    expect(told.mean).toBeCloseTo(mean, 9);
    expect(told.deviation).toBeCloseTo(Math.sqrt(inside.reduce((sum, value) => sum + (value - mean) ** 2, 0) / inside.length), 9);
    expect(statistics(values, EMPTY, { width: 40, height: 30 }).count).toBe(0);
  });
});

describe("carrying a mask to the next slice", () => {
  const field = { width: 40, height: 30 };
  function image(mask: Spans, inside: number, outside: number, noise: number, seed: number): Uint8Array<ArrayBuffer> {
    const next = random(seed);
    const bitmap = toBitmap(mask, 1200);
    return Uint8Array.from({ length: 1200 }, (_, k) => (bitmap[k] ? inside : outside) + (next() - 0.5) * noise);
  }

  test.each([1, 2, 3, 4])("follows an object that has grown and moved (%i)", (seed) => {
    const [here, there] = [disc(20, 15, 7), disc(21, 15.5, 8)];
    const { mask, how } = carried(here, image(here, 150, 60, 60, seed), image(there, 150, 60, 60, seed + 9), 4, field);
    expect(how).toBe("adapted");
    const dice = (2 * area(intersect(mask, there))) / (area(mask) + area(there));
    expect(dice).toBeGreaterThan(0.95);
    expect(dice).toBeGreaterThan((2 * area(intersect(here, there))) / (area(here) + area(there)));
  });

  test("copies where the values tell nothing", () => {
    const here = disc(20, 15, 7);
    const { mask, how } = carried(here, image(here, 100, 100, 80, 1), image(here, 100, 100, 80, 2), 4, field);
    expect(how).toBe("plain");
    expect(area(xor(mask, here))).toBe(0);
  });

  test("ends where nothing like it is left", () => {
    const here = disc(20, 15, 7);
    const { mask, how } = carried(here, image(here, 150, 60, 20, 1), image(EMPTY, 150, 60, 20, 2), 4, field);
    expect(how).toBe("ended");
    expect(mask).toHaveLength(0);
  });

  test("does not run into a like neighbour further off than the margin", () => {
    const here = disc(12, 15, 6);
    const other = disc(30, 15, 6);
    const picture = image(union(here, other), 150, 60, 20, 4);
    const { mask } = carried(here, picture, picture, 4, field);
    expect(area(intersect(mask, other))).toBe(0);
  });
});
