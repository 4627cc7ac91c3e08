import {
  canvasPoint,
  canvasToImage,
  clampToGrid,
  imagePoint,
  imageToCanvas,
  imageToVoxel,
  planeSize,
  sliceOf,
  voxelToImage,
  type CanvasPoint,
  type ImagePoint,
  type Plane,
} from "../domain/coordinates";
import { bringIntoSight } from "../state/actions/step";
import type { ReviewState } from "../state/review_state";
import type { Shape } from "../state/shapes";
import type { ToolEvent } from "./tool";

/** A pointer of its own, so that keys and a mouse never end each other's press. */
const POINTER = -1;
const FAR = 10;
// Half the size of the cross, on the screen.
const ARM_PX = 9;
const WAYS: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

const FREE = { shift: false, alt: false, ctrl: false };

type Held = Pick<ToolEvent, "shift" | "alt" | "ctrl">;
/** While the button is down a place on the canvas counts: what is dragged may be the picture itself. */
type Press = Held & { readonly plane: Plane; at: CanvasPoint };
/** Whoever hands pointers to the tools. */
type Pointed = {
  down(event: ToolEvent, button: number, pointer: number): boolean;
  move(event: ToolEvent, pointer: number): void;
  up(event: ToolEvent, pointer: number): void;
  cancel(): boolean;
  leave(): void;
};

/**
 * A pointer that keys move over the plane: arrows by a pixel of the image, with shift by ten. Space
 * puts its button down and lifts it again; what is between is a drag. With Alt Enter the tool hears
 * alt, with Shift Space shift, with Ctrl Space ctrl. Every tool takes it for a pointer.
 */
export class KeyHand {
  /** How large the plane is on the screen; the page tells, so that the hand stays in sight. */
  viewport: (plane: Plane) => { width: number; height: number } | undefined = () => undefined;
  private isOut = false;
  private place: ImagePoint = imagePoint(0, 0);
  private press: Press | null = null;
  /** Where the crosshair was seen last: when it goes elsewhere the hand follows. */
  private seen: ImagePoint = imagePoint(0, 0);

  constructor(
    private readonly state: ReviewState,
    private readonly tools: Pointed,
  ) {}

  get active(): boolean {
    return this.isOut;
  }

  toggle(): void {
    if (this.isOut) return this.leave();
    this.isOut = true;
    this.goToCrosshair();
    this.hover();
  }

  leave(): void {
    if (!this.isOut) return;
    this.drop();
    this.isOut = false;
    this.tools.leave();
    this.state.setTools({});
  }

  /** Lifts the button without a trace; true when it was down. */
  drop(): boolean {
    const was = this.press !== null;
    this.press = null;
    return was && this.tools.cancel();
  }

  /** True when the key was meant for the hand. */
  key(event: KeyboardEvent): boolean {
    if (!this.isOut) return false;
    this.follow();
    const way = WAYS[event.key];
    if (way && !event.ctrlKey && !event.metaKey) return this.move(way, event.shiftKey);
    const presses = event.key === " " || (event.key === "Enter" && event.altKey);
    if (presses && !event.repeat) this.turn({ shift: event.shiftKey, alt: event.altKey, ctrl: event.ctrlKey });
    return presses;
  }

  shapes(plane: Plane): readonly Shape[] {
    if (!this.isOut || plane !== this.plane) return [];
    const { u, v } = this.image;
    const view = this.state.views[plane];
    const [du, dv] = [ARM_PX / (view.scale * view.stretchU), ARM_PX / (view.scale * view.stretchV)];
    const across = [imagePoint(u - du, v), imagePoint(u + du, v)];
    const along = [imagePoint(u, v - dv), imagePoint(u, v + dv)];
    return [across, along].map((points) => ({ kind: "line", points, closed: false }));
  }

  private get plane(): Plane {
    return this.press?.plane ?? this.state.looks.plane;
  }

  private get image(): ImagePoint {
    return this.press ? canvasToImage(this.state.views[this.plane], this.press.at) : this.place;
  }

  private move([u, v]: readonly [number, number], isFar: boolean): true {
    const step = isFar ? FAR : 1;
    const { scale, stretchU, stretchV } = this.state.views[this.plane];
    const { press } = this;
    if (press) press.at = canvasPoint(press.at.x + u * step * scale * stretchU, press.at.y + v * step * scale * stretchV);
    else this.goTo(imagePoint(this.place.u + u * step, this.place.v + v * step));
    this.hover();
    return true;
  }

  /** The button goes down, or up. */
  private turn(held: Held): void {
    const { press } = this;
    if (press) {
      const event = this.event(press);
      this.goTo(event.image);
      this.press = null;
      this.tools.up(event, POINTER);
    } else if (this.tools.down(this.event(held), 0, POINTER)) {
      this.press = { ...held, plane: this.plane, at: imageToCanvas(this.state.views[this.plane], this.place) };
    }
    this.hover();
  }

  private hover(): void {
    this.tools.move(this.event(this.press ?? FREE), POINTER);
    this.state.setTools({});
  }

  private event({ shift, alt, ctrl }: Held): ToolEvent {
    const { plane, image, state } = this;
    const slice = sliceOf(plane, state.looks.cursor);
    const canvas = imageToCanvas(state.views[plane], image);
    return { plane, slice, canvas, image, voxel: imageToVoxel(plane, image, slice, state.facts.grid), shift, alt, ctrl };
  }

  /** The next finding, the next uncertain place: what brings the crosshair there brings the hand. */
  private follow(): void {
    const { u, v } = this.crosshair;
    if (!this.press && (u !== this.seen.u || v !== this.seen.v)) this.goToCrosshair();
  }

  private goToCrosshair(): void {
    this.seen = this.crosshair;
    this.goTo(imagePoint(Math.floor(this.seen.u) + 0.5, Math.floor(this.seen.v) + 0.5));
  }

  /** The hand stays on the picture, and in sight. */
  private goTo({ u, v }: ImagePoint): void {
    const { plane, state } = this;
    const { grid } = state.facts;
    const { width, height } = planeSize(plane, grid);
    this.place = imagePoint(Math.min(width - 0.5, Math.max(0.5, u)), Math.min(height - 0.5, Math.max(0.5, v)));
    const at = imageToVoxel(plane, this.place, sliceOf(plane, state.looks.cursor), grid);
    bringIntoSight(state, clampToGrid(at, grid), this.viewport(plane));
  }

  private get crosshair(): ImagePoint {
    return voxelToImage(this.state.looks.plane, this.state.looks.cursor, this.state.facts.grid);
  }
}
