import { describe, expect, test } from "vitest";

import { ball, capsule, piecesToSpans, type Piece } from "../../src/domain/brush";
import { floodOpen, holeAt, similarRegion } from "../../src/domain/flood";
import { between, fillGaps } from "../../src/domain/interpolate";
import { fillPolygon } from "../../src/domain/polygon";
import { area, fromBox, subtract, toBitmap, type Spans } from "../../src/domain/spans";
import { random } from "../vectors";

const SIZE = { width: 40, height: 30 };
const ROUND = { u: 1, v: 1 };

function slowCapsule(a: { u: number; v: number }, b: { u: number; v: number }, radius: number, stretch: typeof ROUND): Uint8Array {
  const out = new Uint8Array(SIZE.width * SIZE.height);
  for (let v = 0; v < SIZE.height; v++) {
    for (let u = 0; u < SIZE.width; u++) {
      const p = { u: (u + 0.5) * stretch.u, v: (v + 0.5) * stretch.v };
      const q = { u: a.u * stretch.u, v: a.v * stretch.v };
      const d = { u: b.u * stretch.u - q.u, v: b.v * stretch.v - q.v };
      const long = d.u ** 2 + d.v ** 2;
      const t = long === 0 ? 0 : Math.min(1, Math.max(0, ((p.u - q.u) * d.u + (p.v - q.v) * d.v) / long));
      const away = Math.hypot(p.u - q.u - t * d.u, p.v - q.v - t * d.v);
      if (away <= radius) out[v * SIZE.width + u] = 1;
    }
  }
  out[Math.floor(b.v) * SIZE.width + Math.floor(b.u)] = 1;
  return out;
}

const bitmap = (pieces: readonly Piece[]): Uint8Array =>
  toBitmap(piecesToSpans(pieces, SIZE.width), SIZE.width * SIZE.height);

describe("the brush", () => {
  test("marks the pixels whose centre is within the radius of the stroke, over seeds", () => {
    const next = random(5);
    for (let round = 0; round < 60; round++) {
      const a = { u: next() * 40, v: next() * 30 };
      const b = round % 4 === 0 ? a : { u: next() * 40, v: next() * 30 };
      const radius = 0.5 + next() * 7;
      const stretch = round % 3 === 0 ? { u: 1, v: 2.5 } : ROUND;
      expect(bitmap(capsule(a, b, radius, stretch, SIZE))).toEqual(slowCapsule(a, b, radius, stretch));
    }
  });

  test("of a disc of radius 2 at a pixel's middle has 13 pixels", () => {
    const centre = { u: 10.5, v: 10.5 };
    expect(area(piecesToSpans(capsule(centre, centre, 2, ROUND, SIZE), 40))).toBe(13);
  });

  test("of the smallest radius still marks the pixel under the pointer", () => {
    const corner = { u: 7.02, v: 3.98 };
    expect(capsule(corner, corner, 0.5, ROUND, SIZE)).toEqual([[3, 7, 8]]);
  });

  test("outside the picture marks nothing", () => {
    const away = { u: -50, v: 10 };
    expect(capsule(away, away, 5, ROUND, SIZE)).toEqual([]);
  });
});

describe("the ball brush", () => {
  const grid = { nx: 20, ny: 20, nz: 10 };

  test("is round in space: slices five times as thick hold a fifth of the slices", () => {
    const slices = ball({ centre: { x: 10.5, y: 10.5, z: 5.5 }, radius: 5, spacingZyx: [5, 1, 1] }, grid);
    expect([...slices.keys()]).toEqual([4, 5, 6]);
    expect(area(slices.get(5)!)).toBe(81);
    expect(area(slices.get(4)!)).toBe(1);
  });

  test("has the volume of a drawn ball", () => {
    const slices = ball({ centre: { x: 10.5, y: 10.5, z: 5.5 }, radius: 3, spacingZyx: [1, 1, 1] }, grid);
    let slow = 0;
    for (let z = -3; z <= 3; z++) for (let y = -3; y <= 3; y++) for (let x = -3; x <= 3; x++) if (x * x + y * y + z * z <= 9) slow++;
    expect([...slices.values()].reduce((sum, spans) => sum + area(spans), 0)).toBe(slow);
  });
});

describe("a polygon", () => {
  test("fills the pixels whose centre it holds", () => {
    const square = [{ u: 2, v: 3 }, { u: 6, v: 3 }, { u: 6, v: 5 }, { u: 2, v: 5 }];
    expect(fillPolygon(square, SIZE)).toEqual([[3, 2, 6], [4, 2, 6]]);
  });

  test("fills the same in either direction", () => {
    const kite = [{ u: 10, v: 2 }, { u: 18, v: 9 }, { u: 11, v: 20.4 }, { u: 4, v: 8 }];
    expect(fillPolygon([...kite].reverse(), SIZE)).toEqual(fillPolygon(kite, SIZE));
  });

  test("that crosses itself in one direction has no hole", () => {
    const loop = [{ u: 2, v: 2 }, { u: 20, v: 2 }, { u: 20, v: 12 }, { u: 8, v: 12 }, { u: 8, v: 6 }, { u: 14, v: 6 }, { u: 14, v: 16 }, { u: 2, v: 16 }];
    expect(bitmap(fillPolygon(loop, SIZE))[9 * 40 + 10]).toBe(1);
  });

  test("is cut at the picture's edge, and two points make none", () => {
    expect(fillPolygon([{ u: -9, v: -9 }, { u: 99, v: -9 }, { u: 99, v: 99 }, { u: -9, v: 99 }], SIZE)).toHaveLength(30);
    expect(fillPolygon([{ u: 1, v: 1 }, { u: 5, v: 5 }], SIZE)).toEqual([]);
  });
});

describe("filling", () => {
  test("reaches what is 4-connected and nothing else, over seeds", () => {
    for (let seed = 1; seed <= 20; seed++) {
      const next = random(seed);
      const open = Uint8Array.from({ length: 40 * 30 }, () => (next() < 0.62 ? 1 : 0));
      expect(floodOpen(open, 620, SIZE)).toEqual(slowFlood(open, 620));
    }
  });

  test("closes a hole, refuses the open outside and the mask itself", () => {
    const hole = fromBox([8, 8, 12, 12], 40, 30);
    const ring = subtract(fromBox([5, 5, 15, 15], 40, 30), hole);
    expect(holeAt(ring, 9 * 40 + 9, SIZE)).toEqual(hole);
    expect(holeAt(ring, 0, SIZE)).toBeNull();
    expect(holeAt(ring, 6 * 40 + 6, SIZE)).toBeNull();
  });

  test("by likeness stops where the grey differs by more than the tolerance", () => {
    const values = new Uint8Array(40 * 30).map((_, k) => (k % 40 < 20 ? 100 : 140));
    expect(area(similarRegion(values, 0, 39, SIZE))).toBe(20 * 30);
    expect(area(similarRegion(values, 0, 40, SIZE))).toBe(40 * 30);
  });
});

describe("filling between slices", () => {
  test("of two equal masks repeats them", () => {
    const mask = fromBox([5, 5, 12, 9], 40, 30);
    expect(between(mask, mask, 4, 40, 30)).toEqual([mask, mask, mask]);
  });

  test("of a small and a large disc passes through every size between", () => {
    const disc = (radius: number): Spans => piecesToSpans(capsule({ u: 20.5, v: 15.5 }, { u: 20.5, v: 15.5 }, radius, ROUND, SIZE), 40);
    const areas = between(disc(4), disc(12), 4, 40, 30).map(area);
    for (const [index, radius] of [6, 8, 10].entries()) {
      // A pixel's edge is half a pixel wide: no outline can be placed better than that.
      expect(Math.abs(Math.sqrt(areas[index] / Math.PI) - radius)).toBeLessThan(0.5);
    }
  });

  test("fills each gap and leaves drawn slices alone", () => {
    const mask = fromBox([5, 5, 12, 9], 40, 30);
    const filled = fillGaps(new Map([[2, mask], [4, mask], [5, mask], [8, mask]]), 40, 30);
    expect([...filled.keys()].sort()).toEqual([3, 6, 7]);
  });
});

function slowFlood(open: Uint8Array, seed: number): Uint8Array {
  const filled = new Uint8Array(open.length);
  const queue = open[seed] ? [seed] : [];
  while (queue.length > 0) {
    const at = queue.shift()!;
    if (filled[at]) continue;
    filled[at] = 1;
    const x = at % 40;
    const near = [x > 0 ? at - 1 : -1, x < 39 ? at + 1 : -1, at - 40, at + 40];
    queue.push(...near.filter((to) => to >= 0 && to < open.length && open[to] && !filled[to]));
  }
  return filled;
}
