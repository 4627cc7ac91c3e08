import { clipBox, type Box, type Spans } from "../domain/spans";
import { levelSize, spansOnLevel, tileBox, tileKey, tilesIn, type TileAt, type TileLayout } from "../domain/tiles";
import type { Sight } from "../state/sight";
import { edgeOf, fillSpans, meet } from "./blend";
import { boxInSight, drawTile, levelInSight } from "./drawing";
import type { Colour } from "./palette";
import type { PlaneMask } from "./plane_masks";
import { Easel } from "./tile_pictures";

/** How one mask is filled; `edge` is how dense its outline is, 0 for none. */
export type Fill = { readonly colour: Colour; readonly alpha: number; readonly edge: number };
type Drawn = Pick<PlaneMask, "spans" | "box">;

/** One tile of fills: no canvas where nothing is filled. `stale` is what changed since, in pixels of the picture. */
type Filled = { readonly at: TileAt; canvas: HTMLCanvasElement | null; stale: Box | null };

// So many tiles out of sight stay as they were drawn.
const SPARE = 24;

/** The fills of masks on a large picture: tiles in sight only, on the level that the zoom shows. */
export class FillTiles {
  private readonly tiles = new Map<string, Filled>();
  private readonly easel = new Easel();

  constructor(private readonly layout: TileLayout) {}

  /** `boxes` are what changed since the last time; null where all did. */
  draw<Mask extends Drawn>(sight: Sight, masks: readonly Mask[], boxes: readonly Box[] | null, fill: (mask: Mask) => Fill): void {
    if (boxes === null) this.clear();
    else this.spoil(boxes);
    const here = tilesIn(this.layout, levelInSight(this.layout, sight), boxInSight(sight));
    for (const at of here) {
      const tile = this.tile(at);
      if (tile.stale) this.compose(tile, masks, tile.stale, fill);
      tile.stale = null;
      if (tile.canvas) drawTile(sight, this.layout, at, at, tile.canvas, false);
    }
    this.keep(here.length);
  }

  private tile(at: TileAt): Filled {
    const key = tileKey(at);
    const known = this.tiles.get(key) ?? { at, canvas: null, stale: this.covered(at) };
    this.tiles.delete(key);
    this.tiles.set(key, known);
    return known;
  }

  private compose<Mask extends Drawn>(tile: Filled, masks: readonly Mask[], stale: Box, fill: (mask: Mask) => Fill): void {
    const { layout } = this;
    const { level } = tile.at;
    const { width } = levelSize(layout, level);
    const [x, y, right, bottom] = tileBox(layout, tile.at);
    const box = within(onLevel(stale, level), [x, y, right, bottom]);
    const [x1, y1, x2, y2] = box;
    if (x2 <= x1 || y2 <= y1) return;
    const step = 2 ** level;
    const met = masks.filter((mask) => meet(mask.box, [x1 * step, y1 * step, x2 * step, y2 * step]));
    if (met.length === 0 && !tile.canvas) return;
    const pixels = new ImageData(x2 - x1, y2 - y1);
    const part = { words: new Uint32Array(pixels.data.buffer), x: x1, y: y1, stride: x2 - x1 };
    for (const mask of met) {
      const { colour, alpha, edge } = fill(mask);
      const spans = shrunk(mask.spans, layout, level);
      fillSpans(part, spans, width, colour, alpha, box);
      if (edge > 0) fillSpans(part, edgeOf(spans, width), width, colour, edge, box);
    }
    tile.canvas ??= this.blank(right - x, bottom - y);
    tile.canvas.getContext("2d")!.putImageData(pixels, x1 - x, y1 - y);
  }

  private spoil(boxes: readonly Box[]): void {
    for (const tile of boxes.length > 0 ? this.tiles.values() : []) {
      const covered = this.covered(tile.at);
      for (const box of boxes) if (meet(box, covered)) tile.stale = tile.stale ? around(tile.stale, box) : box;
    }
  }

  /** The pixels of the picture that a tile shows. */
  private covered(at: TileAt): Box {
    const [x1, y1, x2, y2] = tileBox(this.layout, at);
    const step = 2 ** at.level;
    return clipBox([x1 * step, y1 * step, x2 * step, y2 * step], this.layout.width, this.layout.height);
  }

  private blank(width: number, height: number): HTMLCanvasElement {
    const canvas = this.easel.canvas(width, height);
    canvas.getContext("2d")!.clearRect(0, 0, width, height);
    return canvas;
  }

  private clear(): void {
    for (const { canvas } of this.tiles.values()) if (canvas) this.easel.takeBack(canvas);
    this.tiles.clear();
  }

  private keep(inUse: number): void {
    for (const [key, { canvas }] of this.tiles) {
      if (this.tiles.size <= inUse + SPARE) return;
      if (canvas) this.easel.takeBack(canvas);
      this.tiles.delete(key);
    }
  }
}

const smaller = new WeakMap<Spans, Map<number, Spans>>();

/** A mask on a level; made once per mask, as masks never change in place. */
function shrunk(spans: Spans, layout: TileLayout, level: number): Spans {
  if (level === 0) return spans;
  const known = smaller.get(spans) ?? new Map<number, Spans>();
  smaller.set(spans, known);
  const made = known.get(level) ?? spansOnLevel(spans, layout, level);
  known.set(level, made);
  return made;
}

/** The pixels of a level that a box touches, and one more around them, for outlines. */
function onLevel([x1, y1, x2, y2]: Box, level: number): Box {
  const step = 2 ** level;
  return [Math.floor(x1 / step) - 1, Math.floor(y1 / step) - 1, Math.ceil(x2 / step) + 1, Math.ceil(y2 / step) + 1];
}

const within = (a: Box, b: Box): Box => [Math.max(a[0], b[0]), Math.max(a[1], b[1]), Math.min(a[2], b[2]), Math.min(a[3], b[3])];
const around = (a: Box, b: Box): Box => [Math.min(a[0], b[0]), Math.min(a[1], b[1]), Math.max(a[2], b[2]), Math.max(a[3], b[3])];
