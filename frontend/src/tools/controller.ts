import { sliceOf, type CanvasPoint, type Plane } from "../domain/coordinates";
import { maskOnPlane } from "../domain/planes";
import { stepSlice } from "../state/actions/step";
import type { ReviewState, ToolName } from "../state/review_state";
import type { Shape } from "../state/shapes";
import { FillTool, PolygonTool, ReviewedTool } from "./areas";
import { BoxTool } from "./box";
import { GatedTool } from "./gated";
import { KeyHand } from "./key_hand";
import { PanTool, SelectTool, WindowTool, zoomBy } from "./look";
import { AngleTool, measuredShapes, RulerTool } from "./measure";
import { ObliqueHandles } from "./oblique";
import { BallTool, BrushTool, EraserTool } from "./paint";
import { PromptTool } from "./prompt";
import { ScissorsTool } from "./scissors";
import { ThresholdTool } from "./threshold";
import type { Tool, ToolEvent } from "./tool";

type Press = { readonly tool: Tool; readonly pointer: number };

/** Hands pointer and wheel to the tool in the hand; the other buttons and held keys borrow another. */
export class ToolController {
  readonly tools: Readonly<Record<ToolName, Tool>>;
  readonly hand: KeyHand;
  private readonly ruler: RulerTool;
  private readonly angle: AngleTool;
  private readonly oblique: ObliqueHandles;
  private press: Press | null = null;
  private borrowed: ToolName | null = null;
  private last: ToolEvent | null = null;
  private wheelRest = 0;

  constructor(
    private readonly state: ReviewState,
    private readonly refused: () => void,
  ) {
    this.hand = new KeyHand(state, this);
    this.ruler = new RulerTool(state);
    this.angle = new AngleTool(state);
    this.oblique = new ObliqueHandles(state);
    this.tools = {
      pan: new PanTool(state),
      window: new WindowTool(state),
      select: new SelectTool(state),
      brush: new BrushTool(state),
      eraser: new EraserTool(state),
      ball: new BallTool(state),
      polygon: new PolygonTool(state),
      fill: new FillTool(state),
      box: new BoxTool(state),
      prompt: new PromptTool(state),
      gated: new GatedTool(state),
      scissors: new ScissorsTool(state),
      threshold: new ThresholdTool(state),
      reviewed: new ReviewedTool(state),
      ruler: this.ruler,
      angle: this.angle,
    };
  }

  get current(): Tool {
    return this.press?.tool ?? this.tools[this.borrowed ?? this.state.tools.tool];
  }

  get busy(): boolean {
    return this.press !== null;
  }

  choose(tool: ToolName): void {
    if (this.busy) return;
    this.current.cancel();
    this.state.setTools({ tool });
    if (this.state.drawable || !this.tools[tool].draws) this.tools[tool].taken();
  }

  /** Takes a tool for as long as a key is held. */
  borrow(tool: ToolName | null): void {
    if (this.busy || tool === this.borrowed) return;
    this.current.hover(null);
    this.borrowed = tool;
    if (this.last) this.current.hover(this.last);
    this.state.setTools({});
  }

  down(event: ToolEvent, button: number, pointer: number): boolean {
    if (this.press) return false;
    const isHandle = button === 0 && this.oblique.catches(event);
    const tool = isHandle ? this.oblique : button === 1 ? this.tools.pan : button === 2 ? this.tools.window : this.current;
    if (tool.draws && !this.state.drawable) {
      this.refused();
      return false;
    }
    this.press = { tool, pointer };
    tool.down(event);
    return true;
  }

  move(event: ToolEvent, pointer: number): void {
    this.last = event;
    if (this.press?.pointer === pointer) this.press.tool.move(event);
    else if (!this.press) {
      this.state.point({ plane: event.plane, at: event.canvas, voxel: event.voxel });
      this.current.hover(event);
    }
  }

  up(event: ToolEvent, pointer: number): void {
    if (this.press?.pointer !== pointer) return;
    const { tool } = this.press;
    this.press = null;
    tool.up(event);
  }

  leave(): void {
    this.last = null;
    if (this.press) return;
    this.current.hover(null);
    this.state.point(null);
  }

  /** Escape, or a pointer that the system took away. */
  cancel(): boolean {
    const { current } = this;
    this.press = null;
    return current.cancel();
  }

  finish(): void {
    const { current } = this;
    if (current.draws && this.state.looks.slab !== null) this.refused();
    else current.finish();
  }

  wheel(plane: Plane, at: CanvasPoint, delta: number, zooms: boolean): void {
    if (zooms || this.state.facts.grid.nz === 1) return zoomBy(this.state, plane, at, Math.exp(-delta / 300));
    if (this.busy) return;
    this.wheelRest += delta;
    const steps = Math.trunc(this.wheelRest / WHEEL_STEP);
    if (steps === 0) return;
    this.wheelRest -= steps * WHEEL_STEP;
    stepSlice(this.state, plane, -steps);
  }

  shapes(plane: Plane): readonly Shape[] {
    const measured = measuredShapes(this.state, plane, this.ruler.holds ?? this.angle.holds);
    const others = [this.ruler, this.angle].filter((tool) => tool !== this.current);
    const waiting = others.flatMap((tool) => tool.shapes(plane));
    const now = [...this.current.shapes(plane), ...this.hand.shapes(plane)];
    return [...this.oblique.shapes(plane), ...measured, ...waiting, ...this.paired(plane), ...now];
  }

  /** The finding that the selected one would be combined with. */
  private paired(plane: Plane): readonly Shape[] {
    const { other, document, looks, facts } = this.state;
    if (other === null) return [];
    const slice = sliceOf(plane, looks.cursor);
    const mask = maskOnPlane(this.state.ofMoment(document.slices(other)), plane, slice, facts.grid);
    return mask.length > 0 ? [{ kind: "outline", mask }] : [];
  }
}

// A notch of a mouse wheel is about 100 to 120.
const WHEEL_STEP = 60;
