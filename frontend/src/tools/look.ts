import { canvasPoint, clampToGrid, zoomAt, type CanvasPoint, type Plane, type View } from "../domain/coordinates";
import { length, threeFigures } from "../domain/units";
import { centreOf, widthOf, windowOf, type Window } from "../domain/window";
import { revive } from "../state/actions/judge";
import type { ReviewState } from "../state/review_state";
import type { Shape } from "../state/shapes";
import { suppressedAt } from "../state/suppressed";
import { PlainTool, type ToolEvent } from "./tool";

/** Drag moves the picture; with alt it zooms. */
export class PanTool extends PlainTool {
  readonly name = "pan";
  override readonly cursor = "grab";
  private from: { at: CanvasPoint; view: View } | null = null;

  override down(event: ToolEvent): void {
    this.from = { at: event.canvas, view: this.state.views[event.plane] };
  }

  override move(event: ToolEvent): void {
    if (!this.from) return;
    const { at, view } = this.from;
    const [dx, dy] = [event.canvas.x - at.x, event.canvas.y - at.y];
    if (event.alt) this.state.setView(event.plane, zoomAt(view, at, Math.exp(-dy / 120)));
    else this.state.setView(event.plane, { ...view, offsetX: view.offsetX + dx, offsetY: view.offsetY + dy });
  }

  override up(): void {
    this.from = null;
  }

  override cancel(): boolean {
    const going = this.from !== null;
    this.from = null;
    return going;
  }
}

/** Drag across changes the width of the grey window, drag along its centre. */
export class WindowTool extends PlainTool {
  readonly name = "window";
  override readonly cursor = "ns-resize";
  private from: { at: CanvasPoint; window: Window } | null = null;

  override down(event: ToolEvent): void {
    this.from = { at: event.canvas, window: this.state.looks.window };
  }

  override move(event: ToolEvent): void {
    if (!this.from) return;
    const { at, window } = this.from;
    const step = Math.max(widthOf(window), 4) / 300;
    const width = Math.max(1, widthOf(window) + (event.canvas.x - at.x) * step);
    this.state.look({ window: windowOf(centreOf(window) + (event.canvas.y - at.y) * step, width) });
  }

  override up(): void {
    this.from = null;
  }

  override cancel(): boolean {
    if (!this.from) return false;
    this.state.look({ window: this.from.window });
    this.from = null;
    return true;
  }
}

/** A press selects the finding under the pointer, with ctrl the one to combine it with, and puts the crosshair there; a drag carries the crosshair. */
export class SelectTool extends PlainTool {
  readonly name = "select";
  override readonly cursor = "default";
  private going = false;
  private last: ToolEvent | null = null;

  override down(event: ToolEvent): void {
    this.going = true;
    this.last = event;
    const { x, y, z } = event.voxel;
    const hit = this.state.hits.at(x, y, this.state.here(Math.floor(z)));
    if (event.ctrl && this.state.selected !== null && hit !== null) this.state.pair(hit);
    else this.state.select(hit);
    this.move(event);
  }

  override move(event: ToolEvent): void {
    if (this.going) this.state.look({ cursor: clampToGrid(event.voxel, this.state.facts.grid) });
  }

  override up(): void {
    this.going = false;
  }

  /** A double click brings a suppressed candidate back. */
  override finish(): void {
    const { state, last } = this;
    if (!last || !state.editable || !state.looks.suppressedShown) return;
    const { x, y, z } = last.voxel;
    const candidate = suppressedAt(state, x, y, state.here(Math.floor(z)));
    if (candidate !== null) revive(state, candidate);
  }

  override cancel(): boolean {
    const going = this.going;
    this.going = false;
    return going;
  }
}

/** Measures a length in the plane, in the unit that the spacing allows. */
export class RulerTool extends PlainTool {
  readonly name = "ruler";
  private line: { from: ToolEvent; to: ToolEvent } | null = null;
  private going = false;

  override down(event: ToolEvent): void {
    this.line = { from: event, to: event };
    this.going = true;
  }

  override move(event: ToolEvent): void {
    if (!this.going || !this.line) return;
    this.line = { from: this.line.from, to: event };
    this.state.setTools({});
  }

  override up(): void {
    this.going = false;
  }

  override cancel(): boolean {
    const had = this.line !== null;
    this.line = null;
    this.going = false;
    if (had) this.state.setTools({});
    return had;
  }

  override shapes(plane: Plane): readonly Shape[] {
    const line = this.line;
    if (!line || line.from.plane !== plane || line.from.slice !== line.to.slice) return [];
    const { from, to } = line;
    return [{ kind: "length", from: from.image, to: to.image, text: this.measured(plane, from, to) }];
  }

  private measured(plane: Plane, from: ToolEvent, to: ToolEvent): string {
    const spacing = this.state.facts.spacingZyx;
    const pair = spacing && ([spacing[plane === "sagittal" ? 1 : 2], spacing[plane === "axial" ? 1 : 0]] as const);
    const { value, unit } = length(to.image.u - from.image.u, to.image.v - from.image.v, pair);
    return `${threeFigures(value)} ${unit}`;
  }
}

export function zoomBy(state: ReviewState, plane: Plane, at: CanvasPoint, factor: number): void {
  state.setView(plane, zoomAt(state.views[plane], canvasPoint(at.x, at.y), factor));
}
