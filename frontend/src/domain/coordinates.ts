/**
 * Four spaces that must never be mixed, each its own type.
 * voxel: continuous index space of the reference grid, voxel i covers [i, i + 1).
 * image: pixels of one drawn plane, origin at its top-left corner, u right, v down.
 * canvas: CSS pixels of the canvas. world: DICOM patient LPS millimetres.
 */
declare const space: unique symbol;
type In<Space extends string> = { readonly [space]: Space };

export type Voxel = { readonly x: number; readonly y: number; readonly z: number } & In<"voxel">;
export type ImagePoint = { readonly u: number; readonly v: number } & In<"image">;
export type CanvasPoint = { readonly x: number; readonly y: number } & In<"canvas">;
export type World = { readonly x: number; readonly y: number; readonly z: number } & In<"world">;

export const voxel = (x: number, y: number, z: number): Voxel => ({ x, y, z }) as Voxel;
export const imagePoint = (u: number, v: number): ImagePoint => ({ u, v }) as ImagePoint;
export const canvasPoint = (x: number, y: number): CanvasPoint => ({ x, y }) as CanvasPoint;

export type Grid = { readonly nx: number; readonly ny: number; readonly nz: number };
export type Plane = "axial" | "coronal" | "sagittal";
export type Affine = readonly (readonly number[])[];

/** Width and height of a plane in image pixels. */
export function planeSize(plane: Plane, grid: Grid): { width: number; height: number } {
  if (plane === "axial") return { width: grid.nx, height: grid.ny };
  return { width: plane === "coronal" ? grid.nx : grid.ny, height: grid.nz };
}

/** How many slices a plane can step through. */
export function planeDepth(plane: Plane, grid: Grid): number {
  return plane === "axial" ? grid.nz : plane === "coronal" ? grid.ny : grid.nx;
}

/** Stored volumes run towards Left, Posterior, Superior, so upright planes are drawn with z upwards. */
export function voxelToImage(plane: Plane, at: Voxel, grid: Grid): ImagePoint {
  if (plane === "axial") return imagePoint(at.x, at.y);
  return imagePoint(plane === "coronal" ? at.x : at.y, grid.nz - at.z);
}

/** The voxel under an image point, in the middle of slice `slice`. */
export function imageToVoxel(plane: Plane, point: ImagePoint, slice: number, grid: Grid): Voxel {
  const middle = slice + 0.5;
  if (plane === "axial") return voxel(point.u, point.v, middle);
  if (plane === "coronal") return voxel(point.u, middle, grid.nz - point.v);
  return voxel(middle, point.u, grid.nz - point.v);
}

export function sliceOf(plane: Plane, at: Voxel): number {
  return Math.floor(plane === "axial" ? at.z : plane === "coronal" ? at.y : at.x);
}

export function withSlice(plane: Plane, at: Voxel, slice: number): Voxel {
  const middle = slice + 0.5;
  if (plane === "axial") return voxel(at.x, at.y, middle);
  return plane === "coronal" ? voxel(at.x, middle, at.z) : voxel(middle, at.y, at.z);
}

export function clampToGrid(at: Voxel, grid: Grid): Voxel {
  const clamp = (value: number, size: number): number => Math.min(size - 1e-3, Math.max(0, value));
  return voxel(clamp(at.x, grid.nx), clamp(at.y, grid.ny), clamp(at.z, grid.nz));
}

/** World position of a continuous voxel position; the affine takes voxel centres, which lie at + 0.5. */
export function voxelToWorld(at: Voxel, affineLps: Affine): World {
  const index = [at.x - 0.5, at.y - 0.5, at.z - 0.5, 1];
  const [x, y, z] = [0, 1, 2].map((row) => affineLps[row].reduce((sum, entry, k) => sum + entry * index[k], 0));
  return { x, y, z } as World;
}

/** The continuous voxel position of a world position; null where the affine squeezes space flat. */
export function worldToVoxel(at: World, affineLps: Affine): Voxel | null {
  const [a, b, c, origin] = [0, 1, 2, 3].map((k) => [affineLps[0][k], affineLps[1][k], affineLps[2][k]] as const);
  const from = [at.x - origin[0], at.y - origin[1], at.z - origin[2]] as const;
  const volume = dot(a, cross(b, c));
  if (volume === 0) return null;
  // Cramer's rule, column by column.
  return voxel(dot(from, cross(b, c)) / volume + 0.5, dot(from, cross(c, a)) / volume + 0.5, dot(from, cross(a, b)) / volume + 0.5);
}

/** Whether two grids are one: equal sizes, and no corner further off than a tenth of a voxel. */
export function sameGrid(one: Placed, other: Placed): boolean {
  const { nx, ny, nz } = one.grid;
  if (nx !== other.grid.nx || ny !== other.grid.ny || nz !== other.grid.nz) return false;
  const { affineLps } = other;
  if (!one.affineLps || !affineLps) return false;
  return [0, nx].every((x) =>
    [0, ny].every((y) =>
      [0, nz].every((z) => {
        const at = worldToVoxel(voxelToWorld(voxel(x, y, z), one.affineLps!), affineLps);
        return at !== null && Math.max(Math.abs(at.x - x), Math.abs(at.y - y), Math.abs(at.z - z)) <= 0.1;
      }),
    ),
  );
}

export type Placed = { readonly grid: Grid; readonly affineLps: Affine | null };
type Triple = readonly [number, number, number];
const dot = (a: Triple, b: Triple): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
const cross = (a: Triple, b: Triple): Triple => [
  a[1] * b[2] - a[2] * b[1],
  a[2] * b[0] - a[0] * b[2],
  a[0] * b[1] - a[1] * b[0],
];

export type EdgeLetters = { left: string; right: string; top: string; bottom: string };

/** Anatomical letters at the four edges of a plane, from the voxel axes' main patient directions. */
export function edgeLetters(plane: Plane, affineLps: Affine): EdgeLetters {
  const along = (axis: number, sign: number): string => direction(affineLps, axis, sign);
  if (plane === "axial") {
    return { left: along(0, -1), right: along(0, 1), top: along(1, -1), bottom: along(1, 1) };
  }
  const across = plane === "coronal" ? 0 : 1;
  return { left: along(across, -1), right: along(across, 1), top: along(2, 1), bottom: along(2, -1) };
}

function direction(affineLps: Affine, axis: number, sign: number): string {
  const column = [0, 1, 2].map((row) => affineLps[row][axis] * sign);
  const main = column.reduce((best, entry, row) => (Math.abs(entry) > Math.abs(column[best]) ? row : best), 0);
  return ["RL", "AP", "IS"][main][column[main] > 0 ? 1 : 0];
}

/** How image pixels map to canvas pixels: canvas = (u * scale * stretchU + offsetX, v * scale * stretchV + offsetY). */
export type View = {
  readonly scale: number;
  readonly offsetX: number;
  readonly offsetY: number;
  readonly stretchU: number;
  readonly stretchV: number;
};

export function imageToCanvas(view: View, point: ImagePoint): CanvasPoint {
  return canvasPoint(
    point.u * view.scale * view.stretchU + view.offsetX,
    point.v * view.scale * view.stretchV + view.offsetY,
  );
}

export function canvasToImage(view: View, point: CanvasPoint): ImagePoint {
  return imagePoint(
    (point.x - view.offsetX) / (view.scale * view.stretchU),
    (point.y - view.offsetY) / (view.scale * view.stretchV),
  );
}

/** Zooms so that the image point under `at` stays under it. */
export function zoomAt(view: View, at: CanvasPoint, factor: number): View {
  const scale = Math.min(64, Math.max(0.02, view.scale * factor));
  const ratio = scale / view.scale;
  return {
    ...view,
    scale,
    offsetX: at.x - (at.x - view.offsetX) * ratio,
    offsetY: at.y - (at.y - view.offsetY) * ratio,
  };
}

/** Pixel aspect of a plane, the finer side being 1. */
export function stretchOf(plane: Plane, spacingZyx: readonly [number, number, number] | null): { u: number; v: number } {
  const [z, y, x] = spacingZyx ?? [1, 1, 1];
  const [u, v] = plane === "axial" ? [x, y] : plane === "coronal" ? [x, z] : [y, z];
  const finer = Math.min(u, v);
  return { u: u / finer, v: v / finer };
}
