import type { Plane } from "../domain/coordinates";
import type { Shape } from "../state/shapes";
import { PlainTool, type ToolEvent } from "./tool";

const STEP_PX = 2;

/** A stroke across a finding cuts it in two; with shift the line is straight. One step in the history. */
export class ScissorsTool extends PlainTool {
  readonly name = "scissors";
  override readonly draws = true;
  private path: ToolEvent[] = [];

  override taken(): void {
    // What the stroke will need is fetched while the hand is on its way.
    void load();
  }

  override down(event: ToolEvent): void {
    this.path = [event];
  }

  override move(event: ToolEvent): void {
    const last = this.path[this.path.length - 1];
    if (!last || last.plane !== event.plane) return;
    if (event.shift) this.path = [this.path[0], event];
    else if (Math.hypot(event.canvas.x - last.canvas.x, event.canvas.y - last.canvas.y) >= STEP_PX) this.path.push(event);
    this.state.setTools({});
  }

  override up(event: ToolEvent): void {
    this.move(event);
    const { path } = this;
    this.cancel();
    if (path.length < 2) return;
    const finding = this.meant(path);
    if (finding === null) this.state.told("noFinding");
    else void this.cut(finding, path);
  }

  override cancel(): boolean {
    const going = this.path.length > 0;
    this.path = [];
    if (going) this.state.setTools({});
    return going;
  }

  override shapes(plane: Plane): readonly Shape[] {
    const [first] = this.path;
    return first?.plane === plane ? [{ kind: "line", points: this.path.map((event) => event.image), closed: false }] : [];
  }

  /** The selected finding, or else the first one under the stroke. */
  private meant(path: readonly ToolEvent[]): number | null {
    const { state } = this;
    if (state.selected !== null) return state.selected;
    for (const { x, y, z } of along(path)) {
      const hit = state.hits.at(x, y, state.here(Math.floor(z)));
      if (hit !== null) return hit;
    }
    return state.target();
  }

  private async cut(finding: number, path: readonly ToolEvent[]): Promise<void> {
    const { cutAlong } = await load();
    const { state } = this;
    if (!state.editable || !state.document.finding(finding)) return;
    const points = path.map(({ image }) => ({ u: image.u, v: image.v }));
    state.select(finding);
    state.told(cutAlong(state, finding, { plane: path[0].plane, points }));
  }
}

/** Places on the stroke, at most a voxel apart: its corners alone may all lie beside what it crosses. */
function* along(path: readonly ToolEvent[]): Generator<Place> {
  for (let k = 1; k < path.length; k++) {
    const [from, to] = [path[k - 1].voxel, path[k].voxel];
    const steps = Math.ceil(Math.hypot(to.x - from.x, to.y - from.y, to.z - from.z)) + 1;
    const mix = (a: number, b: number, step: number): number => a + ((b - a) * step) / steps;
    for (let step = 0; step <= steps; step++) yield { x: mix(from.x, to.x, step), y: mix(from.y, to.y, step), z: mix(from.z, to.z, step) };
  }
}

type Place = { readonly x: number; readonly y: number; readonly z: number };

const load = () => import("../state/actions/apart");
