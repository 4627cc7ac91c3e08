import type { Piece, Point, Size } from "./brush";

/** Pixels whose centre lies inside the closed polygon (non-zero winding), row by row, cut at the edge. */
export function fillPolygon(points: readonly Point[], size: Size): Piece[] {
  if (points.length < 3) return [];
  const heights = points.map((point) => point.v);
  const first = Math.max(0, Math.floor(Math.min(...heights)));
  const last = Math.min(size.height - 1, Math.ceil(Math.max(...heights)));
  const pieces: Piece[] = [];
  for (let v = first; v <= last; v++) {
    for (const [low, high] of insideRanges(points, v + 0.5)) {
      const u1 = Math.max(0, Math.ceil(low - 0.5));
      const u2 = Math.min(size.width, Math.ceil(high - 0.5));
      if (u1 < u2) pieces.push([v, u1, u2]);
    }
  }
  return pieces;
}

function insideRanges(points: readonly Point[], v: number): [number, number][] {
  const crossings: { u: number; turn: number }[] = [];
  for (const [index, a] of points.entries()) {
    const b = points[(index + 1) % points.length];
    if (a.v <= v === b.v <= v) continue;
    crossings.push({ u: a.u + ((v - a.v) / (b.v - a.v)) * (b.u - a.u), turn: a.v < b.v ? 1 : -1 });
  }
  crossings.sort((one, other) => one.u - other.u);
  const ranges: [number, number][] = [];
  let winding = 0;
  let start = 0;
  for (const { u, turn } of crossings) {
    if (winding === 0) start = u;
    winding += turn;
    if (winding === 0) ranges.push([start, u]);
  }
  return ranges;
}
