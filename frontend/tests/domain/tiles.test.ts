import { describe, expect, test } from "vitest";

import { fromBitmap, toBitmap, type Box, type Spans } from "../../src/domain/spans";
import { above, levelFor, levelSize, spansFrom, spansOnLevel, spansWithin, tileBox, tilesIn, type TileLayout } from "../../src/domain/tiles";

const layout: TileLayout = { size: 512, levels: 4, width: 2100, height: 1200 };

function random(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 1103515245 + 12345) % 2147483648) / 2147483648;
}

function someMask(width: number, height: number, seed: number): Spans {
  const next = random(seed);
  return fromBitmap(Uint8Array.from({ length: width * height }, () => (next() < 0.6 ? 1 : 0)));
}

describe("tiles", () => {
  test("cover every pixel of a level once, cut at the far edges", () => {
    expect(levelSize(layout, 1)).toEqual({ width: 1050, height: 600 });
    for (let level = 0; level < layout.levels; level++) {
      const { width, height } = levelSize(layout, level);
      const tiles = tilesIn(layout, level, [0, 0, layout.width, layout.height]);
      const sum = tiles.map((at) => tileBox(layout, at)).reduce((all, [x1, y1, x2, y2]) => all + (x2 - x1) * (y2 - y1), 0);
      expect(sum).toBe(width * height);
    }
    expect(tilesIn(layout, 3, [0, 0, 2100, 1200])).toEqual([{ level: 3, row: 0, column: 0 }]);
  });

  test("in sight come from the middle outwards, and none where nothing is in sight", () => {
    expect(tilesIn(layout, 0, [600, 100, 1400, 300])).toEqual([
      { level: 0, row: 0, column: 1 },
      { level: 0, row: 0, column: 2 },
    ]);
    expect(tilesIn(layout, 0, [1100, 100, 1500, 300])[0]).toEqual({ level: 0, row: 0, column: 2 });
    expect(tilesIn(layout, 0, [-50, -50, 0, 900])).toEqual([]);
  });

  test("of the level above show the same part", () => {
    expect(above({ level: 0, row: 3, column: 4 })).toEqual({ level: 1, row: 1, column: 2 });
  });

  test("are taken from the level whose pixels are the screen's", () => {
    expect([4, 1, 0.72, 0.69, 0.25, 0.001].map((scale) => levelFor(layout, scale))).toEqual([0, 0, 0, 1, 2, 3]);
  });
});

describe("a mask on a level", () => {
  test.each([1, 2, 3])("shows what lies at the middle of each of its pixels (level %i)", (level) => {
    for (const [width, height] of [[64, 40], [61, 37], [9, 70]] as const) {
      const cut: TileLayout = { size: 512, levels: 4, width, height };
      const mask = someMask(width, height, width + level);
      const bitmap = toBitmap(mask, width * height);
      const step = 2 ** level;
      const small = levelSize(cut, level);
      const expected = new Uint8Array(small.width * small.height);
      for (let y = 0; y < small.height; y++) {
        for (let x = 0; x < small.width; x++) {
          const v = Math.min(height - 1, y * step + step / 2);
          const u = x * step + step / 2;
          expected[y * small.width + x] = u < width ? bitmap[v * width + u] : 0;
        }
      }
      expect(spansOnLevel(mask, cut, level)).toEqual(fromBitmap(expected));
    }
  });
});

describe("a mask within a box", () => {
  test("is the part of it there, and goes back to where it was", () => {
    const [width, height] = [23, 17];
    const mask = someMask(width, height, 5);
    const box: Box = [4, 3, 19, 15];
    const local = spansWithin(mask, box, width);
    const bitmap = toBitmap(mask, width * height);
    const small = toBitmap(local, 15 * 12);
    for (let y = 0; y < 12; y++) for (let x = 0; x < 15; x++) expect(small[y * 15 + x]).toBe(bitmap[(y + 3) * width + x + 4]);
    const back = toBitmap(spansFrom(local, box, width), width * height);
    for (let k = 0; k < back.length; k++) {
      const [x, y] = [k % width, Math.floor(k / width)];
      const inside = x >= 4 && x < 19 && y >= 3 && y < 15;
      expect(back[k]).toBe(inside ? bitmap[k] : 0);
    }
  });

  test("of all the picture is the mask itself", () => {
    const mask = someMask(12, 7, 9);
    expect(spansFrom(mask, [0, 0, 12, 7], 12)).toBe(mask);
    expect(spansWithin(mask, [0, 0, 12, 7], 12)).toEqual(mask);
  });
});
