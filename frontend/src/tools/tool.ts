import type { CanvasPoint, ImagePoint, Plane, Voxel } from "../domain/coordinates";
import type { ReviewState, ToolName } from "../state/review_state";
import type { Shape } from "../state/shapes";

export type { CanvasPoint, Plane };

/** A pointer on a plane, in every space a tool may ask for. */
export type ToolEvent = {
  readonly plane: Plane;
  readonly slice: number;
  readonly canvas: CanvasPoint;
  readonly image: ImagePoint;
  readonly voxel: Voxel;
  readonly shift: boolean;
  readonly alt: boolean;
  readonly ctrl: boolean;
};

/** A small state machine. It changes the case through the state's draft, history and actions only. */
export interface Tool {
  readonly name: ToolName;
  readonly cursor: string;
  /** Whether the tool draws on the case, and so needs the pen. */
  readonly draws: boolean;
  down(event: ToolEvent): void;
  move(event: ToolEvent): void;
  up(event: ToolEvent): void;
  /** The pointer moves without being pressed; null when it leaves. */
  hover(event: ToolEvent | null): void;
  /** Ends what is going on without a trace. True when something was going on. */
  cancel(): boolean;
  /** Enter or a double click: ends what takes more than one press. */
  finish(): void;
  /** The tool comes into the hand. */
  taken(): void;
  shapes(plane: Plane): readonly Shape[];
}

/** What most tools do: nothing. */
export abstract class PlainTool implements Tool {
  abstract readonly name: ToolName;
  readonly cursor: string = "crosshair";
  readonly draws: boolean = false;

  constructor(protected readonly state: ReviewState) {}

  down(_event: ToolEvent): void {}
  move(_event: ToolEvent): void {}
  up(_event: ToolEvent): void {}
  hover(_event: ToolEvent | null): void {}
  finish(): void {}
  taken(): void {}

  cancel(): boolean {
    return false;
  }

  shapes(_plane: Plane): readonly Shape[] {
    return [];
  }
}
