import { planeSize, type Plane } from "../domain/coordinates";
import { edge } from "../domain/edges";
import { Over } from "../domain/over";
import { boundariesUpTo, clipBox, type Box, type Spans } from "../domain/spans";
import type { ReviewState } from "../state/review_state";
import { findingColour, type Colour } from "./palette";
import type { PlaneMask } from "./plane_masks";

const EDGE_ALPHA = 0.85;

/** The fills of all masks of a plane as one picture, composed again only inside boxes that changed. */
export class MaskLayer {
  readonly canvas: HTMLCanvasElement;
  private readonly pixels: ImageData;
  private readonly words: Uint32Array;
  private readonly width: number;
  private readonly height: number;

  constructor(
    private readonly state: ReviewState,
    plane: Plane,
  ) {
    ({ width: this.width, height: this.height } = planeSize(plane, state.facts.grid));
    this.canvas = Object.assign(document.createElement("canvas"), { width: this.width, height: this.height });
    this.pixels = new ImageData(this.width, this.height);
    this.words = new Uint32Array(this.pixels.data.buffer);
  }

  /** Composes the masks inside `box`, or everywhere; `edges` draws outlines into the picture. */
  compose(masks: readonly PlaneMask[], box: Box | null, edges: boolean): void {
    const within = clipBox(box ?? [0, 0, this.width, this.height], this.width, this.height);
    const [x1, y1, x2, y2] = within;
    if (x2 <= x1 || y2 <= y1) return;
    for (let y = y1; y < y2; y++) this.words.fill(0, y * this.width + x1, y * this.width + x2);
    for (const mask of masks) {
      if (!meet(mask.box, within)) continue;
      const colour = findingColour(this.state, mask.finding);
      const { opacity } = this.state.looks;
      const fill = mask.finding === this.state.selected ? Math.min(1, opacity * 1.5) : opacity;
      this.fill(mask.spans, colour, fill, within);
      if (edges) this.fill(edgeOf(mask.spans, this.width), colour, EDGE_ALPHA, within);
    }
    this.canvas.getContext("2d")!.putImageData(this.pixels, 0, 0, x1, y1, x2 - x1, y2 - y1);
  }

  private fill(spans: Spans, colour: Colour, alpha: number, [x1, y1, x2, y2]: Box): void {
    const over = new Over(colour, alpha);
    let k = boundariesUpTo(spans, y1 * this.width);
    k -= k & 1;
    const stop = y2 * this.width;
    for (; k < spans.length && spans[k] < stop; k += 2) {
      let at = Math.max(spans[k], y1 * this.width);
      const end = Math.min(spans[k + 1], stop);
      while (at < end) {
        const row = Math.floor(at / this.width) * this.width;
        const rowEnd = Math.min(end, row + this.width);
        this.blend(Math.max(at, row + x1), Math.min(rowEnd, row + x2), over);
        at = rowEnd;
      }
    }
  }

  private blend(from: number, to: number, over: Over): void {
    const { words } = this;
    for (let at = from; at < to; at++) words[at] = over.on(words[at]);
  }
}

const edges = new WeakMap<Spans, Spans>();

/** Made once per mask, as masks never change in place. */
function edgeOf(spans: Spans, width: number): Spans {
  let known = edges.get(spans);
  if (!known) edges.set(spans, (known = edge(spans, width)));
  return known;
}

export const meet = (a: Box, b: Box): boolean => a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];
