import { describe, expect, test } from "vitest";

import type { Grid } from "../../src/domain/coordinates";
import { ballRows, grown, shrunk, smoothed } from "../../src/domain/margins";
import { atLeast, parts, voxelsOf, withoutHoles } from "../../src/domain/parts";
import { fromBitmap, fromBox, toBitmap, type Spans } from "../../src/domain/spans";
import { random } from "../vectors";

type Voxels = Uint8Array;
type Triple = readonly [z: number, y: number, x: number];

const FLAT: Grid = { nx: 17, ny: 13, nz: 1 };
const DEEP: Grid = { nx: 11, ny: 9, nz: 6 };

/** Clumps of every density, so that there are islands, holes and touching diagonals. */
function drawn(grid: Grid, seed: number): Voxels {
  const next = random(seed);
  const density = 0.1 + 0.8 * next();
  return Uint8Array.from({ length: grid.nx * grid.ny * grid.nz }, () => (next() < density ? 1 : 0));
}

function stackOf(voxels: Voxels, { nx, ny, nz }: Grid): Map<number, Spans> {
  const slices = new Map<number, Spans>();
  for (let z = 0; z < nz; z++) {
    const spans = fromBitmap(voxels.subarray(z * nx * ny, (z + 1) * nx * ny));
    if (spans.length > 0) slices.set(z, spans);
  }
  return slices;
}

function voxelsIn(slices: ReadonlyMap<number, Spans>, { nx, ny, nz }: Grid): Voxels {
  const voxels = new Uint8Array(nx * ny * nz);
  for (const [z, spans] of slices) {
    expect(spans.length).toBeGreaterThan(0);
    voxels.set(toBitmap(spans, nx * ny), z * nx * ny);
  }
  return voxels;
}

function* places({ nx, ny, nz }: Grid): Generator<Triple> {
  for (let z = 0; z < nz; z++) for (let y = 0; y < ny; y++) for (let x = 0; x < nx; x++) yield [z, y, x];
}
const indexOf = ({ nx, ny }: Grid, [z, y, x]: Triple): number => (z * ny + y) * nx + x;
const isIn = ({ nx, ny, nz }: Grid, [z, y, x]: Triple): boolean => x >= 0 && y >= 0 && z >= 0 && x < nx && y < ny && z < nz;
const FACES: Triple[] = [[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]];
const plus = (a: Triple, b: Triple): Triple => [a[0] + b[0], a[1] + b[1], a[2] + b[2]];

/** The slow way: one voxel after the other from a stack of places. */
function slowParts(voxels: Voxels, grid: Grid): Voxels[] {
  const seen = new Uint8Array(voxels.length);
  const found: Voxels[] = [];
  for (const start of places(grid)) {
    if (!voxels[indexOf(grid, start)] || seen[indexOf(grid, start)]) continue;
    const part = new Uint8Array(voxels.length);
    const stack = [start];
    while (stack.length > 0) {
      const at = stack.pop()!;
      if (!isIn(grid, at) || !voxels[indexOf(grid, at)] || seen[indexOf(grid, at)]) continue;
      seen[indexOf(grid, at)] = part[indexOf(grid, at)] = 1;
      FACES.forEach((face) => stack.push(plus(at, face)));
    }
    found.push(part);
  }
  return found;
}

const size = (voxels: Voxels): number => voxels.reduce((sum, voxel) => sum + voxel, 0);

/** Holes the slow way: background that does not reach the grid's edge, of a flat grid its sides alone. */
function slowHoles(voxels: Voxels, grid: Grid): Voxels {
  const filled = voxels.slice();
  const edge = ([z, y, x]: Triple): boolean =>
    y === 0 || x === 0 || y === grid.ny - 1 || x === grid.nx - 1 || (grid.nz > 1 && (z === 0 || z === grid.nz - 1));
  for (const part of slowParts(voxels.map((voxel) => 1 - voxel), grid)) {
    const open = [...places(grid)].some((at) => part[indexOf(grid, at)] && edge(at));
    if (!open) part.forEach((voxel, k) => (filled[k] |= voxel));
  }
  return filled;
}

/** What a ball around each voxel holds: how much of the mask, and how many voxels of the picture. */
function slowBalls(voxels: Voxels, grid: Grid, radius: number, spacing: Triple): { masked: number; within: number }[] {
  const all = [...places(grid)];
  return all.map((at) => {
    const near = all.filter((other) => Math.hypot(...[0, 1, 2].map((k) => (other[k] - at[k]) * spacing[k])) <= radius + 1e-9);
    return { masked: near.reduce((sum, other) => sum + voxels[indexOf(grid, other)], 0), within: near.length };
  });
}

const CASES = [
  { name: "a picture", grid: FLAT, spacing: [1, 1, 1] as Triple },
  { name: "a volume", grid: DEEP, spacing: [1, 1, 1] as Triple },
  { name: "a volume of thick slices", grid: DEEP, spacing: [2.5, 0.8, 0.8] as Triple },
];

describe.each(CASES)("of $name", ({ grid, spacing }) => {
  const seeds = Array.from({ length: 12 }, (_, k) => k + 1);

  test.each(seeds)("connected parts are those of a flood, the largest first (%i)", (seed) => {
    const voxels = drawn(grid, seed);
    const slow = slowParts(voxels, grid).sort((a, b) => size(b) - size(a));
    const fast = parts(stackOf(voxels, grid), grid.nx);
    expect(fast.map((part) => part.voxels)).toEqual(slow.map(size));
    expect(fast.map((part) => voxelsIn(part.slices, grid))).toEqual(slow);
  });

  test.each(seeds)("islands are kept from a size on (%i)", (seed) => {
    const voxels = drawn(grid, seed);
    const kept = new Uint8Array(voxels.length);
    slowParts(voxels, grid).filter((part) => size(part) >= 4).forEach((part) => part.forEach((voxel, k) => (kept[k] |= voxel)));
    expect(voxelsIn(atLeast(stackOf(voxels, grid), grid.nx, 4), grid)).toEqual(kept);
  });

  test.each(seeds)("holes are what does not reach the edge (%i)", (seed) => {
    const voxels = drawn(grid, seed);
    expect(voxelsIn(withoutHoles(stackOf(voxels, grid), grid), grid)).toEqual(slowHoles(voxels, grid));
  });

  test.each(seeds)("growing, shrinking and smoothing follow the ball (%i)", (seed) => {
    const voxels = drawn(grid, seed);
    const radius = [0.5, 1, 1.6, 2.5][seed % 4];
    const balls = slowBalls(voxels, grid, radius, spacing);
    const stack = stackOf(voxels, grid);
    const ball = ballRows(radius, spacing, grid.nz);
    expect(voxelsIn(grown(stack, ball, grid), grid)).toEqual(Uint8Array.from(balls, ({ masked }) => Number(masked > 0)));
    expect(voxelsIn(shrunk(stack, ball, grid), grid)).toEqual(Uint8Array.from(balls, ({ masked, within }) => Number(masked === within)));
    const majority = balls.map(({ masked, within }, k) => (2 * masked === within ? voxels[k] : Number(2 * masked > within)));
    expect(voxelsIn(smoothed(stack, ball, grid), grid)).toEqual(Uint8Array.from(majority));
  });

  test("nothing stays nothing, and everything everything", () => {
    const ball = ballRows(2, spacing, grid.nz);
    const nothing = new Map<number, Spans>();
    const everything = stackOf(new Uint8Array(grid.nx * grid.ny * grid.nz).fill(1), grid);
    for (const act of [grown, shrunk, smoothed]) {
      expect(act(nothing, ball, grid).size).toBe(0);
      expect(act(everything, ball, grid)).toEqual(everything);
    }
    expect(parts(nothing, grid.nx)).toEqual([]);
    expect(withoutHoles(nothing, grid).size).toBe(0);
    expect(withoutHoles(everything, grid)).toEqual(everything);
  });
});

describe("a ball", () => {
  test("of two and a half millimetres reaches one slice of 2.5 mm and no second", () => {
    const rows = ballRows(2.5, [2.5, 1, 1], 9);
    expect([...new Set(rows.map(({ dz }) => dz))]).toEqual([-1, 0, 1]);
    expect(rows.filter(({ dz }) => dz === 1)).toEqual([{ dz: 1, dy: 0, half: 0 }]);
  });

  test("of a picture is a disc", () => {
    expect(ballRows(1, [1, 1, 1], 1)).toEqual([{ dz: 0, dy: -1, half: 0 }, { dz: 0, dy: 0, half: 1 }, { dz: 0, dy: 1, half: 0 }]);
  });
});

test("a ring on one slice of a volume has no cavity, and on its slice a hole", () => {
  const grid = { nx: 9, ny: 9, nz: 3 };
  const ring = fromBitmap(toBitmap(fromBox([1, 1, 8, 8], 9, 9), 81).map((voxel, k) => (k === 40 ? 0 : voxel)));
  expect(voxelsOf(withoutHoles(new Map([[1, ring]]), grid))).toBe(48);
  expect(voxelsOf(withoutHoles(new Map([[0, ring]]), { ...grid, nz: 1 }))).toBe(49);
});
