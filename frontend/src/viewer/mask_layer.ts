import { planeSize, type Plane } from "../domain/coordinates";
import { clipBox, type Box } from "../domain/spans";
import type { ReviewState } from "../state/review_state";
import type { Sight } from "../state/sight";
import { edgeOf, fillSpans, meet, wider, type Part } from "./blend";
import { stretched } from "./drawing";
import { FillTiles, type Fill } from "./fill_tiles";
import { findingColour } from "./palette";
import type { PlaneMask } from "./plane_masks";

const EDGE_ALPHA = 0.85;

/** The fills of all masks of a plane. What was drawn before is kept as long as its key is the same, but for spoilt boxes. */
export class MaskLayer {
  private readonly whole: WholeFills | null = null;
  private readonly tiled: FillTiles | null = null;
  private composed = "";
  private dirty: Box[] = [];

  constructor(
    private readonly state: ReviewState,
    plane: Plane,
  ) {
    const { tiles } = state.volume;
    if (tiles && plane === "axial") this.tiled = new FillTiles(tiles.layout);
    else this.whole = new WholeFills(planeSize(plane, state.facts.grid));
  }

  /** What has to be drawn again; everything where no box is named. */
  spoil(box: Box | null): void {
    if (box) this.dirty.push(box);
    else this.composed = "";
  }

  /** `edges` draws outlines into the picture. */
  draw(sight: Sight, masks: readonly PlaneMask[], slice: number, edges: boolean): void {
    const { looks, selected } = this.state;
    const key = `${looks.t}/${slice}/${edges}/${looks.opacity}`;
    const boxes = key === this.composed ? this.dirty.map(wider) : null;
    const fill = (mask: PlaneMask): Fill => ({
      colour: findingColour(this.state, mask.finding),
      alpha: mask.finding === selected ? Math.min(1, looks.opacity * 1.5) : looks.opacity,
      edge: edges ? EDGE_ALPHA : 0,
    });
    if (this.whole) {
      this.whole.compose(masks, boxes, fill);
      stretched(sight, this.whole.canvas, false);
    } else this.tiled!.draw(sight, masks, boxes, fill);
    this.composed = key;
    this.dirty = [];
  }
}

/** All fills as one picture, composed again only inside boxes that changed. */
class WholeFills {
  readonly canvas: HTMLCanvasElement;
  private readonly pixels: ImageData;
  private readonly part: Part;

  constructor(private readonly size: { readonly width: number; readonly height: number }) {
    const { width, height } = size;
    this.canvas = Object.assign(document.createElement("canvas"), { width, height });
    this.pixels = new ImageData(width, height);
    this.part = { bytes: this.pixels.data, x: 0, y: 0, stride: width };
  }

  compose(masks: readonly PlaneMask[], boxes: readonly Box[] | null, fill: (mask: PlaneMask) => Fill): void {
    const { width, height } = this.size;
    for (const box of boxes ?? [[0, 0, width, height] as const]) this.within(masks, clipBox(box, width, height), fill);
  }

  private within(masks: readonly PlaneMask[], box: Box, fill: (mask: PlaneMask) => Fill): void {
    const [x1, y1, x2, y2] = box;
    const { width } = this.size;
    if (x2 <= x1 || y2 <= y1) return;
    for (let y = y1; y < y2; y++) this.part.bytes.fill(0, 4 * (y * width + x1), 4 * (y * width + x2));
    for (const mask of masks) {
      if (!meet(mask.box, box)) continue;
      const { colour, alpha, edge } = fill(mask);
      fillSpans(this.part, mask.spans, width, colour, alpha, box);
      if (edge > 0) fillSpans(this.part, edgeOf(mask.spans, width), width, colour, edge, box);
    }
    this.canvas.getContext("2d")!.putImageData(this.pixels, 0, 0, x1, y1, x2 - x1, y2 - y1);
  }
}
