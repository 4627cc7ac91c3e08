import { piecesToSpans, type Piece } from "./brush";
import { planeSize, type Grid, type Plane } from "./coordinates";
import { boundariesUpTo, SpanBuilder, type Spans } from "./spans";

/** A finding's mask as one plane shows it: spans over the plane's own pixels. */
export function maskOnPlane(slices: ReadonlyMap<number, Spans>, plane: Plane, slice: number, grid: Grid): Spans {
  if (plane === "axial") return slices.get(slice) ?? new Uint32Array(0);
  const { width } = planeSize(plane, grid);
  const builder = new SpanBuilder();
  const drawn = [...slices.keys()].sort((a, b) => b - a);
  for (const z of drawn) {
    const row = (grid.nz - 1 - z) * width;
    const add = (from: number, to: number): void => builder.add(row + from, row + to);
    if (plane === "coronal") lineAlongX(slices.get(z)!, slice, grid.nx, add);
    else lineAlongY(slices.get(z)!, slice, grid.nx, add);
  }
  return builder.done();
}

function lineAlongX(spans: Spans, y: number, nx: number, add: (from: number, to: number) => void): void {
  const start = y * nx;
  let k = boundariesUpTo(spans, start);
  k -= k & 1;
  for (; k < spans.length && spans[k] < start + nx; k += 2) {
    add(Math.max(0, spans[k] - start), Math.min(nx, spans[k + 1] - start));
  }
}

function lineAlongY(spans: Spans, x: number, nx: number, add: (from: number, to: number) => void): void {
  for (let k = 0; k < spans.length; k += 2) {
    const first = Math.max(0, Math.ceil((spans[k] - x) / nx));
    const last = Math.floor((spans[k + 1] - 1 - x) / nx);
    if (first <= last) add(first, last + 1);
  }
}

/** What was drawn on a plane, as masks of the stored slices. */
export function piecesToSlices(pieces: readonly Piece[], plane: Plane, slice: number, grid: Grid): Map<number, Spans> {
  if (plane === "axial") {
    const spans = piecesToSpans(pieces, grid.nx);
    return spans.length > 0 ? new Map([[slice, spans]]) : new Map();
  }
  const builders = new Map<number, SpanBuilder>();
  for (const [v, u1, u2] of pieces) {
    const z = grid.nz - 1 - v;
    const builder = builders.get(z) ?? new SpanBuilder();
    builders.set(z, builder);
    if (plane === "coronal") builder.add(slice * grid.nx + u1, slice * grid.nx + u2);
    else for (let y = u1; y < u2; y++) builder.add(y * grid.nx + slice, y * grid.nx + slice + 1);
  }
  return new Map([...builders].map(([z, builder]) => [z, builder.done()]));
}
