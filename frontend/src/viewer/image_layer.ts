import { planeSize, type Plane } from "../domain/coordinates";
import { greyTable, paintColour, paintGrey, type GreyTable } from "../domain/window";
import type { ReviewState } from "../state/review_state";

/** The windowed pixels of one plane, redrawn only when something that shows has changed. */
export class ImageLayer {
  readonly canvas: HTMLCanvasElement;
  private readonly pixels: ImageData;
  private drawn = "";
  private table: GreyTable | null = null;
  private tableOf = "";

  constructor(
    private readonly state: ReviewState,
    private readonly plane: Plane,
  ) {
    const { width, height } = planeSize(plane, state.facts.grid);
    this.canvas = Object.assign(document.createElement("canvas"), { width, height });
    this.pixels = new ImageData(width, height);
  }

  /** Brings the layer up to date; false while there is nothing to show of this slice. */
  update(slice: number): boolean {
    const { looks, volume } = this.state;
    const have = this.plane === "axial" ? Number(volume.has(looks.t, slice)) : volume.count(looks.t);
    if (have === 0) return false;
    const window = `${looks.window.low}/${looks.window.high}/${looks.inverted}`;
    const key = `${looks.t}/${slice}/${window}/${looks.channel}/${have}`;
    if (key === this.drawn) return true;
    const plane = volume.plane(this.plane, looks.t, slice);
    if (!plane) return false;
    this.drawn = key;
    this.paint(plane.samples, plane.channels, window);
    return true;
  }

  private paint(samples: Parameters<typeof paintGrey>[1], channels: number, window: string): void {
    const { looks, facts } = this.state;
    if (this.tableOf !== window) {
      this.table = greyTable(facts.type, looks.window, looks.inverted);
      this.tableOf = window;
    }
    const out = new Uint32Array(this.pixels.data.buffer);
    if (looks.channel === null && channels === 3) paintColour(out, samples, this.table!);
    else {
      const from = (looks.channel ?? 0) * out.length;
      paintGrey(out, samples.subarray(from, from + out.length), this.table!);
    }
    this.canvas.getContext("2d")!.putImageData(this.pixels, 0, 0);
  }
}
