import { describe, expect, test } from "vitest";

import { cross, dot, unit, type Vector } from "../../src/domain/camera";
import { voxel, voxelToWorld, worldToVoxel, type Affine, type World } from "../../src/domain/coordinates";
import { cutOn, draggedTilt, lettersOf, levelTilt, normalOf, onto, rasterOf, sampleRaster, tilted, wayInWorld, type Sampled, type Tilt } from "../../src/domain/oblique";

const GRID = { nx: 31, ny: 27, nz: 13 };

/** Anisotropic, rotated about all axes, off the origin; and one sheared as by a tilted gantry. */
function rotated(spacing: Vector, angles: Vector): Affine {
  const [a, b, c] = angles;
  const [ca, sa, cb, sb, cc, sc] = [Math.cos(a), Math.sin(a), Math.cos(b), Math.sin(b), Math.cos(c), Math.sin(c)];
  const rows = [
    [cb * cc, sa * sb * cc - ca * sc, ca * sb * cc + sa * sc],
    [cb * sc, sa * sb * sc + ca * cc, ca * sb * sc - sa * cc],
    [-sb, sa * cb, ca * cb],
  ];
  return [...rows.map((row, k) => [...row.map((entry, axis) => entry * spacing[axis]), [40, -55, 210][k]]), [0, 0, 0, 1]];
}
const AFFINES: [string, Affine][] = [
  ["plain", [[0.8, 0, 0, -10], [0, 0.8, 0, 5], [0, 0, 2.5, 100], [0, 0, 0, 1]]],
  ["rotated", rotated([0.7, 0.9, 2.5], [0.3, -0.5, 0.8])],
  ["mirrored", [[-0.8, 0, 0, 12], [0, 0.8, 0, 5], [0, 0, 2.5, 100], [0, 0, 0, 1]]],
  ["sheared", [[0.8, 0, 0, -10], [0, 0.8, 0.9, 5], [0, 0, 2.3, 100], [0, 0, 0, 1]]],
];

const middleOf = (affine: Affine): Vector => {
  const { x, y, z } = voxelToWorld(voxel(GRID.nx / 2, GRID.ny / 2, GRID.nz / 2), affine);
  return [x, y, z];
};

/** A volume whose every voxel holds what `value` says of the world position of its middle. */
function filled(affine: Affine, value: (at: World) => number): (z: number) => Int16Array<ArrayBuffer> {
  const slices = Array.from({ length: GRID.nz }, (_, z) =>
    Int16Array.from({ length: GRID.nx * GRID.ny }, (_, k) => Math.round(value(voxelToWorld(voxel((k % GRID.nx) + 0.5, Math.floor(k / GRID.nx) + 0.5, z + 0.5), affine)))),
  );
  return (z) => slices[z];
}

const TILTS: [number, number, number][] = [[0, 0, 0], [0.4, -0.7, 0.2], [1.3, 0.9, -2], [Math.PI / 2, 0, 0]];
const tiltOf = (affine: Affine, [a, b, c]: [number, number, number]): Tilt => tilted(tilted(tilted(levelTilt(affine), [1, 0, 0], a), [0, 1, 0], b), [0, 0, 1], c);

const sampled = (affine: Affine, tilt: Tilt, axial: (z: number) => Int16Array<ArrayBuffer> | null, side = 61, pixelMm = 0.37): Sampled =>
  sampleRaster(rasterOf(tilt, middleOf(affine), pixelMm, side, side), { grid: GRID, type: "int16", channels: 1, affine, axial })!;

describe.each(AFFINES)("an oblique plane through a %s grid", (_, affine) => {
  const middle = middleOf(affine);

  test.each(TILTS)("tilted by %f, %f, %f gives a linear field back as it is", (...angles) => {
    // Trilinear interpolation is exact for it; 100 steps a millimetre make rounding small.
    const field = ({ x, y, z }: World): number => 100 * (1.3 * (x - middle[0]) - 0.7 * (y - middle[1]) + 0.4 * (z - middle[2]));
    const tilt = tiltOf(affine, angles);
    const { values, voxels } = sampled(affine, tilt, filled(affine, field));
    const raster = rasterOf(tilt, middle, 0.37, 61, 61);
    let compared = 0;
    for (let k = 0; k < values.length; k++) {
      const [row, column] = [Math.floor(k / 61), k % 61];
      const at = [0, 1, 2].map((axis) => raster.first[axis] + column * raster.across[axis] + row * raster.down[axis]);
      const world = { x: at[0], y: at[1], z: at[2] } as World;
      const inside = worldToVoxel(world, affine)!;
      const isIn = inside.x >= 0 && inside.y >= 0 && inside.z >= 0 && inside.x < GRID.nx && inside.y < GRID.ny && inside.z < GRID.nz;
      expect(voxels[k] >= 0).toBe(isIn);
      if (!isIn) continue;
      expect(voxels[k]).toBe((Math.floor(inside.z) * GRID.ny + Math.floor(inside.y)) * GRID.nx + Math.floor(inside.x));
      const isBetween = [[inside.x, GRID.nx], [inside.y, GRID.ny], [inside.z, GRID.nz]].every(([value, size]) => value > 0.5 && value < size - 0.5);
      if (!isBetween) continue;
      compared++;
      expect(Math.abs(values[k] - field(world))).toBeLessThanOrEqual(1.01);
    }
    expect(compared).toBeGreaterThan(500);
  });

  test.each(TILTS)("tilted by %f, %f, %f shows a ball round and as large as it is", (...angles) => {
    // Distance from the middle in hundredths of a millimetre: the ball of 6 mm is where it is below 600.
    const far = ({ x, y, z }: World): number => 100 * Math.hypot(x - middle[0], y - middle[1], z - middle[2]);
    const { values, voxels } = sampled(affine, tiltOf(affine, angles), filled(affine, far), 101, 0.2);
    const area = Array.from(values).filter((value, k) => voxels[k] >= 0 && value < 600).length * 0.2 * 0.2;
    // Interpolation rounds the cone's tip, and 2.5 mm slices flatten its slope.
    expect(Math.abs(area - Math.PI * 36) / (Math.PI * 36)).toBeLessThan(0.06);
    const reach = [[50 + 30, 50], [50 - 30, 50], [50, 50 + 30], [50, 50 - 30]].map(([u, v]) => values[v * 101 + u]);
    reach.forEach((value) => expect(Math.abs(value - 600)).toBeLessThan(45)); // half a millimetre
  });

  test("is level with the slices to begin with", () => {
    const tilt = levelTilt(affine);
    const normal = normalOf(tilt);
    for (const axis of [0, 1]) expect(dot(normal, [affine[0][axis], affine[1][axis], affine[2][axis]])).toBeCloseTo(0, 9);
    expect(dot(tilt.right, tilt.up)).toBeCloseTo(0, 9);
    expect(cutOn("axial", tilt, affine)).toBeNull();
  });

  test("cuts the planes of the grid along lines that lie in both", () => {
    const tilt = tiltOf(affine, [0.4, -0.7, 0.2]);
    for (const plane of ["axial", "coronal", "sagittal"] as const) {
      const way = wayInWorld(plane, cutOn(plane, tilt, affine)!, affine);
      expect(dot(unit(way), normalOf(tilt))).toBeCloseTo(0, 9);
    }
  });

  test("dragged by its line goes through where it was dragged to", () => {
    const tilt = tiltOf(affine, [0.4, -0.7, 0.2]);
    for (const plane of ["axial", "coronal", "sagittal"] as const) {
      const from = wayInWorld(plane, cutOn(plane, tilt, affine)!, affine);
      const to = wayInWorld(plane, { u: 3, v: -5 } as never, affine);
      const turned = draggedTilt(tilt, plane, from, to, affine);
      expect(dot(unit(to), normalOf(turned))).toBeCloseTo(0, 9);
      expect(dot(turned.right, turned.up)).toBeCloseTo(0, 9);
      expect(Math.hypot(...cross(turned.right, turned.up))).toBeCloseTo(1, 9);
    }
  });
});

describe("an oblique plane", () => {
  const affine = AFFINES[0][1];

  test("level with the slices shows the slice itself", () => {
    const axial = filled(affine, ({ x, y, z }) => 17 * x - 9 * y + z * z);
    const raster = rasterOf(levelTilt(affine), middleOf(affine), 0.8, GRID.nx, GRID.ny);
    const { values } = sampleRaster(raster, { grid: GRID, type: "int16", channels: 1, affine, axial })!;
    expect(Array.from(values)).toEqual(Array.from(axial(6)));
  });

  test("leaves out what is not here yet", () => {
    const axial = filled(affine, () => 7);
    const { voxels } = sampled(affine, tiltOf(affine, [Math.PI / 2, 0, 0]), (z) => (z === 6 ? null : axial(z)));
    const missing = voxels.filter((at) => at === -2).length;
    expect(missing).toBeGreaterThan(0);
    expect(voxels.some((at) => Math.floor(at / (GRID.nx * GRID.ny)) === 6)).toBe(false);
  });

  test("keeps the channels apart", () => {
    const axial = filled(affine, ({ x }) => 10 * x);
    const coloured = (z: number): Int16Array<ArrayBuffer> => Int16Array.from([...axial(z), ...axial(z).map((value) => value + 1000)]);
    const raster = rasterOf(levelTilt(affine), middleOf(affine), 0.5, 9, 9);
    const { values } = sampleRaster(raster, { grid: GRID, type: "int16", channels: 2, affine, axial: coloured })!;
    for (let k = 0; k < 81; k++) expect(values[81 + k] - values[k]).toBe(1000);
  });

  test("is told by letters, the main one first", () => {
    expect(lettersOf([0, -1, 0])).toBe("A");
    expect(lettersOf([1, 0, 0.9])).toBe("LS");
    expect(lettersOf([-0.2, 0.1, -2])).toBe("I");
    expect(lettersOf([-1, 1.2, -1.1])).toBe("PIR");
  });

  test("goes through the point it is laid through", () => {
    const tilt = tiltOf(affine, [0.4, -0.7, 0.2]);
    const found = onto(tilt, [1, 2, 3], [10, -4, 6]);
    expect(dot(normalOf(tilt), [found[0] - 1, found[1] - 2, found[2] - 3])).toBeCloseTo(0, 9);
    expect(Math.hypot(...cross(normalOf(tilt), [found[0] - 10, found[1] + 4, found[2] - 6]))).toBeCloseTo(0, 9);
  });
});
