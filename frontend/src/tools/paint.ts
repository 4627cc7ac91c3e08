import { addSlices, ball, capsule, type Piece } from "../domain/brush";
import { planeSize, type ImagePoint, type Plane, type Voxel } from "../domain/coordinates";
import { piecesToSlices } from "../domain/planes";
import type { Spans } from "../domain/spans";
import { addTo, eraseFrom, finishStroke, strokeTarget } from "../state/actions/paint";
import type { ReviewState, ToolName } from "../state/review_state";
import type { Shape } from "../state/shapes";
import { PlainTool, type ToolEvent } from "./tool";

type Stroke = { readonly findings: readonly number[]; readonly erases: boolean; last: ToolEvent };

/** Brush, eraser and ball: press, drag, release is one step in the history. Alt turns one into the other. */
abstract class StrokeTool extends PlainTool {
  override readonly cursor = "none";
  override readonly draws = true;
  protected readonly erases: boolean = false;
  private stroke: Stroke | null = null;
  private over: ToolEvent | null = null;

  /** Voxels between two places of the pointer, by z. */
  protected abstract stamp(from: ToolEvent, to: ToolEvent): Map<number, Spans>;

  override down(event: ToolEvent): void {
    const erases = this.erases !== event.alt;
    const findings = erases ? erased(this.state, event.voxel) : [strokeTarget(this.state, { ...event.voxel, joins: event.shift }).number];
    this.stroke = { findings, erases, last: event };
    this.move(event);
  }

  override move(event: ToolEvent): void {
    this.hover(event);
    if (!this.stroke) return;
    const { findings, erases, last } = this.stroke;
    const drawn = this.state.onMoment(this.stamp(last.slice === event.slice ? last : event, event));
    this.state.draft.extend(erases ? eraseFrom(this.state, findings, drawn) : addTo(this.state, findings[0], drawn));
    this.stroke.last = event;
  }

  override up(): void {
    if (!this.stroke) return;
    const { findings, erases } = this.stroke;
    this.stroke = null;
    finishStroke(this.state, findings, erases ? "erase" : this.name);
  }

  override hover(event: ToolEvent | null): void {
    this.over = event;
    this.state.point(event && { plane: event.plane, at: event.canvas, voxel: event.voxel });
  }

  override cancel(): boolean {
    const going = this.stroke !== null;
    this.stroke = null;
    if (going) this.state.draft.cancel();
    if (this.state.selected !== null && !this.state.document.finding(this.state.selected)) this.state.select(null);
    return going;
  }

  override shapes(plane: Plane): readonly Shape[] {
    const over = this.over;
    if (!over || over.plane !== plane) return [];
    const erases = this.stroke ? this.stroke.erases : this.erases !== over.alt;
    return [{ kind: "ring", centre: over.image, radius: this.state.tools.radius, erases }];
  }
}

export class BrushTool extends StrokeTool {
  readonly name: ToolName = "brush";

  protected stamp(from: ToolEvent, to: ToolEvent): Map<number, Spans> {
    return piecesToSlices(this.capsuleOf(from, to), to.plane, to.slice, this.state.facts.grid);
  }

  protected capsuleOf(from: ToolEvent, to: ToolEvent): Piece[] {
    const { facts, tools, views } = this.state;
    const view = views[to.plane];
    const stretch: ImagePoint = { u: view.stretchU, v: view.stretchV } as ImagePoint;
    return capsule(from.image, to.image, tools.radius, stretch, planeSize(to.plane, facts.grid));
  }
}

export class EraserTool extends BrushTool {
  override readonly name = "eraser";
  protected override readonly erases = true;
}

/** A brush that is round in space and reaches through slices. */
export class BallTool extends StrokeTool {
  readonly name = "ball";

  protected stamp(from: ToolEvent, to: ToolEvent): Map<number, Spans> {
    const { facts, tools } = this.state;
    const spacingZyx = facts.spacingZyx ?? ([1, 1, 1] as const);
    const away = Math.hypot(to.image.u - from.image.u, to.image.v - from.image.v);
    const steps = Math.max(1, Math.ceil((2 * away) / tools.radius));
    const slices = new Map<number, Spans>();
    for (let step = from === to ? 0 : 1; step <= (from === to ? 0 : steps); step++) {
      const share = step / steps;
      const centre = from === to ? to.voxel : between(from.voxel, to.voxel, share);
      addSlices(slices, ball({ centre, radius: tools.radius, spacingZyx }, facts.grid));
    }
    return slices;
  }
}

function between(a: Voxel, b: Voxel, share: number): { x: number; y: number; z: number } {
  const mix = (from: number, to: number): number => from + (to - from) * share;
  return { x: mix(a.x, b.x), y: mix(a.y, b.y), z: mix(a.z, b.z) };
}

/** What an eraser takes from: the selected finding, else what lies under it. */
export function erased(state: ReviewState, { x, y, z }: Voxel): number[] {
  const target = state.target();
  if (target !== null) return [target];
  const under = state.hits.at(x, y, state.here(Math.floor(z)));
  if (under !== null) state.select(under);
  return under === null ? [] : [under];
}
