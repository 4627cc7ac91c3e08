import { emptyPixels, type Pixels, type PixelType } from "../domain/slicecodec";
import { clipBox, type Box } from "../domain/spans";
import { areaOf, covers, levelSize, tileBox, tileKey, tilesIn, type TileAt, type TileLayout } from "../domain/tiles";

/** Samples of a rectangle of a picture, channel by channel, row by row of the rectangle. */
export type Region = { readonly box: Box; readonly samples: Pixels; readonly channels: number };

type Wish = Region & { readonly open: Set<string>; readonly here: Promise<Region | null>; readonly settle: (region: Region | null) => void };

// Tiles in sight are always kept; beyond them those that were seen last, up to this.
const MOST_BYTES = 64 * 2 ** 20;
/** Tools look at so many pixels at once, 4,096 x 4,096: in colour these are 50 MB. */
export const MOST_REGION_PX = 2 ** 24;

/**
 * The tiles of a large picture as they come and go. What is in sight is asked for by the viewer,
 * what tools need by rectangles; the samples under the pointer come one tile at a time.
 */
export class Tiles {
  /** Hears that something is asked for. */
  asked: () => void = () => undefined;
  private readonly kept = new Map<string, Pixels>();
  private bytes = 0;
  private wanted: readonly TileAt[] = [];
  private wantedKeys: ReadonlySet<string> = new Set();
  private probed: TileAt | null = null;
  /** The rectangle that was asked for last, once it is here. */
  held: Region | null = null;
  private wish: Wish | null = null;

  constructor(
    readonly layout: TileLayout,
    readonly channels: number,
    readonly type: PixelType,
  ) {}

  get count(): number {
    return this.kept.size;
  }

  has(at: TileAt): boolean {
    return this.kept.has(tileKey(at));
  }

  get(at: TileAt): Pixels | null {
    const key = tileKey(at);
    const samples = this.kept.get(key);
    if (!samples) return null;
    this.kept.delete(key);
    this.kept.set(key, samples);
    return samples;
  }

  put(at: TileAt, samples: Pixels): void {
    const key = tileKey(at);
    if (this.kept.has(key)) return;
    if (this.wish?.open.delete(key)) this.fill(this.wish, at, samples);
    this.kept.set(key, samples);
    this.bytes += samples.byteLength;
    this.letGo();
    if (this.wish?.open.size === 0) this.grant(this.wish);
  }

  /** What should be here next, the most urgent first. */
  *missing(): Generator<TileAt> {
    if (this.probed && !this.has(this.probed)) yield this.probed;
    for (const at of this.wanted) if (!this.has(at)) yield at;
    for (const at of this.wish ? tilesIn(this.layout, 0, this.wish.box) : []) if (this.wish?.open.has(tileKey(at))) yield at;
  }

  /** Whether this tile is still of use to anybody. */
  isWanted(at: TileAt): boolean {
    const key = tileKey(at);
    return this.wantedKeys.has(key) || (this.wish?.open.has(key) ?? false) || (this.probed !== null && tileKey(this.probed) === key);
  }

  /** What is in sight, and around it, the most urgent first. */
  want(tiles: readonly TileAt[]): void {
    if (tiles.length === this.wanted.length && tiles.every((at) => this.wantedKeys.has(tileKey(at)))) return;
    this.wanted = tiles;
    this.wantedKeys = new Set(tiles.map(tileKey));
    this.letGo();
    this.asked();
  }

  /** The samples of one pixel; where they are not here they are asked for. */
  values(x: number, y: number): number[] | null {
    const at = { level: 0, row: Math.floor(y / this.layout.size), column: Math.floor(x / this.layout.size) };
    const samples = this.kept.get(tileKey(at));
    if (samples) {
      const [x1, y1, x2, y2] = tileBox(this.layout, at);
      const [width, pixels] = [x2 - x1, areaOf([x1, y1, x2, y2])];
      return Array.from({ length: this.channels }, (_, c) => samples[c * pixels + (y - y1) * width + x - x1]);
    }
    this.probed = at;
    this.asked();
    return null;
  }

  /** Whether the samples of a rectangle are here, or on their way. */
  holds(box: Box): boolean {
    const wanted = this.clipped(box);
    return (this.held !== null && covers(this.held.box, wanted)) || (this.wish !== null && covers(this.wish.box, wanted));
  }

  isTooLarge(box: Box): boolean {
    return areaOf(this.clipped(box)) > MOST_REGION_PX;
  }

  /** The samples of a rectangle, perhaps of a larger one around it; null while they are not here. */
  region(box: Box): Region | null {
    const wanted = this.clipped(box);
    if (this.held && covers(this.held.box, wanted)) return this.held;
    if (!this.wish || !covers(this.wish.box, wanted)) this.wishFor(wanted);
    return this.held && covers(this.held.box, wanted) ? this.held : null;
  }

  /** The same once it is here; null where another rectangle was asked for meanwhile. */
  bring(box: Box): Promise<Region | null> {
    const region = this.region(box);
    return region || !this.wish ? Promise.resolve(region) : this.wish.here;
  }

  /** Lets go of the samples that a tool needed. */
  release(): void {
    this.held = null;
    this.wish?.settle(null);
    this.wish = null;
  }

  private wishFor(box: Box): void {
    this.wish?.settle(null);
    this.wish = null;
    if (areaOf(box) === 0 || this.isTooLarge(box)) return;
    let settle: Wish["settle"] = () => undefined;
    const here = new Promise<Region | null>((resolve) => (settle = resolve));
    const samples = emptyPixels(this.type, areaOf(box) * this.channels);
    const wish: Wish = { box, samples, channels: this.channels, open: new Set(), here, settle };
    for (const at of tilesIn(this.layout, 0, box)) {
      const known = this.kept.get(tileKey(at));
      if (known) this.fill(wish, at, known);
      else wish.open.add(tileKey(at));
    }
    this.wish = wish;
    if (wish.open.size === 0) this.grant(wish);
    else this.asked();
  }

  private grant(wish: Wish): void {
    this.held = { box: wish.box, samples: wish.samples, channels: wish.channels };
    this.wish = null;
    wish.settle(this.held);
  }

  private fill({ box, samples }: Region, at: TileAt, tile: Pixels): void {
    const own = tileBox(this.layout, at);
    const [x1, y1, x2, y2] = clipBox(own, box[2], box[3]);
    const [left, top] = [Math.max(x1, box[0]), Math.max(y1, box[1])];
    const [from, to] = [own[2] - own[0], box[2] - box[0]];
    for (let c = 0; c < this.channels; c++) {
      for (let y = top; y < y2; y++) {
        const source = c * areaOf(own) + (y - own[1]) * from + left - own[0];
        samples.set(tile.subarray(source, source + x2 - left), c * areaOf(box) + (y - box[1]) * to + left - box[0]);
      }
    }
  }

  private clipped(box: Box): Box {
    const { width, height } = levelSize(this.layout, 0);
    return clipBox(box, width, height);
  }

  private letGo(): void {
    for (const [key, samples] of this.kept) {
      if (this.bytes <= MOST_BYTES) return;
      if (this.wantedKeys.has(key)) continue;
      this.kept.delete(key);
      this.bytes -= samples.byteLength;
    }
  }
}
