import { planeSize } from "../domain/coordinates";
import { piecesToSlices } from "../domain/planes";
import type { Spans } from "../domain/spans";
import { alikeOnly } from "../domain/values";
import type { PlanePixels } from "../state/volume";
import { BrushTool } from "./paint";
import type { ToolEvent } from "./tool";

/** A brush that paints only what is like the pixel on which it was put down. */
export class GatedTool extends BrushTool {
  override readonly name = "gated";
  private picture: PlanePixels | null = null;
  private centre: readonly number[] = [];

  override down(event: ToolEvent): void {
    const { volume, looks, facts } = this.state;
    const { width, height } = planeSize(event.plane, facts.grid);
    const [u, v] = [Math.floor(event.image.u), Math.floor(event.image.v)];
    const isOutside = u < 0 || v < 0 || u >= width || v >= height;
    this.picture = isOutside ? null : volume.plane(event.plane, looks.t, event.slice);
    if (!this.picture) return;
    const { samples, channels } = this.picture;
    const shown = looks.channel === null ? Array.from({ length: channels }, (_, c) => c) : [looks.channel];
    // The brush looks at the shown channels alone: the rest is cut away, so that both count alike.
    if (looks.channel !== null) this.picture = { ...this.picture, samples: samples.subarray(looks.channel * width * height) as PlanePixels["samples"] };
    this.centre = shown.map((c) => samples[(c * height + v) * width + u]);
    super.down(event);
  }

  protected override stamp(from: ToolEvent, to: ToolEvent): Map<number, Spans> {
    const { facts, tools, looks } = this.state;
    if (!this.picture) return new Map();
    const tolerance = ((looks.window.high - looks.window.low) * tools.tolerance) / 100;
    const pieces = alikeOnly(this.capsuleOf(from, to), this.picture.samples, this.centre, tolerance, planeSize(to.plane, facts.grid));
    return piecesToSlices(pieces, to.plane, to.slice, facts.grid);
  }
}
