import { eachRowPiece, type Spans } from "./spans";

/** Closed outline along pixel edges: [u0, v0, u1, v1, …], corners only, the mask on the right hand. */
export type Loop = Float32Array;

// Step (du, dv) of each heading: right, down, left, up.
const STEPS = [
  [1, 0],
  [0, 1],
  [-1, 0],
  [0, -1],
] as const;

/**
 * Outlines of a mask as closed loops of pixel corners. Outer loops run clockwise, holes the other
 * way. Diagonal neighbours are kept apart, so a loop never crosses itself.
 */
export function contours(spans: Spans, width: number): Loop[] {
  const stride = width + 1;
  const edges = boundaryEdges(spans, width, stride);
  const loops: Loop[] = [];
  for (const [start, headings] of edges) {
    while (headings.length > 0) loops.push(walk(start, headings.pop()!, edges, stride));
  }
  return loops;
}

/** Directed unit edges that have the mask on one side only, by the corner where they start. */
function boundaryEdges(spans: Spans, width: number, stride: number): Map<number, number[]> {
  const edges = new Map<number, number[]>();
  const add = (u: number, v: number, heading: number): void => {
    const corner = v * stride + u;
    const known = edges.get(corner);
    if (known) known.push(heading);
    else edges.set(corner, [heading]);
  };
  const rows = new Map<number, [number, number][]>();
  eachRowPiece(spans, width, (y, x1, x2) => {
    add(x2, y, 1);
    add(x1, y + 1, 3);
    const row = rows.get(y);
    if (row) row.push([x1, x2]);
    else rows.set(y, [[x1, x2]]);
  });
  for (const [y, pieces] of rows) {
    uncovered(pieces, rows.get(y - 1), (u) => add(u, y, 0));
    uncovered(pieces, rows.get(y + 1), (u) => add(u + 1, y + 1, 2));
  }
  return edges;
}

function uncovered(pieces: [number, number][], cover: [number, number][] | undefined, visit: (u: number) => void): void {
  let k = 0;
  for (const [x1, x2] of pieces) {
    for (let u = x1; u < x2; u++) {
      while (cover && k < cover.length && cover[k][1] <= u) k++;
      if (!cover || k >= cover.length || cover[k][0] > u) visit(u);
    }
  }
}

function walk(start: number, heading: number, edges: Map<number, number[]>, stride: number): Loop {
  const points: number[] = [start % stride, Math.floor(start / stride)];
  let corner = start;
  for (;;) {
    corner += STEPS[heading][0] + STEPS[heading][1] * stride;
    if (corner === start) return Float32Array.from(points);
    const next = takeTurn(edges.get(corner)!, heading);
    if (next !== heading) points.push(corner % stride, Math.floor(corner / stride));
    heading = next;
  }
}

/** At a corner where two pixels touch diagonally, turn right, so that each keeps its own outline. */
function takeTurn(headings: number[], heading: number): number {
  const right = headings.indexOf((heading + 1) % 4);
  return headings.splice(headings.length > 1 && right >= 0 ? right : 0, 1)[0];
}
