import { planeSize, sliceOf, type Plane } from "../domain/coordinates";
import { clipBox, type Box, type Spans } from "../domain/spans";
import { applyBand, bandOn, firstBand } from "../state/actions/threshold";
import type { ReviewState } from "../state/review_state";
import type { Shape } from "../state/shapes";
import { boxBetween } from "./areas";
import { PlainTool, type ToolEvent } from "./tool";

const SMALLEST_PX = 4;
// So many steps lead from one end of the values to the other.
const STEPS = 128;

/**
 * Offers all grey values of a band as a mask, in a drawn rectangle or in all of the slice or volume.
 * Enter makes it one step in the history, Escape drops it. Nothing of the case changes before.
 */
export class ThresholdTool extends PlainTool {
  readonly name = "threshold";
  override readonly draws = true;
  private from: ToolEvent | null = null;
  private to: ToolEvent | null = null;
  private readonly seen = new Map<Plane, { key: string; mask: Spans | null }>();

  override taken(): void {
    this.begin(this.state.looks.plane, null);
  }

  override down(event: ToolEvent): void {
    this.from = this.to = event;
  }

  override move(event: ToolEvent): void {
    if (!this.from || event.plane !== this.from.plane) return;
    this.to = event;
    this.state.setTools({});
  }

  override up(event: ToolEvent): void {
    this.move(event);
    const { from, to } = this;
    this.from = this.to = null;
    if (!from || !to) return;
    const [across, along] = [Math.abs(to.canvas.x - from.canvas.x), Math.abs(to.canvas.y - from.canvas.y)];
    if (across < SMALLEST_PX && along < SMALLEST_PX) return this.begin(from.plane, null);
    const { width, height } = planeSize(from.plane, this.state.facts.grid);
    const box = clipBox(boxBetween(from.image, to.image), width, height);
    if (box[0] < box[2] && box[1] < box[3]) this.begin(from.plane, box);
  }

  override finish(): void {
    const { band } = this.state;
    if (!band) return this.begin(this.state.looks.plane, null);
    const outcome = applyBand(this.state, band);
    if (outcome === "done") this.state.offer(null);
    this.state.told(outcome);
  }

  override cancel(): boolean {
    const going = this.from !== null || this.state.band !== null;
    this.from = this.to = null;
    this.seen.clear();
    this.state.volume.tiles?.release();
    if (going) this.state.offer(null);
    return going;
  }

  override shapes(plane: Plane): readonly Shape[] {
    if (this.from && this.to) return this.from.plane === plane ? [{ kind: "box", box: boxBetween(this.from.image, this.to.image) }] : [];
    const { band } = this.state;
    if (!band) return [];
    const mask = this.offered(plane);
    const box: Shape[] = band.box && band.plane === plane ? [{ kind: "box", box: band.box }] : [];
    return mask ? [{ kind: "wash", mask }, ...box] : box;
  }

  /** Moves an end of the band by steps; the other end gives way. */
  nudge(end: "low" | "high", steps: number): void {
    const { band } = this.state;
    if (band) this.moveTo(end, band[end] + steps * Math.max(1, Math.round((band.most - band.least) / STEPS)));
  }

  moveTo(end: "low" | "high", value: number): void {
    const { band } = this.state;
    if (!band) return;
    const to = Math.min(band.most, Math.max(band.least, value));
    this.state.offer(end === "low" ? { ...band, low: to, high: Math.max(to, band.high) } : { ...band, high: to, low: Math.min(to, band.low) });
  }

  private begin(plane: Plane, drawn: Box | null): void {
    const { state } = this;
    const { tiles } = state.volume;
    // Of a large picture the values are fetched: what is in sight stands for all of it.
    const box = drawn ?? (tiles ? inPicture(state) : null);
    const isTooLarge = tiles !== null && box !== null && tiles.isTooLarge(box);
    const band = isTooLarge ? null : firstBand(state, plane, box);
    state.offer(band);
    if (isTooLarge) state.told("tooLarge");
    else if (!band && !tiles) state.told("loading");
    else if (!band && tiles && box) void tiles.bring(box).then((region) => region && this.goOn(plane, box));
  }

  /** The values have come: unless the person went on to something else, this is what they were for. */
  private goOn(plane: Plane, box: Box): void {
    const { state } = this;
    if (state.tools.tool === this.name && state.editable && !state.band && !this.from) this.begin(plane, box);
  }

  private offered(plane: Plane): Spans | null {
    const { state } = this;
    const { band, looks, tools } = state;
    if (!band) return null;
    const slice = sliceOf(plane, looks.cursor);
    const at = sliceOf(band.plane, looks.cursor);
    const here = state.volume.tiles && band.box ? Number(state.volume.tiles.region(band.box) !== null) : state.volume.count(looks.t);
    const key = [looks.t, slice, at, looks.channel, tools.reach, band.low, band.high, band.plane, band.box, here].join();
    const known = this.seen.get(plane);
    if (known?.key === key) return known.mask;
    const mask = bandOn(state, band, plane, slice);
    this.seen.set(plane, { key, mask });
    return mask;
  }
}

/** What of the picture is in sight, in whole pixels. */
function inPicture({ sights, facts }: ReviewState): Box {
  const { width, height } = planeSize("axial", facts.grid);
  const [x1, y1, x2, y2] = sights.axial ?? [0, 0, width, height];
  return clipBox([Math.floor(x1), Math.floor(y1), Math.ceil(x2), Math.ceil(y2)], width, height);
}
