import { canvasPoint, clampToGrid, zoomAt, type CanvasPoint, type Plane, type View } from "../domain/coordinates";
import { centreOf, widthOf, windowOf, type Window } from "../domain/window";
import { revive } from "../state/actions/judge";
import type { ReviewState } from "../state/review_state";
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

export function zoomBy(state: ReviewState, plane: Plane, at: CanvasPoint, factor: number): void {
  state.setView(plane, zoomAt(state.views[plane], canvasPoint(at.x, at.y), factor));
}
