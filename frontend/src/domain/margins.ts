import type { Grid } from "./coordinates";
import { EMPTY, SpanBuilder, subtract, type Spans } from "./spans";
import { blockOf, combined, outside, put, rowsOf, type Rows, type Slices } from "./stack";

/** A ball as runs along x: at (dz, dy) it reaches `half` voxels to either side. */
export type BallRow = { readonly dz: number; readonly dy: number; readonly half: number };

/** Voxels whose centre is at most `radius` away, in the unit of `spacingZyx`; `depth` 1 gives a disc. */
export function ballRows(radius: number, spacingZyx: readonly [number, number, number], depth: number): BallRow[] {
  const [sz, sy, sx] = spacingZyx;
  // Two and a half times 0.4 must reach what lies one unit away.
  const reach = radius + 1e-9;
  const rows: BallRow[] = [];
  const deep = depth > 1 ? Math.floor(reach / sz) : 0;
  for (let dz = 0 - deep; dz <= deep; dz++) {
    const high = Math.floor(Math.sqrt(reach ** 2 - (dz * sz) ** 2) / sy);
    for (let dy = 0 - high; dy <= high; dy++) {
      const rest = reach ** 2 - (dz * sz) ** 2 - (dy * sy) ** 2;
      if (rest >= 0) rows.push({ dz, dy, half: Math.floor(Math.sqrt(rest) / sx) });
    }
  }
  return rows;
}

/** Every voxel whose ball meets the mask (dilation), cut at the grid. */
export function grown(slices: Slices, ball: readonly BallRow[], grid: Grid): Map<number, Spans> {
  const steps = new Int32Array(grid.nx + 1);
  return rowByRow(slices, ball, grid, ({ pieces, from, builder, y }) => {
    steps.fill(0);
    for (const { x, first, last, half } of pieces) {
      for (let k = first; k < last; k += 2) {
        steps[Math.max(0, x[k] - half)]++;
        steps[Math.min(grid.nx, x[k + 1] + half)]--;
      }
    }
    let deep = 0;
    for (let at = from; at < grid.nx; at++) {
      const before = deep;
      deep += steps[at];
      if (before === 0 && deep > 0) builder.open(y * grid.nx + at);
      else if (before > 0 && deep === 0) builder.close(y * grid.nx + at);
    }
    builder.close((y + 1) * grid.nx);
  });
}

/** Every voxel whose ball lies in the mask (erosion). The picture's edge is no edge of the object: nothing is taken away there. */
export function shrunk(slices: Slices, ball: readonly BallRow[], grid: Grid): Map<number, Spans> {
  const block = blockOf(slices, grid, 1);
  // The nearest voxel outside a mask lies in the mask's block or right beside it.
  return block ? combined(slices, grown(outside(slices, block, grid), ball, grid), subtract) : new Map();
}

/**
 * Majority in a ball, the median filter of a mask (Serra 1982): a voxel is in when more than half of
 * its ball is, as far as the ball lies in the picture. Where it is just half, the voxel stays as it is.
 */
export function smoothed(slices: Slices, ball: readonly BallRow[], grid: Grid): Map<number, Spans> {
  const reach = Math.max(...ball.map(({ half }) => half));
  const bends = new Int32Array(grid.nx + 2 * reach + 3);
  const whole = new Sizes(ball, grid);
  const own = new Map([...slices].map(([z, spans]) => [z, rowsOf(spans, grid.nx)]));
  const member = new Uint8Array(grid.nx);
  return rowByRow(slices, ball, grid, ({ pieces, builder, y, z }) => {
    // The count along a row is the row's runs summed over a window: its second difference has four steps a run.
    bends.fill(0);
    for (const { x, first, last, half } of pieces) {
      for (let k = first; k < last; k += 2) {
        bends[x[k] - half + reach]++;
        bends[x[k] + half + 1 + reach]--;
        bends[x[k + 1] - half + reach]--;
        bends[x[k + 1] + half + 1 + reach]++;
      }
    }
    const sizes = whole.row(y, z);
    mark(member, own.get(z), y);
    let [slope, count, inside] = [0, 0, false];
    for (let at = -reach; at < grid.nx; at++) {
      slope += bends[at + reach];
      count += slope;
      if (at < 0) continue;
      const now = 2 * count > sizes[at] || (2 * count === sizes[at] && member[at] === 1);
      if (now && !inside) builder.open(y * grid.nx + at);
      else if (!now && inside) builder.close(y * grid.nx + at);
      inside = now;
    }
    builder.close((y + 1) * grid.nx);
  });
}

type Piece = { readonly x: Int32Array; readonly first: number; readonly last: number; readonly half: number };
type Row = { readonly y: number; readonly z: number; readonly from: number; readonly pieces: readonly Piece[]; readonly builder: Opener };

/** Calls for every row of the grid that the ball reaches from the mask, with the rows of the mask it meets there. */
function rowByRow(slices: Slices, ball: readonly BallRow[], grid: Grid, visit: (row: Row) => void): Map<number, Spans> {
  const out = new Map<number, Spans>();
  const block = blockOf(slices, grid);
  if (!block || ball.length === 0) return out;
  const tables = new Map([...slices].map(([z, spans]) => [z, rowsOf(spans, grid.nx)]));
  const deep = Math.max(...ball.map(({ dz }) => dz));
  const high = Math.max(...ball.map(({ dy }) => dy));
  const from = Math.max(0, block.x1 - Math.max(...ball.map(({ half }) => half)));
  for (let z = Math.max(0, block.z1 - deep); z < Math.min(grid.nz, block.z2 + deep); z++) {
    const builder = new Opener();
    for (let y = Math.max(0, block.y1 - high); y < Math.min(grid.ny, block.y2 + high); y++) {
      const pieces = met(tables, ball, z, y);
      if (pieces.length > 0) visit({ y, z, from, pieces, builder });
    }
    put(out, z, builder.done());
  }
  return out;
}

function met(tables: ReadonlyMap<number, Rows>, ball: readonly BallRow[], z: number, y: number): Piece[] {
  const pieces: Piece[] = [];
  for (const { dz, dy, half } of ball) {
    const rows = tables.get(z + dz);
    const row = y + dy;
    if (!rows || row < rows.y1 || row >= rows.y2) continue;
    const [first, last] = [rows.at[row - rows.y1], rows.at[row - rows.y1 + 1]];
    if (first < last) pieces.push({ x: rows.x, first, last, half });
  }
  return pieces;
}

function mark(member: Uint8Array, rows: Rows | undefined, y: number): void {
  member.fill(0);
  if (!rows || y < rows.y1 || y >= rows.y2) return;
  for (let k = rows.at[y - rows.y1]; k < rows.at[y - rows.y1 + 1]; k += 2) member.fill(1, rows.x[k], rows.x[k + 1]);
}

/** How many voxels of a ball lie in the picture, along a row; rows with the same distance to the edges share theirs. */
class Sizes {
  private readonly known = new Map<string, Int32Array>();
  private readonly deep: number;
  private readonly high: number;

  constructor(
    private readonly ball: readonly BallRow[],
    private readonly grid: Grid,
  ) {
    this.deep = Math.max(...ball.map(({ dz }) => dz));
    this.high = Math.max(...ball.map(({ dy }) => dy));
  }

  row(y: number, z: number): Int32Array {
    const { nx, ny, nz } = this.grid;
    const away = [Math.min(z, this.deep), Math.min(nz - 1 - z, this.deep), Math.min(y, this.high), Math.min(ny - 1 - y, this.high)];
    const key = away.join();
    const known = this.known.get(key);
    if (known) return known;
    const inside = this.ball.filter(({ dz, dy }) => z + dz >= 0 && z + dz < nz && y + dy >= 0 && y + dy < ny);
    const sizes = Int32Array.from({ length: nx }, (_, x) =>
      inside.reduce((sum, { half }) => sum + Math.min(nx - 1, x + half) - Math.max(0, x - half) + 1, 0),
    );
    this.known.set(key, sizes);
    return sizes;
  }
}

/** Spans from the places where they begin and end. */
class Opener {
  private readonly builder = new SpanBuilder();
  private start = -1;

  open(at: number): void {
    this.start = at;
  }

  close(at: number): void {
    if (this.start >= 0) this.builder.add(this.start, at);
    this.start = -1;
  }

  done(): Spans {
    const spans = this.builder.done();
    return spans.length > 0 ? spans : EMPTY;
  }
}
