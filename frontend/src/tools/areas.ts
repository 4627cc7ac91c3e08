import { planeSize, type ImagePoint, type Plane } from "../domain/coordinates";
import { holeAt, similarRegion } from "../domain/flood";
import { piecesToSlices } from "../domain/planes";
import { fillPolygon } from "../domain/polygon";
import type { Box, Spans } from "../domain/spans";
import { addTo, eraseFrom, finishStroke, strokeTarget } from "../state/actions/paint";
import { reviewBox } from "../state/actions/reviewed";
import type { Shape } from "../state/shapes";
import { erased } from "./paint";
import { PlainTool, type ToolEvent } from "./tool";

// A drag longer than this is a lasso; shorter, it is a corner.
const LASSO_PX = 6;
const CLOSING_PX = 9;

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
    const { state } = this;
    const { nx, ny } = state.facts.grid;
    const z = event.slice;
    const seed = Math.floor(event.voxel.y) * nx + Math.floor(event.voxel.x);
    const region = state.tools.fillBy === "hole" ? this.hole(seed, z) : this.alike(seed, z);
    if (!region || region.length === 0 || event.voxel.x < 0 || event.voxel.x >= nx || event.voxel.y >= ny) return;
    const { number } = strokeTarget(state, { ...event.voxel, joins: event.shift || state.tools.fillBy === "hole" });
    state.draft.extend(addTo(state, number, new Map([[state.here(z), region]])));
    finishStroke(state, [number], "fill");
  }

  private hole(seed: number, z: number): Spans | null {
    const target = this.state.target();
    const { nx, ny } = this.state.facts.grid;
    return target === null ? null : holeAt(this.state.document.mask(target, this.state.here(z)), seed, { width: nx, height: ny });
  }

  private alike(seed: number, z: number): Spans | null {
    const { looks, volume, facts, tools } = this.state;
    const samples = volume.axial(looks.t, z);
    if (!samples) return null;
    const { nx, ny } = facts.grid;
    const range = ((looks.window.high - looks.window.low) * tools.tolerance) / 100;
    const channel = samples.subarray((looks.channel ?? 0) * nx * ny);
    return similarRegion(channel, seed, range, { width: nx, height: ny });
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
