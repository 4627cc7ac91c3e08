import { EMPTY, SpanBuilder, union, type Spans } from "./spans";

/** A piece of one image row, half-open. */
export type Piece = readonly [v: number, u1: number, u2: number];
export type Size = { readonly width: number; readonly height: number };
export type Point = { readonly u: number; readonly v: number };

/**
 * Pixels whose centre lies within `radius` of the segment from `from` to `to`, cut at the edge.
 * `stretch` is the pixel aspect: distances are measured in stretched pixels, so that the brush is
 * round on the screen. The pixel under `to` always counts. A capsule is convex: one piece a row.
 */
export function capsule(from: Point, to: Point, radius: number, stretch: Point, size: Size): Piece[] {
  const a = { u: from.u * stretch.u, v: from.v * stretch.v };
  const b = { u: to.u * stretch.u, v: to.v * stretch.v };
  const under = { u: Math.floor(to.u), v: Math.floor(to.v) };
  const first = Math.max(0, Math.min(under.v, Math.floor((Math.min(a.v, b.v) - radius) / stretch.v)));
  const last = Math.min(size.height - 1, Math.max(under.v, Math.ceil((Math.max(a.v, b.v) + radius) / stretch.v)));
  const pieces: Piece[] = [];
  for (let v = first; v <= last; v++) {
    const [low, high] = rowOfCapsule(a, b, radius, (v + 0.5) * stretch.v);
    let u1 = Math.ceil(low / stretch.u - 0.5);
    let u2 = Math.floor(high / stretch.u - 0.5) + 1;
    if (v === under.v) {
      u1 = Math.min(u1, under.u);
      u2 = Math.max(u2, under.u + 1);
    }
    u1 = Math.max(0, u1);
    u2 = Math.min(size.width, u2);
    if (u1 < u2) pieces.push([v, u1, u2]);
  }
  return pieces;
}

function rowOfCapsule(a: Point, b: Point, radius: number, v: number): [number, number] {
  let low = Infinity;
  let high = -Infinity;
  for (const end of [a, b]) {
    const rest = radius * radius - (v - end.v) ** 2;
    if (rest < 0) continue;
    low = Math.min(low, end.u - Math.sqrt(rest));
    high = Math.max(high, end.u + Math.sqrt(rest));
  }
  const length = Math.hypot(b.u - a.u, b.v - a.v);
  if (length < 1e-9) return [low, high];
  for (const side of [-radius, radius]) {
    const shiftU = (-(b.v - a.v) / length) * side;
    const shiftV = ((b.u - a.u) / length) * side;
    const along = Math.abs(b.v - a.v) < 1e-9 ? -1 : (v - a.v - shiftV) / (b.v - a.v);
    if (along < 0 || along > 1) continue;
    const u = a.u + shiftU + along * (b.u - a.u);
    low = Math.min(low, u);
    high = Math.max(high, u);
  }
  return [low, high];
}

/** Row pieces of an axial plane as spans. */
export function piecesToSpans(pieces: readonly Piece[], width: number): Spans {
  const builder = new SpanBuilder();
  for (const [v, u1, u2] of pieces) builder.add(v * width + u1, v * width + u2);
  return builder.done();
}

export type Ball = {
  readonly centre: { readonly x: number; readonly y: number; readonly z: number };
  /** In units of the finest spacing. */
  readonly radius: number;
  readonly spacingZyx: readonly [number, number, number];
};

/** Voxels whose centre lies in the ball, by slice. Anisotropic spacing makes it flat in voxels, round in space. */
export function ball(of: Ball, grid: { nx: number; ny: number; nz: number }): Map<number, Spans> {
  const finest = Math.min(...of.spacingZyx);
  const [sz, sy, sx] = of.spacingZyx.map((spacing) => spacing / finest);
  const slices = new Map<number, Spans>();
  const first = Math.max(0, Math.floor(of.centre.z - of.radius / sz));
  const last = Math.min(grid.nz - 1, Math.ceil(of.centre.z + of.radius / sz));
  for (let z = first; z <= last; z++) {
    const away = z === Math.floor(of.centre.z) ? 0 : (z + 0.5 - of.centre.z) * sz;
    const rest = of.radius * of.radius - away * away;
    if (rest < 0) continue;
    const centre = { u: of.centre.x, v: of.centre.y };
    const pieces = capsule(centre, centre, Math.sqrt(rest), { u: sx, v: sy }, { width: grid.nx, height: grid.ny });
    const spans = piecesToSpans(pieces, grid.nx);
    if (spans.length > 0) slices.set(z, spans);
  }
  return slices;
}

/** Joins masks slice by slice, in place. */
export function addSlices(into: Map<number, Spans>, more: ReadonlyMap<number, Spans>): void {
  for (const [z, spans] of more) into.set(z, union(into.get(z) ?? EMPTY, spans));
}
