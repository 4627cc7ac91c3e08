import { piecesToSpans, type Piece, type Point, type Size } from "./brush";
import { planeSize, type Grid, type Plane } from "./coordinates";
import { ballRows, grown } from "./margins";
import { parts, together, voxelsOf, type Part } from "./parts";
import { EMPTY, eachRowPiece, fromBox, intersect, SpanBuilder, subtract, union, type Spans } from "./spans";
import { combined, put, type Slices } from "./stack";

/** A line drawn on a plane; it cuts straight through, like a curtain. */
export type CutLine = { readonly points: readonly Point[]; readonly plane: Plane };

/**
 * The smaller side of a mask that a line cuts in two; null where the line does not cut it through.
 * The pixels that the line crosses separate the mask; the parts beside it go to the side on which
 * more of their pixels touch the line. Parts that the line does not touch stay where they are.
 */
export function cutOff(slices: Slices, line: CutLine, grid: Grid): Map<number, Spans> | null {
  const curtain = curtainOf(line, slices, grid);
  const crossed = combined(slices, curtain, intersect);
  if (crossed.size === 0) return null;
  const beside = grown(crossed, ballRows(1, [1, 1, 1], grid.nz), grid);
  const side = sideOf(line, grid);
  const sides: { left: Part[]; right: Part[] } = { left: [], right: [] };
  for (const part of parts(combined(slices, curtain, subtract), grid.nx)) {
    const touching = common(part.slices, beside);
    if (touching.size > 0) sides[votes(touching, side, grid) >= 0 ? "left" : "right"].push(part);
  }
  if (sides.left.length === 0 || sides.right.length === 0) return null;
  const left = together(sides.left);
  const right = together(sides.right);
  const [smaller, sign] = voxelsOf(left) < voxelsOf(right) ? [left, 1] : [right, -1];
  return combined(smaller, onSide(crossed, side, sign, grid), union);
}

/** Of many small parts each has few slices: only those are looked at. */
function common(part: Slices, beside: Slices): Map<number, Spans> {
  const touching = new Map<number, Spans>();
  for (const [z, spans] of part) put(touching, z, intersect(spans, beside.get(z) ?? EMPTY));
  return touching;
}

type Side = (x: number, y: number, z: number) => number;

/** 1 on the left of the line's way, -1 on its right, for the middle of a voxel. */
function sideOf({ points, plane }: CutLine, grid: Grid): Side {
  const { width } = planeSize(plane, grid);
  const known = new Map<number, number>();
  return (x, y, z) => {
    const [u, v] = plane === "axial" ? [x, y] : [plane === "coronal" ? x : y, grid.nz - 1 - z];
    const key = v * width + u;
    const sign = known.get(key) ?? (turn(points, { u: u + 0.5, v: v + 0.5 }) >= 0 ? 1 : -1);
    known.set(key, sign);
    return sign;
  };
}

/** Signed distance-like value of a point beside an open line; at a corner both of its legs have a say. */
function turn(points: readonly Point[], at: Point): number {
  let nearest = Infinity;
  let sign = 0;
  for (let k = 1; k < points.length; k++) {
    const [a, b] = [points[k - 1], points[k]];
    const [du, dv] = [b.u - a.u, b.v - a.v];
    const length = Math.hypot(du, dv);
    if (length === 0) continue;
    const share = Math.min(1, Math.max(0, ((at.u - a.u) * du + (at.v - a.v) * dv) / length ** 2));
    const away = Math.hypot(at.u - a.u - share * du, at.v - a.v - share * dv);
    const cross = (dv * (at.u - a.u) - du * (at.v - a.v)) / length;
    if (away < nearest - 1e-9) [nearest, sign] = [away, cross];
    else if (away < nearest + 1e-9) sign += cross;
  }
  return sign;
}

function votes(touching: Slices, side: Side, grid: Grid): number {
  let sum = 0;
  eachVoxel(touching, grid, (x, y, z) => (sum += side(x, y, z)));
  return sum;
}

function onSide(slices: Slices, side: Side, sign: number, grid: Grid): Map<number, Spans> {
  const builders = new Map<number, SpanBuilder>();
  eachVoxel(slices, grid, (x, y, z) => {
    if (side(x, y, z) !== sign) return;
    const builder = builders.get(z) ?? new SpanBuilder();
    builders.set(z, builder);
    builder.add(y * grid.nx + x, y * grid.nx + x + 1);
  });
  return new Map([...builders].map(([z, builder]) => [z, builder.done()]));
}

function eachVoxel(slices: Slices, { nx }: Grid, visit: (x: number, y: number, z: number) => void): void {
  for (const [z, spans] of slices) {
    eachRowPiece(spans, nx, (y, x1, x2) => {
      for (let x = x1; x < x2; x++) visit(x, y, z);
    });
  }
}

function curtainOf({ points, plane }: CutLine, slices: Slices, grid: Grid): Map<number, Spans> {
  const pieces = crossedPixels(points, planeSize(plane, grid));
  if (plane === "axial") {
    const spans = piecesToSpans(pieces, grid.nx);
    return new Map([...slices.keys()].map((z) => [z, spans]));
  }
  const curtain = new Map<number, Spans>();
  for (const z of slices.keys()) put(curtain, z, uprightAt(pieces, plane, z, grid));
  return curtain;
}

function uprightAt(pieces: readonly Piece[], plane: Plane, z: number, { nx, ny, nz }: Grid): Spans {
  const here = pieces.filter(([v]) => v === nz - 1 - z);
  const wall = (u1: number, u2: number): Spans => (plane === "coronal" ? fromBox([u1, 0, u2, ny], nx, ny) : fromBox([0, u1, nx, u2], nx, ny));
  return here.reduce<Spans>((all, [, u1, u2]) => union(all, wall(u1, u2)), EMPTY);
}

/** Every pixel that a line passes through, so that no two of its sides touch by a face (Amanatides and Woo 1987). */
export function crossedPixels(points: readonly Point[], { width, height }: Size): Piece[] {
  const crossed = new Set<number>();
  const note = (u: number, v: number): void => {
    if (u >= 0 && v >= 0 && u < width && v < height) crossed.add(v * width + u);
  };
  for (let k = 0; k < points.length; k++) walk(points[Math.max(0, k - 1)], points[k], note);
  const pieces: Piece[] = [];
  for (const at of [...crossed].sort((a, b) => a - b)) pieces.push([Math.floor(at / width), at % width, (at % width) + 1]);
  return pieces;
}

function walk(from: Point, to: Point, visit: (u: number, v: number) => void): void {
  let [u, v] = [Math.floor(from.u), Math.floor(from.v)];
  const [du, dv] = [to.u - from.u, to.v - from.v];
  const [stepU, stepV] = [Math.sign(du), Math.sign(dv)];
  let nextU = du === 0 ? Infinity : (du > 0 ? u + 1 - from.u : u - from.u) / du;
  let nextV = dv === 0 ? Infinity : (dv > 0 ? v + 1 - from.v : v - from.v) / dv;
  visit(u, v);
  while (Math.min(nextU, nextV) <= 1) {
    if (nextU < nextV) {
      u += stepU;
      nextU += 1 / Math.abs(du);
    } else {
      v += stepV;
      nextV += 1 / Math.abs(dv);
    }
    visit(u, v);
  }
}
