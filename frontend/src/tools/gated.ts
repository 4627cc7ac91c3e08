import { planeSize } from "../domain/coordinates";
import { piecesToSlices } from "../domain/planes";
import type { Piece } from "../domain/brush";
import type { Box, Spans } from "../domain/spans";
import { areaOf } from "../domain/tiles";
import { alikeOnly } from "../domain/values";
import type { Pixels } from "../domain/slicecodec";
import type { Region } from "../state/tiles";
import { BrushTool } from "./paint";
import type { ToolEvent } from "./tool";

// Of a large picture the values so far around the pointer are brought in, and again when it comes near their edge.
const AROUND_PX = 1024;
const NEAR_PX = 384;

/** A brush that paints only what is like the pixel on which it was put down. */
export class GatedTool extends BrushTool {
  override readonly name = "gated";
  private picture: Region | null = null;
  private centre: readonly number[] = [];
  private isCut = false;

  override down(event: ToolEvent): void {
    const { volume, looks, facts } = this.state;
    const { width, height } = planeSize(event.plane, facts.grid);
    const [u, v] = [Math.floor(event.image.u), Math.floor(event.image.v)];
    const isOutside = u < 0 || v < 0 || u >= width || v >= height;
    this.picture = isOutside ? null : volume.region(event.plane, looks.t, event.slice, volume.tiles ? around(event, AROUND_PX) : [0, 0, width, height]);
    if (!isOutside && !this.picture) this.state.told("loading");
    if (!this.picture) return;
    const { samples, channels, box } = this.picture;
    const pixels = areaOf(box);
    const shown = looks.channel === null ? Array.from({ length: channels }, (_, c) => c) : [looks.channel];
    // The brush looks at the shown channels alone: the rest is cut away, so that both count alike.
    if (looks.channel !== null) this.picture = { ...this.picture, samples: samples.subarray(looks.channel * pixels) as Pixels };
    this.centre = shown.map((c) => samples[c * pixels + (v - box[1]) * (box[2] - box[0]) + u - box[0]]);
    this.isCut = false;
    super.down(event);
  }

  override hover(event: ToolEvent | null): void {
    super.hover(event);
    if (!event || !this.state.volume.tiles) return;
    const { tiles } = this.state.volume;
    if (!tiles.holds(around(event, NEAR_PX))) tiles.region(around(event, AROUND_PX));
  }

  protected override stamp(from: ToolEvent, to: ToolEvent): Map<number, Spans> {
    const { facts, tools, looks, volume } = this.state;
    // The values around the pointer may have come meanwhile; what is alike stays what it was.
    if (volume.tiles) this.picture = this.shownOf(volume.tiles.held) ?? this.picture;
    if (!this.picture) return new Map();
    const tolerance = ((looks.window.high - looks.window.low) * tools.tolerance) / 100;
    const { box, samples } = this.picture;
    const drawn = this.capsuleOf(from, to);
    const inside = piecesIn(drawn, box);
    if (!this.isCut && lengthOf(inside) < lengthOf(drawn)) {
      this.isCut = true;
      this.state.told("loading");
    }
    const alike = alikeOnly(inside, samples, this.centre, tolerance, { width: box[2] - box[0], height: box[3] - box[1] });
    const pieces = alike.map(([v, u1, u2]): Piece => [v + box[1], u1 + box[0], u2 + box[0]]);
    return piecesToSlices(pieces, to.plane, to.slice, facts.grid);
  }

  private shownOf(region: Region | null): Region | null {
    const { channel } = this.state.looks;
    if (!region || channel === null) return region;
    return { ...region, samples: region.samples.subarray(channel * areaOf(region.box)) as Pixels };
  }
}

function around({ image }: ToolEvent, reach: number): Box {
  const [u, v] = [Math.floor(image.u), Math.floor(image.v)];
  return [u - reach, v - reach, u + reach, v + reach];
}

/** Pieces inside a box, counted from its corner. */
function piecesIn(pieces: readonly Piece[], [x1, y1, x2, y2]: Box): Piece[] {
  const within = ([v, u1, u2]: Piece): Piece => [v - y1, Math.max(u1, x1) - x1, Math.min(u2, x2) - x1];
  return pieces.filter(([v]) => v >= y1 && v < y2).map(within).filter(([, u1, u2]) => u1 < u2);
}

const lengthOf = (pieces: readonly Piece[]): number => pieces.reduce((sum, [, u1, u2]) => sum + u2 - u1, 0);
