import { tileBox, tileKey, type TileAt, type TileLayout } from "../domain/tiles";

type Painted = { readonly canvas: HTMLCanvasElement; of: string };

// So many of those that are not in sight stay painted, 1 MB each.
const SPARE = 24;

/** Pictures of tiles, painted again only when something that shows has changed. */
export class TilePictures {
  private readonly painted = new Map<string, Painted>();

  constructor(private readonly layout: TileLayout) {}

  /** The picture that was painted last, whatever of. */
  known(at: TileAt): HTMLCanvasElement | null {
    return this.painted.get(tileKey(at))?.canvas ?? null;
  }

  /** The picture of a tile as `of` names it; `paint` fills its packed pixels. */
  picture(at: TileAt, of: string, paint: (out: Uint32Array) => void): HTMLCanvasElement {
    const key = tileKey(at);
    const known = this.painted.get(key) ?? this.blank(at);
    this.painted.delete(key);
    this.painted.set(key, known);
    if (known.of === of) return known.canvas;
    const { width, height } = known.canvas;
    const pixels = new ImageData(width, height);
    paint(new Uint32Array(pixels.data.buffer));
    known.canvas.getContext("2d")!.putImageData(pixels, 0, 0);
    known.of = of;
    return known.canvas;
  }

  /** Lets go of what was not used for long, beyond those in use. */
  keep(inUse: number): void {
    for (const [key, { canvas }] of this.painted) {
      if (this.painted.size <= inUse + SPARE) return;
      // An empty canvas gives its memory back at once, not when it is collected.
      canvas.width = canvas.height = 0;
      this.painted.delete(key);
    }
  }

  private blank(at: TileAt): Painted {
    const [x1, y1, x2, y2] = tileBox(this.layout, at);
    return { canvas: Object.assign(document.createElement("canvas"), { width: x2 - x1, height: y2 - y1 }), of: "" };
  }
}
