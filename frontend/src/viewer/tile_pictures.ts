import { tileBox, tileKey, type TileAt, type TileLayout } from "../domain/tiles";

type Painted = { readonly canvas: HTMLCanvasElement; of: string };

// So many of those that are not in sight stay painted, 1 MB each.
const SPARE = 12;

/** Pictures of tiles, painted again only when something that shows has changed. */
export class TilePictures {
  private readonly painted = new Map<string, Painted>();
  private readonly easel = new Easel();

  constructor(private readonly layout: TileLayout) {}

  /** The picture of a tile as `of` names it; `paint` fills its packed pixels. */
  picture(at: TileAt, of: string, paint: (out: Uint32Array) => void): HTMLCanvasElement {
    const key = tileKey(at);
    const known = this.painted.get(key) ?? this.blank(at);
    this.painted.delete(key);
    this.painted.set(key, known);
    if (known.of === of) return known.canvas;
    const pixels = this.easel.pixels(known.canvas.width, known.canvas.height);
    paint(new Uint32Array(pixels.data.buffer));
    known.canvas.getContext("2d")!.putImageData(pixels, 0, 0);
    known.of = of;
    return known.canvas;
  }

  /** Lets go of what was not used for long, beyond those in use. */
  keep(inUse: number): void {
    for (const [key, { canvas }] of this.painted) {
      if (this.painted.size <= inUse + SPARE) return;
      this.easel.takeBack(canvas);
      this.painted.delete(key);
    }
  }

  private blank(at: TileAt): Painted {
    const [x1, y1, x2, y2] = tileBox(this.layout, at);
    return { canvas: this.easel.canvas(x2 - x1, y2 - y1), of: "" };
  }
}

/**
 * Canvases and pixels that are used again and again: a browser frees those that are thrown away
 * when it likes to, and whoever pans over a large picture would have hundreds.
 */
export class Easel {
  private readonly free = new Map<string, HTMLCanvasElement[]>();
  private scratch: ImageData | null = null;

  /** A canvas of this size; what is on it is anything. */
  canvas(width: number, height: number): HTMLCanvasElement {
    const known = this.free.get(`${width}x${height}`)?.pop();
    return known ?? Object.assign(document.createElement("canvas"), { width, height });
  }

  takeBack(canvas: HTMLCanvasElement): void {
    const size = `${canvas.width}x${canvas.height}`;
    const same = this.free.get(size) ?? [];
    this.free.set(size, same);
    same.push(canvas);
  }

  /** Pixels to paint in and hand over at once; what is in them is anything. */
  pixels(width: number, height: number): ImageData {
    if (this.scratch?.width !== width || this.scratch.height !== height) this.scratch = new ImageData(width, height);
    return this.scratch;
  }
}
