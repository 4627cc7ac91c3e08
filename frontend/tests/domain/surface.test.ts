import { describe, expect, test } from "vitest";

import { along, facing, hitAlong, rayAt, SIDES, turned, type Camera } from "../../src/domain/camera";
import { voxel, voxelToWorld, type Affine } from "../../src/domain/coordinates";
import { frameOf } from "../../src/domain/frame";
import { fromBitmap, type Spans } from "../../src/domain/spans";
import { occupancyOf, surfaceOf, type Mesh } from "../../src/domain/surface";

type Inside = (x: number, y: number, z: number) => boolean;
const GRID = { nx: 40, ny: 36, nz: 20 };
const SPACING = [2, 1, 1] as const;
const PLAIN: Affine = [[1, 0, 0, -7], [0, 1, 0, 11], [0, 0, 2, 100], [0, 0, 0, 1]];

function drawn(inside: Inside, { nx, ny, nz } = GRID): Map<number, Spans> {
  const slices = new Map<number, Spans>();
  for (let z = 0; z < nz; z++) {
    const bitmap = Uint8Array.from({ length: nx * ny }, (_, k) => Number(inside(k % nx, Math.floor(k / nx), z)));
    const spans = fromBitmap(bitmap);
    if (spans.length > 0) slices.set(z, spans);
  }
  return slices;
}

/** A ball of 12 mm around a voxel's middle, on a grid of 1 × 1 × 2 mm. */
const ball: Inside = (x, y, z) => Math.hypot(x - 20, y - 17, 2 * (z - 10)) <= 12;
const made = (inside: Inside, affine = PLAIN, most = 256): Mesh => surfaceOf(occupancyOf(drawn(inside), GRID, SPACING, most)!, affine);

/** By the divergence theorem; positive where the triangles look outwards. */
function volume({ points, corners }: Mesh): number {
  let sum = 0;
  for (let k = 0; k < corners.length; k += 3) {
    const [a, b, c] = [0, 1, 2].map((n) => Array.from(points.subarray(3 * corners[k + n], 3 * corners[k + n] + 3)));
    sum += a[0] * (b[1] * c[2] - b[2] * c[1]) + a[1] * (b[2] * c[0] - b[0] * c[2]) + a[2] * (b[0] * c[1] - b[1] * c[0]);
  }
  return sum / 6;
}

/** Edges that are gone along more often one way than the other: none in a closed surface. */
function openEdges({ corners }: Mesh): number {
  const ways = new Map<string, number>();
  for (let k = 0; k < corners.length; k++) {
    const [a, b] = [corners[k], corners[k % 3 === 2 ? k - 2 : k + 1]];
    const key = `${Math.min(a, b)}/${Math.max(a, b)}`;
    ways.set(key, (ways.get(key) ?? 0) + (a < b ? 1 : -1));
  }
  return [...ways.values()].filter((sum) => sum !== 0).length;
}

describe("the surface of a mask", () => {
  test("of a ball is closed, looks outwards, and holds what the ball holds", () => {
    const mesh = made(ball);
    expect(openEdges(mesh)).toBe(0);
    const truth = (4 / 3) * Math.PI * 12 ** 3;
    expect(volume(mesh) / truth).toBeGreaterThan(0.93);
    expect(volume(mesh) / truth).toBeLessThan(1.03);
    const middle = voxelToWorld(voxel(20.5, 17.5, 10.5), PLAIN);
    for (let k = 0; k < mesh.points.length; k += 3) {
      const out = [mesh.points[k] - middle.x, mesh.points[k + 1] - middle.y, mesh.points[k + 2] - middle.z];
      const far = Math.hypot(...out);
      expect(Math.abs(far - 12)).toBeLessThan(1.8); // a cell is 1 × 1 × 2 mm
      expect((out[0] * mesh.normals[k] + out[1] * mesh.normals[k + 1] + out[2] * mesh.normals[k + 2]) / far).toBeGreaterThan(0.5);
    }
  });

  test("looks outwards in a mirrored and in a sheared grid, too", () => {
    const mirrored: Affine = [[-1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 2, 0], [0, 0, 0, 1]];
    const sheared: Affine = [[1, 0, 0, 0], [0, 1, 0.8, 0], [0, 0, 2, 0], [0, 0, 0, 1]];
    const plain = volume(made(ball));
    for (const affine of [mirrored, sheared]) expect(volume(made(ball, affine))).toBeCloseTo(plain, 0);
  });

  test.each<[string, Inside]>([
    ["a mask up to the edges of the grid", (x) => x > 30],
    ["two that touch at an edge alone", (x, y, z) => z < 8 && ((x < 8 && y < 8) || (x >= 8 && x < 14 && y >= 8 && y < 14))],
    ["a hollow", (x, y, z) => ball(x, y, z) && Math.hypot(x - 20, y - 17, 2 * (z - 10)) > 6],
    ["noise", (x, y, z) => (x * 7 + y * 13 + z * 29 + x * y * z) % 5 < 2],
  ])("of %s is closed", (_, inside) => {
    const mesh = made(inside);
    expect(openEdges(mesh)).toBe(0);
    expect(volume(mesh)).toBeGreaterThan(0);
  });

  test("of a single voxel stands around its middle", () => {
    const { points } = made((x, y, z) => x === 5 && y === 6 && z === 7);
    const middle = [0, 1, 2].map((axis) => {
      const all = Array.from(points).filter((_, k) => k % 3 === axis);
      return all.reduce((sum, value) => sum + value, 0) / all.length;
    });
    const { x, y, z } = voxelToWorld(voxel(5.5, 6.5, 7.5), PLAIN);
    [x, y, z].forEach((value, axis) => expect(middle[axis]).toBeCloseTo(value, 4));
  });
});

describe("the cells of a mask", () => {
  test("are as near to cubes as whole voxels allow, and no more than asked for", () => {
    const found = occupancyOf(drawn(ball), GRID, [2, 0.5, 0.5], 16)!;
    expect(found.step).toEqual([2, 2, 1]); // 13 layers of 2 mm stay, 25 columns of 0.5 mm are halved
    expect(Math.max(...found.size) - 2).toBeLessThanOrEqual(16);
    expect(occupancyOf(new Map(), GRID, SPACING, 16)).toBeNull();
  });

  test("keep a line of single voxels, however coarse they are", () => {
    const line: Inside = (x, y, z) => y === 17 && z === 9 && x > 2;
    const found = occupancyOf(drawn(line), GRID, null, 8)!;
    expect(found.cells.reduce((sum, cell) => sum + cell, 0)).toBe(found.size[0] - 2);
    expect(volume(surfaceOf(found, PLAIN))).toBeGreaterThan(0);
  });
});

describe("a camera", () => {
  const still: Camera = { centre: [13, 28, 120], right: [1, 0, 0], up: [0, 0, 1], toward: [0, -1, 0], scale: 10 };

  test("meets the surface where it sees it", () => {
    const mesh = made(ball);
    const middle = voxelToWorld(voxel(20.5, 17.5, 10.5), PLAIN);
    for (const side of SIDES) {
      const camera = facing({ ...still, centre: [middle.x, middle.y, middle.z] }, side);
      const { from, way } = rayAt(camera, 0, 0);
      const hit = along(from, way, hitAlong(mesh, from, way)!);
      const away = [hit.x - middle.x, hit.y - middle.y, hit.z - middle.z];
      expect(Math.abs(Math.hypot(...away) - 12)).toBeLessThan(1.8);
      // On the side that faces the one who looks.
      expect(away[0] * camera.toward[0] + away[1] * camera.toward[1] + away[2] * camera.toward[2]).toBeGreaterThan(10);
      const beside = rayAt(camera, 140, 0);
      expect(hitAlong(mesh, beside.from, beside.way)).toBeNull();
    }
  });

  test("in front of a patient has the left at the right and the head above", () => {
    const { right, up, toward } = facing(still, "A");
    expect([right, up, toward]).toEqual([[1, 0, 0], [0, 0, 1], [0, -1, 0]]);
    expect(facing(still, "S").toward).toEqual([0, 0, 1]);
    expect(facing(still, "L").right).toEqual([0, 1, 0]); // the back at the right, seen from the left
  });

  test("stays at right angles through a thousand turns, and a turn can be taken back", () => {
    let camera = still;
    for (let k = 0; k < 1000; k++) camera = turned(camera, Math.sin(k), Math.cos(3 * k));
    const product = (a: readonly number[], b: readonly number[]): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
    expect(product(camera.right, camera.up)).toBeCloseTo(0, 9);
    expect(product(camera.toward, camera.toward)).toBeCloseTo(1, 9);
    const back = turned(turned(still, 0.3, 0), -0.3, 0);
    back.right.forEach((part, k) => expect(part).toBeCloseTo(still.right[k], 9));
  });

  test("dragged to the right shows more of the side that was at the left", () => {
    // In front of the patient the right hand is at the left of the screen.
    const { toward } = turned(facing(still, "A"), 0.5, 0);
    expect(toward[0]).toBeLessThan(0);
  });
});

test("a frame is the file's own, else its spacing, else voxels", () => {
  expect(frameOf({ affineLps: PLAIN, spacingZyx: null })).toBe(PLAIN);
  expect(frameOf({ affineLps: null, spacingZyx: [3, 2, 1] }).map((row) => row[row.length - 1])).toEqual([0, 0, 0, 1]);
  expect(voxelToWorld(voxel(1.5, 1.5, 1.5), frameOf({ affineLps: null, spacingZyx: [3, 2, 1] }))).toEqual({ x: 1, y: 2, z: 3 });
  expect(voxelToWorld(voxel(1.5, 1.5, 1.5), frameOf({ affineLps: null, spacingZyx: null }))).toEqual({ x: 1, y: 1, z: 1 });
});
