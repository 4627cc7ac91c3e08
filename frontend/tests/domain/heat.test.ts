import { describe, expect, test } from "vitest";

import { CLEAR_BELOW, heatColour, heatTable } from "../../src/domain/heat";

/** Relative luminance (WCAG 2.2), 0 to 1. */
function luminance([red, green, blue]: readonly number[]): number {
  const linear = [red, green, blue].map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
}

describe("colours of uncertainty", () => {
  test("grow lighter from level to level, so that they need no hue to be read", () => {
    const light = Array.from({ length: 256 }, (_, level) => luminance(heatColour(level / 255)));
    for (let level = 1; level < 256; level++) expect(light[level]).toBeGreaterThanOrEqual(light[level - 1]);
    expect(light[255] - light[0]).toBeGreaterThan(0.8);
  });

  test("leave the sure clear and are densest where nothing is known", () => {
    const table = heatTable(0.8);
    const alpha = Array.from(table, (pixel) => pixel >>> 24);
    expect(alpha.slice(0, CLEAR_BELOW).every((value) => value === 0)).toBe(true);
    for (let level = CLEAR_BELOW + 1; level < 256; level++) expect(alpha[level]).toBeGreaterThanOrEqual(alpha[level - 1]);
    expect(alpha[255]).toBe(Math.round(255 * 0.8));
    expect(table[255] & 0xff).toBe(252);
    expect((table[255] >>> 8) & 0xff).toBe(255);
  });
});
