import { planeSize, type Plane } from "../domain/coordinates";
import type { Pixels } from "../domain/slicecodec";
import { greyTable, paintColour, paintGrey, type GreyTable } from "../domain/window";
import type { ReviewState } from "../state/review_state";
import type { Sight } from "../state/sight";
import { stretched } from "./drawing";
import { SlabSource } from "./slab_source";
import { TiledLayer, type Paint } from "./tiled_layer";

/** The windowed pixels of one plane, redrawn only when something that shows has changed. */
export class ImageLayer {
  private readonly whole: WholePicture | null = null;
  private readonly tiled: TiledLayer | null = null;
  private table: GreyTable | null = null;
  private tableOf = "";

  constructor(
    private readonly state: ReviewState,
    plane: Plane,
  ) {
    const { tiles } = state.volume;
    if (tiles && plane === "axial") this.tiled = new TiledLayer(tiles);
    else this.whole = new WholePicture(plane, state);
  }

  /** Draws the slice; false while there is nothing to show of it. */
  draw(sight: Sight, slice: number): boolean {
    const { looks } = this.state;
    const how = this.paint();
    if (this.tiled) return this.tiled.draw(sight, how, looks.smooth);
    if (!this.whole!.update(slice, how)) return false;
    stretched(sight, this.whole!.canvas, looks.smooth);
    return true;
  }

  private paint(): Paint {
    const { looks, facts } = this.state;
    // What has colours of its own keeps them.
    const isColour = looks.channel === null && facts.channels === 3;
    const window = `${looks.window.low}/${looks.window.high}/${looks.inverted}/${isColour ? "" : looks.colours}`;
    if (this.tableOf !== window) {
      this.table = greyTable(facts.type, looks.window, looks.inverted, isColour ? "grey" : looks.colours);
      this.tableOf = window;
    }
    const table = this.table!;
    const paint = (out: Uint32Array, samples: Pixels): void => {
      if (isColour) return paintColour(out, samples, table);
      const from = (looks.channel ?? 0) * out.length;
      paintGrey(out, samples.subarray(from, from + out.length) as Pixels, table);
    };
    return { key: `${window}/${looks.channel}`, paint };
  }
}

/** A plane as one picture: of its slice, or of the slab around it. */
class WholePicture {
  readonly canvas: HTMLCanvasElement;
  private readonly pixels: ImageData;
  private readonly source: SlabSource;
  private drawn = "";

  constructor(
    plane: Plane,
    private readonly state: ReviewState,
  ) {
    const { width, height } = planeSize(plane, state.facts.grid);
    this.canvas = Object.assign(document.createElement("canvas"), { width, height });
    this.pixels = new ImageData(width, height);
    this.source = new SlabSource(state, plane);
  }

  update(slice: number, how: Paint): boolean {
    const have = this.source.have(slice);
    if (have === 0) return false;
    const key = `${this.state.looks.t}/${slice}/${how.key}/${have}/${this.source.key(slice)}`;
    if (key === this.drawn) return true;
    const plane = this.source.pixels(slice);
    if (!plane) return false;
    how.paint(new Uint32Array(this.pixels.data.buffer), plane.samples);
    this.canvas.getContext("2d")!.putImageData(this.pixels, 0, 0);
    this.drawn = key;
    return true;
  }
}
