import { planeSize, type ImagePoint, type Plane } from "../domain/coordinates";
import { holeAt, similarRegion } from "../domain/flood";
import { piecesToSlices } from "../domain/planes";
import { fillPolygon } from "../domain/polygon";
import type { Pixels } from "../domain/slicecodec";
import { boundingBox, clipBox, type Box, type Spans } from "../domain/spans";
import { areaOf, spansFrom } from "../domain/tiles";
import { addTo, eraseFrom, finishStroke, strokeTarget } from "../state/actions/paint";
import { reviewBox } from "../state/actions/reviewed";
import type { Shape } from "../state/shapes";
import { erased } from "./paint";
import { PlainTool, type ToolEvent } from "./tool";

// A drag longer than this is a lasso; shorter, it is a corner.
const LASSO_PX = 6;
const CLOSING_PX = 9;
// So far around the pointer a large picture is filled at first; two doublings make the most that is looked at.
const FIRST_PX = 512;

/**
 * Corner by corner, or freehand while the button is down. Closing at the first corner, Enter or a
 * double click fills it; begun with alt, it cuts.
 */
export class PolygonTool extends PlainTool {
  readonly name = "polygon";
  override readonly draws = true;
  private corners: ToolEvent[] = [];
  private over: ToolEvent | null = null;
  private pressed = false;
  private free = false;

  override down(event: ToolEvent): void {
    const [first] = this.corners;
    if (first && (first.plane !== event.plane || first.slice !== event.slice)) this.corners = [];
    if (first && this.corners.length > 2 && near(first, event, CLOSING_PX)) return this.finish();
    this.corners.push(event);
    this.pressed = true;
    this.free = false;
  }

  override move(event: ToolEvent): void {
    this.hover(event);
    const last = this.corners[this.corners.length - 1];
    if (!this.pressed || !last || near(last, event, this.free ? 2 : LASSO_PX)) return;
    this.free = true;
    this.corners.push(event);
  }

  override up(): void {
    this.pressed = false;
    if (this.free) this.finish();
  }

  override hover(event: ToolEvent | null): void {
    this.over = event;
    this.state.point(event && { plane: event.plane, at: event.canvas, voxel: event.voxel });
  }

  override finish(): void {
    const corners = this.corners;
    this.cancel();
    if (corners.length < 3) return;
    const [{ plane, slice, alt, shift, voxel }] = corners;
    const pieces = fillPolygon(corners.map((corner) => corner.image), planeSize(plane, this.state.facts.grid));
    const drawn = this.state.onMoment(piecesToSlices(pieces, plane, slice, this.state.facts.grid));
    const findings = alt ? erased(this.state, voxel) : [strokeTarget(this.state, { ...voxel, joins: shift }).number];
    this.state.draft.extend(alt ? eraseFrom(this.state, findings, drawn) : addTo(this.state, findings[0], drawn));
    finishStroke(this.state, findings, alt ? "cut" : "polygon");
  }

  override cancel(): boolean {
    const going = this.corners.length > 0;
    this.corners = [];
    this.pressed = false;
    this.free = false;
    if (going) this.state.setTools({});
    return going;
  }

  override shapes(plane: Plane): readonly Shape[] {
    const [first] = this.corners;
    if (!first || first.plane !== plane) return [];
    const points = this.corners.map((corner) => corner.image);
    const tail = this.over && !this.free ? [this.over.image] : [];
    return [{ kind: "line", points: [...points, ...tail], closed: this.free }];
  }
}

/** Fills a hole of the selected mask, or the connected region of like grey under the pointer. */
export class FillTool extends PlainTool {
  readonly name = "fill";
  override readonly draws = true;

  override down(event: ToolEvent): void {
    if (event.plane !== "axial") return;
    const { nx, ny } = this.state.facts.grid;
    const [x, y] = [Math.floor(event.voxel.x), Math.floor(event.voxel.y)];
    if (x < 0 || y < 0 || x >= nx || y >= ny) return;
    if (this.state.tools.fillBy === "hole") return this.fill(event, this.hole(y * nx + x, event.slice));
    this.alike(event, x, y, this.state.volume.tiles ? FIRST_PX : Math.max(nx, ny));
  }

  private fill(event: ToolEvent, region: Spans | null): void {
    if (!region || region.length === 0) return;
    const { state } = this;
    const { number } = strokeTarget(state, { ...event.voxel, joins: event.shift || state.tools.fillBy === "hole" });
    state.draft.extend(addTo(state, number, new Map([[state.here(event.slice), region]])));
    finishStroke(state, [number], "fill");
  }

  private hole(seed: number, z: number): Spans | null {
    const target = this.state.target();
    const { nx, ny } = this.state.facts.grid;
    return target === null ? null : holeAt(this.state.document.mask(target, this.state.here(z)), seed, { width: nx, height: ny });
  }

  /** Fills among the values `reach` around the pointer; where that proves too little, among more of them. */
  private alike(event: ToolEvent, x: number, y: number, reach: number): void {
    const { looks, volume, facts, tools } = this.state;
    const { nx, ny } = facts.grid;
    const box = clipBox([x - reach, y - reach, x + reach, y + reach], nx, ny);
    if (volume.tiles?.isTooLarge(box)) return this.state.told("tooLarge");
    const region = volume.region("axial", looks.t, event.slice, box);
    if (!region) return this.later(box, () => this.alike(event, x, y, reach));
    const [x1, y1, x2, y2] = region.box;
    const field = { width: x2 - x1, height: y2 - y1 };
    const range = ((looks.window.high - looks.window.low) * tools.tolerance) / 100;
    const channel = region.samples.subarray((looks.channel ?? 0) * areaOf(region.box)) as Pixels;
    const local = similarRegion(channel, (y - y1) * field.width + x - x1, range, field);
    const found = boundingBox(local, field.width) ?? ([0, 0, 0, 0] as const);
    const goesOn = (x1 > 0 && found[0] === 0) || (y1 > 0 && found[1] === 0) || (x2 < nx && found[2] === field.width) || (y2 < ny && found[3] === field.height);
    if (goesOn) this.alike(event, x, y, Math.max(reach, (x2 - x1) / 2, (y2 - y1) / 2) * 2);
    else this.fill(event, spansFrom(local, region.box, nx));
  }

  /** Goes on when the values of a large picture are here, unless the person does something else meanwhile. */
  private later(box: Box, then: () => void): void {
    const { state } = this;
    const { tiles } = state.volume;
    if (!tiles) return;
    const last = state.history.undoable;
    void tiles.bring(box).then((region) => {
      const isStill = state.tools.tool === this.name && state.editable && !state.draft.active && state.history.undoable === last;
      if (region && isStill) then();
    });
  }
}

/** A rectangle of one slice that has been looked at; with alt the mark is taken away. */
export class ReviewedTool extends PlainTool {
  readonly name = "reviewed";
  override readonly draws = true;
  private from: ToolEvent | null = null;
  private to: ToolEvent | null = null;

  override down(event: ToolEvent): void {
    if (event.plane === "axial") this.from = this.to = event;
  }

  override move(event: ToolEvent): void {
    if (!this.from) return;
    this.to = event;
    this.state.setTools({});
  }

  override up(event: ToolEvent): void {
    const box = this.box();
    const from = this.from;
    this.cancel();
    if (!box || !from || box[2] - box[0] < 2 || box[3] - box[1] < 2) return;
    reviewBox(this.state, box, this.state.here(event.slice), !from.alt);
  }

  override cancel(): boolean {
    const going = this.from !== null;
    this.from = this.to = null;
    return going;
  }

  override shapes(plane: Plane): readonly Shape[] {
    const box = plane === "axial" ? this.box() : null;
    return box ? [{ kind: "box", box }] : [];
  }

  private box(): Box | null {
    return this.from && this.to && boxBetween(this.from.image, this.to.image);
  }
}

export function boxBetween(a: ImagePoint, b: ImagePoint): Box {
  return [
    Math.round(Math.min(a.u, b.u)),
    Math.round(Math.min(a.v, b.v)),
    Math.round(Math.max(a.u, b.u)),
    Math.round(Math.max(a.v, b.v)),
  ];
}

const near = (a: ToolEvent, b: ToolEvent, reach: number): boolean =>
  Math.hypot(a.canvas.x - b.canvas.x, a.canvas.y - b.canvas.y) <= reach;
