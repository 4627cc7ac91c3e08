import { planeSize, type Plane } from "../domain/coordinates";
import { heatTable } from "../domain/heat";
import type { Pixels } from "../domain/slicecodec";
import type { ReviewState } from "../state/review_state";
import type { Sight } from "../state/sight";
import type { Heat } from "../state/uncertainty";
import { Volume } from "../state/volume";
import { stretched } from "./drawing";
import { loadPixels } from "./loading";
import type { PixelLoader, Source } from "./source";
import { TiledLayer, type Paint } from "./tiled_layer";

export { heatGradient } from "../domain/heat";

type Layer = { readonly canvas: HTMLCanvasElement; readonly pixels: ImageData; drawn: string };

/** The map of uncertainty as pictures of planes. Its bytes are fetched from the first moment on. */
export class HeatMap implements Heat {
  private readonly volume: Volume;
  private readonly loader: PixelLoader;
  private readonly layers = new Map<Plane, Layer>();
  private readonly tiled: TiledLayer | null;
  private table = heatTable(0);
  private tableOf = 0;

  constructor(
    private readonly state: ReviewState,
    source: Source,
  ) {
    const facts = { ...state.facts, type: "uint8" as const, channels: 1 };
    const volume = new Volume(facts);
    this.volume = volume;
    this.tiled = volume.tiles && new TiledLayer(volume.tiles);
    this.loader = loadPixels({ topics: state.topics, facts, volume, get looks() { return state.looks; } }, source);
  }

  stop(): void {
    this.loader.stop();
  }

  retry(): void {
    this.loader.retry();
  }

  draw(sight: Sight, plane: Plane, slice: number): void {
    const { looks } = this.state;
    const table = this.colours();
    const paint = (out: Uint32Array, levels: Pixels): void => {
      for (let k = 0; k < out.length; k++) out[k] = table[levels[k]];
    };
    if (this.tiled) this.tiled.draw(sight, { key: String(looks.uncertainOpacity), paint }, looks.smooth);
    else {
      const picture = this.picture(plane, slice, paint);
      if (picture) stretched(sight, picture, looks.smooth);
    }
  }

  /** Null while there is nothing of this slice yet. */
  private picture(plane: Plane, slice: number, paint: Paint["paint"]): HTMLCanvasElement | null {
    const { looks } = this.state;
    const have = plane === "axial" ? Number(this.volume.has(looks.t, slice)) : this.volume.count(looks.t);
    if (have === 0) return null;
    const layer = this.layer(plane);
    const key = `${looks.t}/${slice}/${looks.uncertainOpacity}/${have}`;
    if (layer.drawn === key) return layer.canvas;
    const levels = this.volume.plane(plane, looks.t, slice)?.samples;
    if (!levels) return null;
    paint(new Uint32Array(layer.pixels.data.buffer), levels);
    layer.canvas.getContext("2d")!.putImageData(layer.pixels, 0, 0);
    layer.drawn = key;
    return layer.canvas;
  }

  private colours(): Uint32Array {
    const { uncertainOpacity } = this.state.looks;
    if (this.tableOf !== uncertainOpacity) this.table = heatTable((this.tableOf = uncertainOpacity));
    return this.table;
  }

  private layer(plane: Plane): Layer {
    const known = this.layers.get(plane);
    if (known) return known;
    const { width, height } = planeSize(plane, this.state.facts.grid);
    const canvas = Object.assign(document.createElement("canvas"), { width, height });
    const layer = { canvas, pixels: new ImageData(width, height), drawn: "" };
    this.layers.set(plane, layer);
    return layer;
  }
}
