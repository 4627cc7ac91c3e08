import { planeSize, type Plane } from "../domain/coordinates";
import { boundingBox, EMPTY, type Spans } from "../domain/spans";
import type { ReviewState } from "../state/review_state";
import type { Sight } from "../state/sight";
import { stretched } from "./drawing";
import { FillTiles } from "./fill_tiles";
import type { Colour } from "./palette";

const STRENGTH = 0.55;

/** A mask that is offered, as a picture: its cost is its pixels', however ragged its outline. */
export class WashLayer {
  private picture: HTMLCanvasElement | null = null;
  private shown: Spans = EMPTY;
  private colour = "";
  private readonly size: { width: number; height: number };
  private readonly tiled: FillTiles | null;

  constructor(state: ReviewState, plane: Plane) {
    this.size = planeSize(plane, state.facts.grid);
    const { tiles } = state.volume;
    this.tiled = tiles && plane === "axial" ? new FillTiles(tiles.layout) : null;
  }

  draw(sight: Sight, mask: Spans, colour: Colour): void {
    const isSame = mask === this.shown && colour.join() === this.colour;
    this.shown = mask;
    this.colour = colour.join();
    if (!this.tiled) return stretched(sight, isSame && this.picture ? this.picture : this.painted(mask, colour), false);
    const box = boundingBox(mask, this.size.width) ?? ([0, 0, 0, 0] as const);
    this.tiled.draw(sight, [{ spans: mask, box }], isSame ? [] : null, () => ({ colour, alpha: STRENGTH, edge: 0 }));
  }

  private painted(mask: Spans, [red, green, blue]: Colour): HTMLCanvasElement {
    this.picture ??= Object.assign(document.createElement("canvas"), this.size);
    const pen = this.picture.getContext("2d")!;
    const image = pen.createImageData(this.size.width, this.size.height);
    const word = new Uint32Array(image.data.buffer);
    const packed = ((Math.round(STRENGTH * 255) << 24) | (blue << 16) | (green << 8) | red) >>> 0;
    for (let k = 0; k < mask.length; k += 2) word.fill(packed, mask[k], mask[k + 1]);
    pen.putImageData(image, 0, 0);
    return this.picture;
  }
}
