import { clampToGrid, imageToCanvas, voxelToImage, type CanvasPoint, type Plane, type Voxel } from "../domain/coordinates";
import { newId } from "../state/identity";
import { measureInWords, POINTS_OF, type MeasureFields, type MeasureKind } from "../state/measures";
import type { ReviewState } from "../state/review_state";
import type { Shape } from "../state/shapes";
import { PlainTool, type ToolEvent } from "./tool";

/** So near on the screen a point is taken by the hand. */
const REACH = 9;

type Held = { readonly id: string; readonly before: MeasureFields; readonly point: number; now: MeasureFields };

/**
 * Measures by dragging or by clicking point after point, and moves the points of what is measured.
 * Kept with the case where the person holds the pen; else it stands until the next one.
 */
abstract class MeasureTool extends PlainTool {
  abstract readonly kind: MeasureKind;
  private from: ToolEvent | null = null;
  private points: Voxel[] = [];
  private next: Voxel | null = null;
  private pressed: CanvasPoint | null = null;
  private held: Held | null = null;

  override down(event: ToolEvent): void {
    this.held = this.caught(event);
    if (this.held) return;
    if (!this.from || this.isFull || !this.isHere(event)) this.begin(event);
    this.points.push(this.inside(event));
    this.pressed = event.canvas;
    this.next = null;
    this.tell();
  }

  override move(event: ToolEvent): void {
    if (this.held) this.hold(event);
    else if (this.from && this.isHere(event) && !this.isFull) {
      this.next = this.inside(event);
      this.tell();
    }
  }

  override up(event: ToolEvent): void {
    if (this.held) return this.drop();
    const dragged = this.pressed && Math.hypot(event.canvas.x - this.pressed.x, event.canvas.y - this.pressed.y) > 3;
    this.pressed = null;
    if (dragged && !this.isFull && this.from && this.isHere(event)) this.points.push(this.inside(event));
    this.next = null;
    if (this.isFull) this.keep();
    this.tell();
  }

  override hover(event: ToolEvent | null): void {
    if (this.from && !this.isFull && event) this.move(event);
  }

  override cancel(): boolean {
    const had = this.from !== null || this.held !== null;
    this.held = null;
    this.forget();
    if (had) this.tell();
    return had;
  }

  override shapes(plane: Plane): readonly Shape[] {
    const { held, from, next } = this;
    if (held) return held.now.plane === plane ? [shapeOf(this.state, held.now, true)] : [];
    if (!from || from.plane !== plane || !this.isShown) return [];
    const points = next ? [...this.points, next] : this.points;
    return points.length > 1 ? [shapeOf(this.state, { ...this.fields(), points }, true)] : [];
  }

  /** What is being moved is shown by the tool that moves it. */
  get holds(): string | null {
    return this.held?.id ?? null;
  }

  private get isFull(): boolean {
    return this.points.length >= POINTS_OF[this.kind];
  }

  private get isShown(): boolean {
    return this.from !== null && this.from.slice === sliceOn(this.state, this.from.plane);
  }

  private isHere({ plane, slice }: ToolEvent): boolean {
    return this.from?.plane === plane && this.from.slice === slice;
  }

  private begin(event: ToolEvent): void {
    this.from = event;
    this.points = [];
  }

  private forget(): void {
    this.from = null;
    this.points = [];
    this.next = this.pressed = null;
  }

  private fields(): MeasureFields {
    return { kind: this.kind, plane: this.from!.plane, moment: this.state.looks.t, points: this.points, note: "" };
  }

  private keep(): void {
    if (!this.state.editable) return;
    const after = this.fields();
    this.forget();
    this.state.history.commit({ operation: "measure", masks: [], findings: [], measures: [{ id: newId(), before: null, after }] });
  }

  private caught(event: ToolEvent): Held | null {
    if (!this.state.editable || (this.from && !this.isFull)) return null;
    for (const [id, before] of this.state.document.measures.on(event.plane, event.slice, this.state.looks.t)) {
      const point = before.points.findIndex((at) => {
        const on = imageToCanvas(this.state.views[event.plane], voxelToImage(event.plane, at, this.state.facts.grid));
        return Math.hypot(on.x - event.canvas.x, on.y - event.canvas.y) <= REACH;
      });
      if (point >= 0) return { id, before, point, now: before };
    }
    return null;
  }

  private hold(event: ToolEvent): void {
    const { held } = this;
    if (!held || event.slice !== sliceOn(this.state, held.before.plane)) return;
    held.now = { ...held.before, points: held.before.points.map((at, k) => (k === held.point ? this.inside(event) : at)) };
    this.tell();
  }

  private drop(): void {
    const { held } = this;
    this.held = null;
    if (held && held.now !== held.before) {
      this.state.history.commit({ operation: "measure", masks: [], findings: [], measures: [{ id: held.id, before: held.before, after: held.now }] });
    }
    this.tell();
  }

  private inside(event: ToolEvent): Voxel {
    return clampToGrid(event.voxel, this.state.facts.grid);
  }

  private tell(): void {
    this.state.setTools({});
  }
}

export class RulerTool extends MeasureTool {
  readonly name = "ruler";
  readonly kind = "length";
}

export class AngleTool extends MeasureTool {
  readonly name = "angle";
  readonly kind = "angle";
}

/** What is measured where the person looks, save what is being moved. */
export function measuredShapes(state: ReviewState, plane: Plane, moved: string | null): Shape[] {
  return state.document.measures
    .on(plane, sliceOn(state, plane), state.looks.t)
    .filter(([id]) => id !== moved)
    .map(([, fields]) => shapeOf(state, fields, false));
}

function shapeOf(state: ReviewState, fields: MeasureFields, going: boolean): Shape {
  const { facts } = state;
  const isWhole = fields.points.length === POINTS_OF[fields.kind];
  const kind = isWhole ? fields.kind : "length";
  const text = measureInWords({ kind, points: fields.points }, facts.spacingZyx);
  const note = fields.note && ` ${fields.note}`;
  return { kind: "measure", points: fields.points.map((at) => voxelToImage(fields.plane, at, facts.grid)), text: text + note, going };
}

const sliceOn = (state: ReviewState, plane: Plane): number =>
  Math.floor(plane === "axial" ? state.looks.cursor.z : plane === "coronal" ? state.looks.cursor.y : state.looks.cursor.x);
