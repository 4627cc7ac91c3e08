import { planeSize, type Plane } from "../domain/coordinates";
import { EMPTY, type Spans } from "../domain/spans";
import type { ReviewState } from "../state/review_state";
import type { Colour } from "./palette";

const STRENGTH = 0.55;

/** A mask that is offered, as a picture: its cost is its pixels', however ragged its outline. */
export class WashLayer {
  private picture: HTMLCanvasElement | null = null;
  private shown: Spans = EMPTY;
  private colour = "";
  private readonly size: { width: number; height: number };

  constructor(state: ReviewState, plane: Plane) {
    this.size = planeSize(plane, state.facts.grid);
  }

  of(mask: Spans, colour: Colour): HTMLCanvasElement {
    this.picture ??= Object.assign(document.createElement("canvas"), this.size);
    if (mask === this.shown && colour.join() === this.colour) return this.picture;
    this.shown = mask;
    this.colour = colour.join();
    const pen = this.picture.getContext("2d")!;
    const image = pen.createImageData(this.size.width, this.size.height);
    const [red, green, blue] = colour;
    const word = new Uint32Array(image.data.buffer);
    const packed = ((Math.round(STRENGTH * 255) << 24) | (blue << 16) | (green << 8) | red) >>> 0;
    for (let k = 0; k < mask.length; k += 2) word.fill(packed, mask[k], mask[k + 1]);
    pen.putImageData(image, 0, 0);
    return this.picture;
  }
}
