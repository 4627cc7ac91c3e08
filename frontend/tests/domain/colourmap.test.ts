import { describe, expect, test } from "vitest";

import { COLOUR_MAPS, colourMap } from "../../src/domain/colourmap";
import { greyTable } from "../../src/domain/window";

const at = (name: (typeof COLOUR_MAPS)[number], shade: number): number[] => Array.from(colourMap(name).subarray(3 * shade, 3 * shade + 3));

type Colour = [number, number, number];
const MATPLOTLIB: ["hot" | "bone" | "viridis", number, ...Colour[]][] = [
  ["hot", 1, [10, 0, 0], [178, 0, 0], [255, 91, 0], [255, 255, 6], [255, 255, 255]],
  ["bone", 1, [0, 0, 0], [56, 55, 77], [112, 123, 143], [168, 199, 199], [255, 255, 255]],
  ["viridis", 6, [68, 1, 84], [58, 82, 139], [32, 144, 140], [94, 201, 97], [253, 231, 36]],
];

describe("a colour map", () => {
  test("of greys is grey", () => {
    for (let shade = 0; shade < 256; shade++) expect(at("grey", shade)).toEqual([shade, shade, shade]);
  });

  test("runs between the colours that matplotlib gives its ends and its middle", () => {
    // matplotlib 3.11: colormaps[name](shade, bytes=True) at 0, 64, 128, 192 and 255, which it cuts to bytes.
    for (const [name, within, ...wanted] of MATPLOTLIB) {
      [0, 64, 128, 192, 255].forEach((shade, k) => {
        at(name, shade).forEach((part, c) => expect(Math.abs(part - wanted[k][c])).toBeLessThanOrEqual(within));
      });
    }
  });

  test.each(COLOUR_MAPS)("%s grows lighter all the way", (name) => {
    const light = Array.from({ length: 256 }, (_, shade) => {
      const [red, green, blue] = at(name, shade);
      return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    });
    for (let shade = 1; shade < 256; shade++) expect(light[shade]).toBeGreaterThanOrEqual(light[shade - 1] - 0.8);
  });

  test("colours the window, turned round when inverted", () => {
    const table = greyTable("uint8", { low: 0, high: 255 }, true, "viridis");
    expect(table[0]).toBe(((0xff << 24) | (37 << 16) | (231 << 8) | 253) >>> 0);
    expect(table[255]).toBe(((0xff << 24) | (84 << 16) | (1 << 8) | 68) >>> 0);
  });
});
