import { planeSize, type Plane } from "../domain/coordinates";
import { greyTable, paintColour, paintGrey, type GreyTable } from "../domain/window";
import type { ReviewState } from "../state/review_state";
import { SlabSource } from "./slab_source";

/** The windowed pixels of one plane, redrawn only when something that shows has changed. */
export class ImageLayer {
  readonly canvas: HTMLCanvasElement;
  private readonly pixels: ImageData;
  private drawn = "";
  private table: GreyTable | null = null;
  private tableOf = "";
  private readonly source: SlabSource;

  constructor(
    private readonly state: ReviewState,
    plane: Plane,
  ) {
    const { width, height } = planeSize(plane, state.facts.grid);
    this.canvas = Object.assign(document.createElement("canvas"), { width, height });
    this.pixels = new ImageData(width, height);
    this.source = new SlabSource(state, plane);
  }

  /** Brings the layer up to date; false while there is nothing to show of this slice. */
  update(slice: number): boolean {
    const { looks } = this.state;
    const have = this.source.have(slice);
    if (have === 0) return false;
    const window = `${looks.window.low}/${looks.window.high}/${looks.inverted}/${this.isColour ? "" : looks.colours}`;
    const key = `${looks.t}/${slice}/${window}/${looks.channel}/${have}/${this.source.key(slice)}`;
    if (key === this.drawn) return true;
    const plane = this.source.pixels(slice);
    if (!plane) return false;
    this.drawn = key;
    this.paint(plane.samples, window);
    return true;
  }

  /** What has colours of its own keeps them. */
  private get isColour(): boolean {
    return this.state.looks.channel === null && this.state.facts.channels === 3;
  }

  private paint(samples: Parameters<typeof paintGrey>[1], window: string): void {
    const { looks, facts } = this.state;
    if (this.tableOf !== window) {
      this.table = greyTable(facts.type, looks.window, looks.inverted, this.isColour ? "grey" : looks.colours);
      this.tableOf = window;
    }
    const out = new Uint32Array(this.pixels.data.buffer);
    if (this.isColour) paintColour(out, samples, this.table!);
    else {
      const from = (looks.channel ?? 0) * out.length;
      paintGrey(out, samples.subarray(from, from + out.length), this.table!);
    }
    this.canvas.getContext("2d")!.putImageData(this.pixels, 0, 0);
  }
}
