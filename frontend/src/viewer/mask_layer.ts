import { planeSize, type Plane } from "../domain/coordinates";
import { clipBox, type Box } from "../domain/spans";
import type { ReviewState } from "../state/review_state";
import type { Sight } from "../state/sight";
import { edgeOf, fillSpans, meet, wider, type Part } from "./blend";
import { bands, type Budget } from "./budget";
import { boxInSight, stretched } from "./drawing";
import { FillTiles, type Fill } from "./fill_tiles";
import { findingColour } from "./palette";
import type { PlaneMask } from "./plane_masks";

const EDGE_ALPHA = 0.85;

/** The fills of all masks of a plane. What was drawn before is kept as long as its key is the same, but for spoilt boxes. */
export class MaskLayer {
  private readonly whole: WholeFills | null = null;
  private readonly tiled: FillTiles | null = null;
  private composed = "";
  private edged = false;
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

  /** `edges` draws outlines into the picture; what the budget does not allow comes with the next frames. */
  draw(sight: Sight, masks: readonly PlaneMask[], slice: number, edges: boolean, budget: Budget): void {
    const { looks, selected } = this.state;
    const key = `${looks.t}/${slice}/${looks.opacity}`;
    const isOther = edges !== this.edged;
    const boxes = key === this.composed ? this.dirty.map(wider) : null;
    const fill = (mask: PlaneMask): Fill => ({
      colour: findingColour(this.state, mask.finding),
      alpha: mask.finding === selected ? Math.min(1, looks.opacity * 1.5) : looks.opacity,
      edge: edges ? EDGE_ALPHA : 0,
    });
    if (this.whole) {
      if (isOther) this.whole.edgesChanged(boxInSight(sight));
      this.whole.compose(masks, boxes, fill, budget);
      stretched(sight, this.whole.canvas, false);
    } else this.tiled!.draw(sight, masks, isOther ? null : boxes, fill);
    this.composed = key;
    this.edged = edges;
    this.dirty = [];
  }
}

/** All fills as one picture, composed again only inside boxes that changed. */
class WholeFills {
  readonly canvas: HTMLCanvasElement;
  private readonly pixels: ImageData;
  private readonly part: Part;
  /** Where outlines still lie in the picture that are drawn as lines by now, or the other way about. */
  private stale: Box[] = [];

  constructor(private readonly size: { readonly width: number; readonly height: number }) {
    const { width, height } = size;
    this.canvas = Object.assign(document.createElement("canvas"), { width, height });
    this.pixels = new ImageData(width, height);
    this.part = { words: new Uint32Array(this.pixels.data.buffer), x: 0, y: 0, stride: width };
  }

  /** All of it shows the edges wrongly now; what is in sight is mended first. */
  edgesChanged(within: Box): void {
    this.stale = bands(this.size, within);
  }

  compose(masks: readonly PlaneMask[], boxes: readonly Box[] | null, fill: (mask: PlaneMask) => Fill, budget: Budget): void {
    const { width, height } = this.size;
    if (boxes === null) {
      this.within(masks, [0, 0, width, height], fill);
      this.stale = [];
      return;
    }
    for (const box of boxes) this.within(masks, clipBox(box, width, height), fill);
    this.stale = this.stale.filter((box) => !budget.spend(() => this.within(masks, box, fill)));
  }

  private within(masks: readonly PlaneMask[], box: Box, fill: (mask: PlaneMask) => Fill): void {
    const [x1, y1, x2, y2] = box;
    const { width } = this.size;
    if (x2 <= x1 || y2 <= y1) return;
    for (let y = y1; y < y2; y++) this.part.words.fill(0, y * width + x1, y * width + x2);
    for (const mask of masks) {
      if (!meet(mask.box, box)) continue;
      const { colour, alpha, edge } = fill(mask);
      fillSpans(this.part, mask.spans, width, colour, alpha, box);
      if (edge > 0) fillSpans(this.part, edgeOf(mask.spans, width), width, colour, edge, box);
    }
    this.canvas.getContext("2d")!.putImageData(this.pixels, 0, 0, x1, y1, x2 - x1, y2 - y1);
  }
}
