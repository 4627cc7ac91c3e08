import { describe, expect, test } from "vitest";

import type { Pixels } from "../../src/domain/slicecodec";
import { tileBox, tileKey, tilesIn, type TileAt } from "../../src/domain/tiles";
import type { Tiles } from "../../src/state/tiles";
import { Volume } from "../../src/state/volume";
import { facts } from "./support";

const WIDTH = 1300;
const HEIGHT = 1100;
const cut = { size: 512, levels: 3 };

/** What the picture holds at a pixel of a level. */
const sample = (c: number, x: number, y: number, level = 0): number => (x * 7 + y * 13 + c * 101 + level * 50) % 251;

function tileOf(tiles: Tiles, at: TileAt): Pixels {
  const [x1, y1, x2, y2] = tileBox(tiles.layout, at);
  const out = new Uint8Array((x2 - x1) * (y2 - y1) * tiles.channels);
  let k = 0;
  for (let c = 0; c < tiles.channels; c++) for (let y = y1; y < y2; y++) for (let x = x1; x < x2; x++) out[k++] = sample(c, x, y, at.level);
  return out;
}

function picture(channels = 3): Tiles {
  return new Volume(facts({ grid: { nx: WIDTH, ny: HEIGHT, nz: 1 }, channels, tiles: cut })).tiles!;
}

/** Brings in all that is asked for, as a loader does. */
function serve(tiles: Tiles): string[] {
  const brought: string[] = [];
  for (let next = tiles.missing().next(); !next.done; next = tiles.missing().next()) {
    brought.push(tileKey(next.value));
    tiles.put(next.value, tileOf(tiles, next.value));
  }
  return brought;
}

describe("the tiles of a picture", () => {
  test("tell the stored values of a pixel once its tile is here, and ask for it before", () => {
    const tiles = picture();
    let asked = 0;
    tiles.asked = () => asked++;
    expect(tiles.values(1299, 600)).toBeNull();
    expect(asked).toBe(1);
    expect(serve(tiles)).toEqual(["0/1/2"]);
    expect(tiles.values(1299, 600)).toEqual([0, 1, 2].map((c) => sample(c, 1299, 600)));
  });

  test("are brought in as they are wanted, the coarse one first", () => {
    const tiles = picture();
    tiles.want([{ level: 2, row: 0, column: 0 }, ...tilesIn(tiles.layout, 1, [0, 0, WIDTH, HEIGHT])]);
    expect(serve(tiles)[0]).toBe("2/0/0");
    expect(tiles.has({ level: 1, row: 1, column: 1 })).toBe(true);
    expect([...tiles.missing()]).toEqual([]);
  });

  test("give what is no longer wanted up before it is fetched", () => {
    const tiles = picture();
    const [one, other] = tilesIn(tiles.layout, 0, [0, 0, 900, 200]);
    tiles.want([one, other]);
    expect(tiles.isWanted(one)).toBe(true);
    tiles.want([other]);
    expect(tiles.isWanted(one)).toBe(false);
  });

  test("stay within their memory, but for those in sight", () => {
    const large = new Volume(facts({ grid: { nx: 8192, ny: 8192, nz: 1 }, channels: 3, tiles: { size: 512, levels: 5 } })).tiles!;
    const rows = (row: number): TileAt[] => Array.from({ length: 16 }, (_, column) => ({ level: 0, row, column }));
    for (let row = 0; row < 16; row++) {
      large.want(rows(row));
      for (const at of rows(row)) large.put(at, new Uint8Array(512 * 512 * 3));
    }
    expect(large.count).toBeLessThanOrEqual(86);
    expect(rows(15).every((at) => large.has(at))).toBe(true);
    expect(large.has({ level: 0, row: 0, column: 0 })).toBe(false);
  });
});

describe("a rectangle of values", () => {
  test("is put together from tiles, exactly", async () => {
    const tiles = picture();
    const later = tiles.bring([400, 500, 1100, 1099]);
    expect(tiles.region([400, 500, 1100, 1099])).toBeNull();
    expect(serve(tiles)).toHaveLength(9);
    const region = (await later)!;
    expect(region.box).toEqual([400, 500, 1100, 1099]);
    for (const [x, y] of [[400, 500], [511, 511], [512, 512], [1099, 1098], [1023, 700]]) {
      for (let c = 0; c < 3; c++) expect(region.samples[(c * 599 + y - 500) * 700 + x - 400]).toBe(sample(c, x, y));
    }
  });

  test("is cut at the picture, and serves for all inside it", () => {
    const tiles = picture(1);
    tiles.region([-300, -300, 300, 300]);
    serve(tiles);
    expect(tiles.region([-300, -300, 300, 300])!.box).toEqual([0, 0, 300, 300]);
    expect(tiles.region([100, 100, 200, 200])!.box).toEqual([0, 0, 300, 300]);
    expect(tiles.holds([100, 100, 301, 200])).toBe(false);
  });

  test("is there at once where its tiles are", () => {
    const tiles = picture();
    tiles.want(tilesIn(tiles.layout, 0, [0, 0, WIDTH, HEIGHT]));
    serve(tiles);
    expect(tiles.region([10, 20, 900, 800])).not.toBeNull();
  });

  test("that another one took the place of never comes", async () => {
    const tiles = picture();
    const first = tiles.bring([0, 0, 100, 100]);
    const second = tiles.bring([600, 600, 700, 700]);
    serve(tiles);
    expect(await first).toBeNull();
    expect((await second)!.box).toEqual([600, 600, 700, 700]);
  });

  test("of more than 16 megapixels is too large", async () => {
    const large = new Volume(facts({ grid: { nx: 8192, ny: 8192, nz: 1 }, tiles: { size: 512, levels: 5 } })).tiles!;
    expect(large.isTooLarge([0, 0, 4096, 4096])).toBe(false);
    expect(large.isTooLarge([0, 0, 4097, 4096])).toBe(true);
    expect(large.isTooLarge([-5000, 0, 4096, 4096])).toBe(false);
    expect(await large.bring([0, 0, 8192, 8192])).toBeNull();
    expect([...large.missing()]).toEqual([]);
  });
});

describe("a volume", () => {
  test("without tiles gives its plane whole", () => {
    const volume = new Volume(facts());
    expect(volume.region("axial", 0, 0, [1, 1, 3, 3])).toBeNull();
    volume.put(0, 0, new Uint8Array(40 * 30).fill(7));
    expect(volume.region("axial", 0, 0, [1, 1, 3, 3])!.box).toEqual([0, 0, 40, 30]);
  });
});
