import { frameOf } from "../domain/frame";
import { imagePoint, imageToCanvas, voxelToImage, type Plane } from "../domain/coordinates";
import { cutOn, draggedTilt, wayInWorld } from "../domain/oblique";
import { CUT_HANDLE, type Shape } from "../state/shapes";
import { PlainTool, type ToolEvent } from "./tool";

/** So near to a handle a press takes it. */
const REACH = 12;

/** The line of the tilted plane on the planes of the grid; whoever drags one of its handles turns it there. */
export class ObliqueHandles extends PlainTool {
  readonly name = "select";
  override readonly cursor = "grabbing";
  private held: { readonly plane: Plane; readonly side: 1 | -1 } | null = null;

  /** Whether a press here takes a handle. */
  catches(event: ToolEvent): boolean {
    const side = this.sideAt(event);
    this.held = side && { plane: event.plane, side };
    return side !== null;
  }

  override move({ plane, image }: ToolEvent): void {
    const { looks, facts } = this.state;
    if (!this.held || !looks.oblique || plane !== this.held.plane) return;
    const affine = frameOf(facts);
    const cut = cutOn(plane, looks.oblique, affine);
    const middle = voxelToImage(plane, looks.cursor, facts.grid);
    const [u, v] = [(image.u - middle.u) * this.held.side, (image.v - middle.v) * this.held.side];
    if (!cut || (u === 0 && v === 0)) return;
    // A line has two ways; the handle that was taken goes where the hand goes.
    const way = wayInWorld(plane, cut, affine);
    this.state.look({ oblique: draggedTilt(looks.oblique, plane, way, wayInWorld(plane, imagePoint(u, v), affine), affine) });
  }

  override up(): void {
    this.held = null;
  }

  override cancel(): boolean {
    const going = this.held !== null;
    this.held = null;
    return going;
  }

  override shapes(plane: Plane): readonly Shape[] {
    const { looks, facts } = this.state;
    const along = looks.oblique && cutOn(plane, looks.oblique, frameOf(facts));
    return along ? [{ kind: "cut", through: voxelToImage(plane, looks.cursor, facts.grid), along }] : [];
  }

  private sideAt({ plane, canvas }: ToolEvent): 1 | -1 | null {
    const [shape] = this.shapes(plane);
    if (shape?.kind !== "cut") return null;
    const view = this.state.views[plane];
    const middle = imageToCanvas(view, shape.through);
    const [x, y] = [shape.along.u * view.stretchU, shape.along.v * view.stretchV];
    const long = Math.hypot(x, y);
    const isNear = (side: number): boolean =>
      Math.hypot(canvas.x - middle.x - (side * CUT_HANDLE * x) / long, canvas.y - middle.y - (side * CUT_HANDLE * y) / long) <= REACH;
    return isNear(1) ? 1 : isNear(-1) ? -1 : null;
  }
}
