import { voxel, voxelToWorld, type Affine, type Grid } from "./coordinates";
import { eachRowPiece } from "./spans";
import { blockOf, type Slices } from "./stack";

/** A closed surface in world millimetres: triangles with their corners against the clock seen from outside. */
export type Mesh = {
  /** x, y, z of each corner, LPS. */
  readonly points: Float32Array<ArrayBuffer>;
  /** Unit vectors that point outwards. */
  readonly normals: Float32Array<ArrayBuffer>;
  readonly corners: Uint32Array<ArrayBuffer>;
  readonly box: WorldBox;
};

export type WorldBox = { readonly low: readonly [number, number, number]; readonly high: readonly [number, number, number] };

/** Which cells of a coarser grid hold some of a mask; a frame of empty cells lies around them. */
export type Occupancy = {
  readonly cells: Uint8Array;
  readonly size: readonly [x: number, y: number, z: number];
  /** Voxels per cell. */
  readonly step: readonly [x: number, y: number, z: number];
  /** The voxel where the cell at (1, 1, 1) begins; the frame's lie before it. */
  readonly from: readonly [x: number, y: number, z: number];
};

type Spacing = readonly [z: number, y: number, x: number] | null;

/**
 * The cells of a mask, at most `most` along each axis; null where the mask is empty. A cell is as
 * near to a cube in mm as whole voxels allow, and is full where any of its voxels is in the mask:
 * a thin part grows by less than a cell, and never vanishes.
 */
export function occupancyOf(slices: Slices, grid: Grid, spacing: Spacing, most: number): Occupancy | null {
  const block = blockOf(slices, grid);
  if (!block) return null;
  const from = [block.x1, block.y1, block.z1] as const;
  const extent = [block.x2 - block.x1, block.y2 - block.y1, block.z2 - block.z1] as const;
  const step = cellSize(extent, spacing, most);
  const size = [0, 1, 2].map((axis) => Math.ceil(extent[axis] / step[axis]) + 2) as [number, number, number];
  const cells = new Uint8Array(size[0] * size[1] * size[2]);
  for (const [z, spans] of slices) {
    const layer = (Math.floor((z - from[2]) / step[2]) + 1) * size[0] * size[1];
    eachRowPiece(spans, grid.nx, (y, x1, x2) => {
      const row = layer + (Math.floor((y - from[1]) / step[1]) + 1) * size[0] + 1;
      cells.fill(1, row + Math.floor((x1 - from[0]) / step[0]), row + Math.floor((x2 - 1 - from[0]) / step[0]) + 1);
    });
  }
  return { cells, size, step, from };
}

function cellSize(extent: readonly number[], spacing: Spacing, most: number): [number, number, number] {
  const [z, y, x] = spacing ?? [1, 1, 1];
  const finest = Math.min(x, y, z);
  for (let edge = finest; ; edge *= 1.1) {
    const step = [x, y, z].map((apart) => Math.max(1, Math.round(edge / apart)));
    if (extent.every((size, axis) => Math.ceil(size / step[axis]) <= most)) return step as [number, number, number];
  }
}

// So often each corner moves to the middle of its neighbours, and back into its cell.
const ROUNDS = 4;

/**
 * The surface around full cells: naive surface nets (Gibson 1998, "Constrained elastic surface nets";
 * the quads as in Lysenko's "Smooth voxel terrain", 2012), smoothed inside their cells and laid into
 * the world by the affine, shears and mirrored grids included.
 */
export function surfaceOf(occupancy: Occupancy, affineLps: Affine): Mesh {
  const net = netOf(occupancy);
  relax(net, occupancy);
  const points = inWorld(net.places, occupancy, affineLps);
  // A grid that is a mirror image of the world turns every triangle round.
  const corners = cornersOf(net.quads, determinant(affineLps) < 0);
  return { points, corners, normals: normalsOf(points, corners), box: boxOf(points) };
}

type Net = {
  /** Places in cells: sample (x, y, z) stands at whole numbers. */
  readonly places: Float32Array;
  /** The lower corner of the cube of samples that each place lies in. */
  readonly cubes: Int32Array;
  readonly quads: Uint32Array;
};

function netOf({ cells, size: [nx, ny, nz] }: Occupancy): Net {
  const ways = [1, nx, nx * ny] as const;
  const found = new Uint32Array(nx * ny * nz);
  const places: number[] = [];
  const cubes: number[] = [];
  const quads: number[] = [];
  for (let z = 0; z < nz - 1; z++) {
    for (let y = 0; y < ny - 1; y++) {
      for (let x = 0; x < nx - 1; x++) {
        const at = (z * ny + y) * nx + x;
        const full = cubeAt(cells, at, ways);
        if (full === 0 || full === 255) continue;
        found[at] = cubes.length;
        cubes.push(at);
        middleOfCrossings(full, x, y, z, places);
        // The three edges that leave the lower corner; each has four cubes around it, all seen by now.
        for (let axis = 0; axis < 3; axis++) {
          if ((full & 1) === ((full >> (1 << axis)) & 1)) continue;
          const [u, v] = [ways[(axis + 1) % 3], ways[(axis + 2) % 3]];
          const around = [found[at], found[at - u], found[at - u - v], found[at - v]];
          if (full & 1) quads.push(around[0], around[1], around[2], around[3]);
          else quads.push(around[0], around[3], around[2], around[1]);
        }
      }
    }
  }
  return { places: Float32Array.from(places), cubes: Int32Array.from(cubes), quads: Uint32Array.from(quads) };
}

/** A bit per corner of a cube: bit 1 is one along x, bit 2 along y, bit 4 along z. */
function cubeAt(cells: Uint8Array, at: number, [, ny, nz]: readonly [number, number, number]): number {
  return (
    cells[at] |
    (cells[at + 1] << 1) |
    (cells[at + ny] << 2) |
    (cells[at + ny + 1] << 3) |
    (cells[at + nz] << 4) |
    (cells[at + nz + 1] << 5) |
    (cells[at + nz + ny] << 6) |
    (cells[at + nz + ny + 1] << 7)
  );
}

function middleOfCrossings(full: number, x: number, y: number, z: number, places: number[]): void {
  let [u, v, w, count] = [0, 0, 0, 0];
  for (let corner = 0; corner < 8; corner++) {
    for (const way of [1, 2, 4]) {
      if (corner & way || ((full >> corner) & 1) === ((full >> (corner | way)) & 1)) continue;
      u += (corner & 1) + (way === 1 ? 0.5 : 0);
      v += ((corner >> 1) & 1) + (way === 2 ? 0.5 : 0);
      w += ((corner >> 2) & 1) + (way === 4 ? 0.5 : 0);
      count++;
    }
  }
  places.push(x + u / count, y + v / count, z + w / count);
}

/** Each place moves to the mean of those it shares an edge of a quad with, and stays in its own cube. */
function relax({ places, cubes, quads }: Net, { size: [nx, ny] }: Occupancy): void {
  const sums = new Float32Array(places.length);
  const counts = new Uint16Array(cubes.length);
  for (let round = 0; round < ROUNDS; round++) {
    sums.fill(0);
    counts.fill(0);
    for (let k = 0; k < quads.length; k++) {
      const [here, there] = [quads[k], quads[(k & 3) === 3 ? k - 3 : k + 1]];
      for (let axis = 0; axis < 3; axis++) {
        sums[3 * here + axis] += places[3 * there + axis];
        sums[3 * there + axis] += places[3 * here + axis];
      }
      counts[here]++;
      counts[there]++;
    }
    for (let k = 0; k < cubes.length; k++) {
      const corner = [cubes[k] % nx, Math.floor(cubes[k] / nx) % ny, Math.floor(cubes[k] / (nx * ny))];
      for (let axis = 0; axis < 3; axis++) {
        const mean = sums[3 * k + axis] / counts[k];
        places[3 * k + axis] = Math.min(corner[axis] + 1, Math.max(corner[axis], mean));
      }
    }
  }
}

function inWorld(places: Float32Array, { from, step }: Occupancy, affineLps: Affine): Float32Array<ArrayBuffer> {
  const points = new Float32Array(places.length);
  // Sample k of an axis is the middle of cell k, and cell 1 begins at `from`.
  const along = (k: number, axis: number): number => from[axis] + (places[k + axis] - 0.5) * step[axis];
  for (let k = 0; k < places.length; k += 3) {
    const { x, y, z } = voxelToWorld(voxel(along(k, 0), along(k, 1), along(k, 2)), affineLps);
    points[k] = x;
    points[k + 1] = y;
    points[k + 2] = z;
  }
  return points;
}

function boxOf(points: Float32Array): WorldBox {
  const [low, high] = [[Infinity, Infinity, Infinity], [-Infinity, -Infinity, -Infinity]];
  for (let k = 0; k < points.length; k++) {
    low[k % 3] = Math.min(low[k % 3], points[k]);
    high[k % 3] = Math.max(high[k % 3], points[k]);
  }
  return { low: low as [number, number, number], high: high as [number, number, number] };
}

function cornersOf(quads: Uint32Array, isMirrored: boolean): Uint32Array<ArrayBuffer> {
  const corners = new Uint32Array((quads.length / 4) * 6);
  const order = isMirrored ? [0, 2, 1, 0, 3, 2] : [0, 1, 2, 0, 2, 3];
  for (let k = 0, out = 0; k < quads.length; k += 4) for (const corner of order) corners[out++] = quads[k + corner];
  return corners;
}

function determinant(affineLps: Affine): number {
  const [[a, b, c], [d, e, f], [g, h, i]] = affineLps;
  return a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g);
}

/** The mean of the triangles that meet in each corner, weighed by their areas. */
function normalsOf(points: Float32Array, corners: Uint32Array): Float32Array<ArrayBuffer> {
  const normals = new Float32Array(points.length);
  for (let k = 0; k < corners.length; k += 3) {
    const [a, b, c] = [3 * corners[k], 3 * corners[k + 1], 3 * corners[k + 2]];
    const [ux, uy, uz] = [points[b] - points[a], points[b + 1] - points[a + 1], points[b + 2] - points[a + 2]];
    const [vx, vy, vz] = [points[c] - points[a], points[c + 1] - points[a + 1], points[c + 2] - points[a + 2]];
    const [nx, ny, nz] = [uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx];
    for (const at of [a, b, c]) {
      normals[at] += nx;
      normals[at + 1] += ny;
      normals[at + 2] += nz;
    }
  }
  for (let k = 0; k < normals.length; k += 3) {
    const long = Math.hypot(normals[k], normals[k + 1], normals[k + 2]) || 1;
    normals[k] /= long;
    normals[k + 1] /= long;
    normals[k + 2] /= long;
  }
  return normals;
}
