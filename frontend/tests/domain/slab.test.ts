import { describe, expect, test } from "vitest";

import type { Affine, Plane } from "../../src/domain/coordinates";
import { AxialSlabs, projectUpright, slabRange, slicePitch, SLAB_RULES, type SlabRule } from "../../src/domain/slab";
import type { Pixels } from "../../src/domain/slicecodec";

const GRID = { nx: 7, ny: 5, nz: 23 };

/** Noise that repeats (Park and Miller 1988). */
function noise(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 16807) % 2147483647) / 2147483647;
}

function volume(seed: number, channels = 1, missing: readonly number[] = []): (Pixels | null)[] {
  const random = noise(seed);
  return Array.from({ length: GRID.nz }, (_, z) => {
    const samples = Int16Array.from({ length: GRID.nx * GRID.ny * channels }, () => Math.floor(random() * 65536) - 32768);
    return missing.includes(z) ? null : samples;
  });
}

/** The slow and obvious projection. */
function slow(rule: SlabRule, values: readonly number[]): number {
  if (rule === "max") return Math.max(...values);
  if (rule === "min") return Math.min(...values);
  return Math.round(values.reduce((sum, value) => sum + value, 0) / values.length) + 0; // no -0
}

describe.each(SLAB_RULES)("a slab's %s", (rule) => {
  test("of axial slices is that of every one of them, whatever was looked at before", () => {
    const slices = volume(1, 3);
    const slabs = new AxialSlabs({ grid: GRID, type: "int16", channels: 3 });
    const random = noise(2);
    for (let round = 0; round < 60; round++) {
      const first = Math.floor(random() * GRID.nz);
      const last = first + Math.floor(random() * (GRID.nz - first));
      const found = slabs.project(rule, { first, last }, (z) => slices[z], 0)!;
      const wanted = Array.from(found, (_, k) => slow(rule, slices.slice(first, last + 1).map((slice) => slice![k])));
      expect(Array.from(found)).toEqual(wanted);
    }
  });

  test("is of the slices that are here, and of all once they came", () => {
    const partial = volume(3, 1, [4, 5]);
    const whole = volume(3);
    const slabs = new AxialSlabs({ grid: GRID, type: "int16", channels: 1 });
    const of = (slices: (Pixels | null)[]): number[] => Array.from(slabs.project(rule, { first: 2, last: 7 }, (z) => slices[z], 0)!);
    const wanted = (slices: (Pixels | null)[]): number[] =>
      Array.from(whole[0]!, (_, k) => slow(rule, slices.slice(2, 8).filter((one) => one !== null).map((one) => one[k])));
    expect(of(partial)).toEqual(wanted(partial));
    expect(of(whole)).toEqual(wanted(whole));
    expect(slabs.project(rule, { first: 4, last: 5 }, (z) => partial[z], 1)).toBeNull();
  });

  test.each(["coronal", "sagittal"] as const)("of %s slices stands upright and is that of every one of them", (plane) => {
    const slices = volume(4, 3, [9]);
    const width = plane === "coronal" ? GRID.nx : GRID.ny;
    const found = projectUpright(plane, rule, { first: 1, last: 3 }, (z) => slices[z], { grid: GRID, type: "int16", channels: 3 })!;
    for (let c = 0; c < 3; c++) {
      for (let z = 0; z < GRID.nz; z++) {
        for (let u = 0; u < width; u++) {
          const values = [1, 2, 3].map((k) => {
            const [x, y] = plane === "coronal" ? [u, k] : [k, u];
            return slices[z]?.[c * GRID.nx * GRID.ny + y * GRID.nx + x] ?? 0;
          });
          expect(found[(c * GRID.nz + GRID.nz - 1 - z) * width + u]).toBe(slow(rule, values));
        }
      }
    }
  });
});

describe("a slab of so many millimetres", () => {
  const at = (plane: Plane, slice: number, thickness: number, spacingZyx: [number, number, number] | null, affineLps: Affine | null = null): number[] => {
    const { first, last } = slabRange(plane, slice, thickness, { grid: { nx: 100, ny: 100, nz: 50 }, affineLps, spacingZyx });
    return [first, last];
  };

  test("takes in the slices whose middles lie within half of it on either side", () => {
    expect(at("axial", 20, 10, [2, 1, 1])).toEqual([18, 22]); // ± 5 mm: 4 mm is in, 6 mm is not
    expect(at("coronal", 20, 10, [2, 1, 1])).toEqual([15, 25]);
    expect(at("sagittal", 20, 10, [2, 1, 0.5])).toEqual([10, 30]);
    expect(at("sagittal", 20, 0.6, [2, 1, 0.1])).toEqual([17, 23]); // 0.1 is no binary fraction
    expect(at("axial", 20, 3, [5, 1, 1])).toEqual([20, 20]);
  });

  test("ends where the volume ends", () => {
    expect(at("axial", 1, 10, [2, 1, 1])).toEqual([0, 3]);
    expect(at("axial", 48, 10, [2, 1, 1])).toEqual([46, 49]);
  });

  test("counts slices where there is no spacing", () => {
    expect(at("axial", 20, 6, null)).toEqual([17, 23]);
  });

  test("is measured at right angles to a tilted gantry's slices", () => {
    // Slices 5 mm apart along the table, tilted by 30 degrees: 5 cos 30° between them.
    const tilt = Math.PI / 6;
    const affineLps = [[1, 0, 0, 0], [0, Math.cos(tilt), 0, 0], [0, -Math.sin(tilt), 5, 0], [0, 0, 0, 1]];
    expect(slicePitch("axial", { affineLps, spacingZyx: [5, 1, 1] })).toBeCloseTo(5 * Math.cos(tilt), 9);
    expect(slicePitch("sagittal", { affineLps, spacingZyx: [5, 1, 1] })).toBeCloseTo(1, 9);
  });
});
