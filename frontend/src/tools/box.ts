import { imageToCanvas, type ImagePoint, type Plane } from "../domain/coordinates";
import type { Box } from "../domain/spans";
import { movedBoxChange, newBoxChange } from "../state/actions/boxes";
import type { Shape } from "../state/shapes";
import { boxBetween } from "./areas";
import { PlainTool, type ToolEvent } from "./tool";

/** Which edges of the box a drag moves: -1 the near one, 1 the far one, 0 none. */
type Grip = readonly [u: -1 | 0 | 1, v: -1 | 0 | 1];
type Going =
  | { readonly kind: "draw"; readonly from: ToolEvent }
  | { readonly kind: "move" | "size"; readonly from: ToolEvent; readonly finding: number; readonly box: Box; readonly grip: Grip };

const REACH_PX = 8;
const SMALLEST_PX = 4;

/** Draws a box on free ground, moves the selected one by its inside, and sizes it by its edges. */
export class BoxTool extends PlainTool {
  readonly name = "box";
  override readonly draws = true;
  private going: Going | null = null;
  private to: ToolEvent | null = null;

  override down(event: ToolEvent): void {
    if (event.plane !== "axial") return;
    const { state } = this;
    const { x, y } = event.voxel;
    const held = this.held(event);
    const hit = held ? state.selected : state.hits.at(x, y, state.here(event.slice));
    const box = hit === null ? null : (state.document.finding(hit)?.box ?? null);
    if (hit === null || box === null || event.shift) this.going = { kind: "draw", from: event };
    else {
      state.select(hit);
      this.going = { kind: held ? "size" : "move", from: event, finding: hit, box, grip: held ?? [0, 0] };
    }
    this.to = event;
  }

  override move(event: ToolEvent): void {
    this.to = event;
    const going = this.going;
    if (going && going.kind !== "draw") {
      this.state.draft.show(() => movedBoxChange(this.state, going.finding, this.dragged(going, event)));
    } else if (going) this.state.setTools({});
  }

  override up(event: ToolEvent): void {
    const going = this.going;
    this.going = null;
    this.to = null;
    if (going?.kind === "draw") this.draw(going.from, event);
    else if (going) this.state.draft.commit("box");
  }

  override cancel(): boolean {
    const going = this.going !== null;
    if (this.going?.kind !== "draw") this.state.draft.cancel();
    this.going = this.to = null;
    return going;
  }

  override shapes(plane: Plane): readonly Shape[] {
    if (plane !== "axial" || this.going?.kind !== "draw" || !this.to) return [];
    return [{ kind: "box", box: boxBetween(this.going.from.image, this.to.image) }];
  }

  private draw(from: ToolEvent, to: ToolEvent): void {
    const [width, height] = [Math.abs(to.canvas.x - from.canvas.x), Math.abs(to.canvas.y - from.canvas.y)];
    if (width < SMALLEST_PX || height < SMALLEST_PX) return this.state.select(this.state.hits.at(to.voxel.x, to.voxel.y, this.state.here(to.slice)));
    const finding = this.state.document.nextNumber();
    this.state.history.commit(newBoxChange(this.state, finding, boxBetween(from.image, to.image), this.state.here(from.slice)));
    this.state.select(finding);
  }

  /** The edges of the selected box within reach of the pointer; null when there are none. */
  private held(event: ToolEvent): Grip | null {
    const { state } = this;
    const fields = state.selected === null ? null : state.document.finding(state.selected);
    if (!fields?.box || (fields.z ?? 0) !== state.here(event.slice)) return null;
    const view = state.views.axial;
    const [x1, y1, x2, y2] = fields.box;
    const a = imageToCanvas(view, { u: x1, v: y1 } as ImagePoint);
    const b = imageToCanvas(view, { u: x2, v: y2 } as ImagePoint);
    const { x, y } = event.canvas;
    if (x < a.x - REACH_PX || x > b.x + REACH_PX || y < a.y - REACH_PX || y > b.y + REACH_PX) return null;
    const side = (at: number, low: number, high: number): -1 | 0 | 1 =>
      Math.abs(at - low) <= REACH_PX ? -1 : Math.abs(at - high) <= REACH_PX ? 1 : 0;
    const grip: Grip = [side(x, a.x, b.x), side(y, a.y, b.y)];
    return grip[0] === 0 && grip[1] === 0 ? null : grip;
  }

  private dragged(going: Extract<Going, { box: Box }>, to: ToolEvent): Box {
    const du = Math.round(to.image.u - going.from.image.u);
    const dv = Math.round(to.image.v - going.from.image.v);
    const [x1, y1, x2, y2] = going.box;
    const { nx, ny } = this.state.facts.grid;
    if (going.kind === "move") {
      const [mu, mv] = [clamp(du, -x1, nx - x2), clamp(dv, -y1, ny - y2)];
      return [x1 + mu, y1 + mv, x2 + mu, y2 + mv];
    }
    const [u, v] = going.grip;
    return [u < 0 ? x1 + du : x1, v < 0 ? y1 + dv : y1, u > 0 ? x2 + du : x2, v > 0 ? y2 + dv : y2];
  }
}

const clamp = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, value));
