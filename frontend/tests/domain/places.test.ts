import { describe, expect, test } from "vitest";

import { sameGrid, voxel, voxelToWorld, worldToVoxel, type Affine } from "../../src/domain/coordinates";
import { samePlace } from "../../src/state/places";
import { vectors } from "../vectors";

type Case = {
  readonly name: string;
  readonly affine_lps: Affine;
  readonly points: readonly { readonly voxel_xyz: readonly number[]; readonly world_lps: readonly number[] }[];
};
const CASES = vectors<Case>("coordinates");

const GRID = { nx: 20, ny: 20, nz: 40 };
const affine = (step: number, origin: number): Affine => [
  [0.5, 0, 0, -10],
  [0, 0.5, 0, -5],
  [0, 0, step, origin],
  [0, 0, 0, 1],
];

describe.each(CASES)("between voxels and the patient: $name", ({ affine_lps, points }) => {
  test("every shared point is found, there and back", () => {
    for (const { voxel_xyz, world_lps } of points) {
      // The file counts from voxel centres, which lie half a voxel inside.
      const [x, y, z] = voxel_xyz.map((index) => index + 0.5);
      const world = voxelToWorld(voxel(x, y, z), affine_lps);
      [world.x, world.y, world.z].forEach((entry, k) => expect(entry).toBeCloseTo(world_lps[k], 6));
      const back = worldToVoxel(world, affine_lps)!;
      [back.x, back.y, back.z].forEach((entry, k) => expect(entry).toBeCloseTo([x, y, z][k], 6));
    }
  });
});

describe("another series", () => {
  const thin = { grid: GRID, affineLps: affine(1, 100) };
  const thick = { grid: { ...GRID, nz: 8 }, affineLps: affine(5, 102) };

  test("shows the same anatomy", () => {
    // The middle of thin slice 12 lies at 112 mm, the middle of thick slice 2.
    expect(samePlace(voxel(4, 7, 12.5), thin, thick)).toEqual(voxel(4, 7, 2.5));
  });

  test("shows its nearest slice where it does not reach", () => {
    expect(Math.floor(samePlace(voxel(4, 7, 0.5), thick, { ...thin, affineLps: affine(1, 130) })!.z)).toBe(0);
    expect(Math.floor(samePlace(voxel(4, 7, 7.5), thick, { ...thin, affineLps: affine(1, 0) })!.z)).toBe(39);
  });

  test("without a place in the patient keeps its own", () => {
    expect(samePlace(voxel(1, 1, 1), thin, { grid: GRID, affineLps: null })).toBeNull();
  });

  test("has the same grid only with the same size at the same place", () => {
    expect(sameGrid(thin, { ...thin })).toBe(true);
    expect(sameGrid(thin, { ...thin, affineLps: affine(1, 100.09) })).toBe(true);
    expect(sameGrid(thin, { ...thin, affineLps: affine(1, 100.2) })).toBe(false);
    // A step that is right at the first slice and off at the last.
    expect(sameGrid(thin, { ...thin, affineLps: affine(1.01, 100) })).toBe(false);
    expect(sameGrid(thin, thick)).toBe(false);
    expect(sameGrid({ ...thin, affineLps: null }, { ...thin, affineLps: null })).toBe(false);
  });
});
