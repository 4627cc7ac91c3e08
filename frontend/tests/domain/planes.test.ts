import { describe, expect, test } from "vitest";

import type { Plane } from "../../src/domain/coordinates";
import { maskOnPlane, piecesToSlices } from "../../src/domain/planes";
import { fromBitmap, toBitmap, type Spans } from "../../src/domain/spans";
import type { Piece } from "../../src/domain/brush";
import { random } from "../vectors";

const GRID = { nx: 7, ny: 5, nz: 4 };

function noise(seed: number): Uint8Array[] {
  const next = random(seed);
  return Array.from({ length: GRID.nz }, () => Uint8Array.from({ length: GRID.nx * GRID.ny }, () => (next() < 0.5 ? 1 : 0)));
}

const asSlices = (voxels: readonly Uint8Array[]): Map<number, Spans> =>
  new Map(voxels.map((bitmap, z) => [z, fromBitmap(bitmap)]));

describe.each<[Plane, number, number, (u: number, v: number, s: number) => [number, number, number]]>([
  ["axial", GRID.nx, GRID.ny, (u, v, s) => [u, v, s]],
  ["coronal", GRID.nx, GRID.nz, (u, v, s) => [u, s, GRID.nz - 1 - v]],
  ["sagittal", GRID.ny, GRID.nz, (u, v, s) => [s, u, GRID.nz - 1 - v]],
])("a mask on the %s plane", (plane, width, height, voxelOf) => {
  test("is the voxels that lie there, over seeds and slices", () => {
    for (let seed = 1; seed <= 10; seed++) {
      const voxels = noise(seed);
      for (let slice = 0; slice < 4; slice++) {
        const slow = Uint8Array.from({ length: width * height }, (_, k) => {
          const [x, y, z] = voxelOf(k % width, Math.floor(k / width), slice);
          return voxels[z][y * GRID.nx + x];
        });
        expect(toBitmap(maskOnPlane(asSlices(voxels), plane, slice, GRID), width * height)).toEqual(slow);
      }
    }
  });

  test("drawn there comes back as it was drawn", () => {
    const pieces: Piece[] = [[0, 1, 3], [1, 0, 4], [3, 2, 5]];
    const drawn = piecesToSlices(pieces, plane, 2, GRID);
    const shown = toBitmap(maskOnPlane(drawn, plane, 2, GRID), width * height);
    const expected = new Uint8Array(width * height);
    pieces.forEach(([v, u1, u2]) => expected.fill(1, v * width + u1, v * width + u2));
    expect(shown).toEqual(expected);
  });
});
