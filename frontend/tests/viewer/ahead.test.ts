import { describe, expect, test } from "vitest";

import { isAffordable } from "../../src/pages/review/next_case";
import { Volume } from "../../src/state/volume";
import { slicesWithin } from "../../src/viewer/ahead";
import { facts } from "../state/support";

const volume = (nz: number): Volume => new Volume(facts({ grid: { nx: 512, ny: 512, nz }, type: "int16" }));
const SLICE = 512 * 512 * 2;

describe("slices read ahead", () => {
  test("begin with the one the case opens with, and go outwards", () => {
    expect(slicesWithin(volume(5), 5 * SLICE)).toEqual([2, 3, 1, 4, 0]);
    expect(slicesWithin(volume(1), SLICE)).toEqual([0]);
  });

  test("stay within the memory that is given", () => {
    expect(slicesWithin(volume(200), 64 * 2 ** 20)).toHaveLength(128);
    expect(slicesWithin(volume(200), SLICE - 1)).toEqual([]);
    const colour = new Volume(facts({ grid: { nx: 8192, ny: 8192, nz: 1 }, channels: 3 }));
    expect(slicesWithin(colour, 64 * 2 ** 20)).toEqual([]);
  });
});

describe("reading ahead", () => {
  test("is left out where it costs the person something", () => {
    expect(isAffordable(undefined)).toBe(true);
    expect(isAffordable({ effectiveType: "4g", saveData: false })).toBe(true);
    expect(isAffordable({ effectiveType: "4g", saveData: true })).toBe(false);
    expect(isAffordable({ effectiveType: "3g" })).toBe(false);
  });
});
