import type { ImagePoint, Plane } from "../domain/coordinates";
import { fromBase64, fromBytes, toBase64, toBytes } from "../domain/rle";
import { EMPTY, subtract, type Box, type Spans } from "../domain/spans";
import { addTo, begun, eraseFrom, finishStroke, joined } from "../state/actions/paint";
import type { PromptFound, PromptRequest, PromptStroke } from "../state/prompting";
import type { Shape } from "../state/shapes";
import { boxBetween } from "./areas";
import { PlainTool, type ToolEvent } from "./tool";

const DRAG_PX = 5;

/** What is being found on one slice at one moment, for a finding that is there already or a new one. */
type Session = {
  readonly z: number;
  readonly plane: number;
  readonly finding: number | null;
  strokes: PromptStroke[];
  box: Box | null;
  preview: Spans | null;
};

/**
 * Finds what is pointed at. A click says that the object is there, with alt that it is not; a drag
 * draws a box, with shift or alt a scribble. The answer is a preview: Enter makes it one step in
 * the history, Escape drops it. Nothing of the case changes before.
 */
export class PromptTool extends PlainTool {
  readonly name = "prompt";
  override readonly draws = true;
  private session: Session | null = null;
  private path: ToolEvent[] = [];
  private ticket = 0;
  private isWaiting = false;
  private isWanted = false;

  override down(event: ToolEvent): void {
    if (event.plane !== "axial" || !this.within(event)) return;
    this.path = [event];
  }

  override move(event: ToolEvent): void {
    if (this.path.length === 0) return;
    if (this.within(event)) this.path.push(event);
    this.state.setTools({});
  }

  override up(): void {
    const path = this.path;
    this.path = [];
    if (path.length === 0) return;
    const [first] = path;
    const last = path[path.length - 1];
    const session = this.sessionAt(first);
    if (isClick(path)) session.strokes.push(stroke([first], !first.alt));
    else if (first.alt || first.shift) session.strokes.push(stroke(path, !first.alt));
    else session.box = boxBetween(first.image, last.image);
    void this.ask(session);
  }

  override finish(): void {
    if (this.isWaiting) this.isWanted = true;
    else this.keep();
  }

  override cancel(): boolean {
    const going = this.session !== null || this.path.length > 0;
    this.drop();
    if (going) this.state.setTools({});
    return going;
  }

  override shapes(plane: Plane): readonly Shape[] {
    const z = Math.floor(this.state.looks.cursor.z);
    if (plane !== "axial") return [];
    const { session } = this;
    const shown = session && session.plane === this.state.here(z) ? shapesOf(session) : [];
    return [...shown, ...this.drawing()];
  }

  private drawing(): Shape[] {
    if (this.path.length === 0 || isClick(this.path)) return [];
    const [first] = this.path;
    const points = this.path.map((event) => event.image);
    if (first.alt || first.shift) return [{ kind: "line", points, closed: false }];
    return [{ kind: "box", box: boxBetween(first.image, points[points.length - 1]) }];
  }

  private sessionAt(event: ToolEvent): Session {
    const plane = this.state.here(event.slice);
    if (this.session?.plane === plane) return this.session;
    this.drop();
    const finding = joined(this.state, event.voxel);
    this.session = { z: event.slice, plane, finding, strokes: [], box: null, preview: null };
    return this.session;
  }

  private async ask(session: Session): Promise<void> {
    const { prompter } = this.state;
    const request = this.requestOf(session);
    const isPointed = request.previous !== null || request.box !== null || request.strokes.some(({ positive }) => positive);
    if (!prompter || !isPointed) return this.state.setTools({});
    const ticket = ++this.ticket;
    this.isWaiting = true;
    this.state.setTools({});
    const found = await prompter.ask(request);
    if (ticket !== this.ticket) return;
    this.isWaiting = false;
    if (found) this.show(session, found);
    if (this.isWanted) this.keep();
    this.state.setTools({});
  }

  private requestOf({ z, plane, finding, strokes, box, preview }: Session): PromptRequest {
    const { tools, looks, document } = this.state;
    const mask = preview ?? (finding === null ? EMPTY : document.mask(finding, plane));
    const previous = mask.length === 0 ? null : [{ z, runs: toBase64(toBytes(mask)) }];
    return { label: tools.label, t: looks.t, z, strokes, box: box && this.clipped(box), previous };
  }

  private show(session: Session, found: PromptFound): void {
    const row = found.slices.find(({ z }) => z === session.z);
    session.preview = row ? fromBytes(fromBase64(row.runs)) : EMPTY;
    this.state.prompted = { score: found.score, method: found.method, network: found.network };
  }

  /** Makes the preview part of the case, as one step. */
  private keep(): void {
    const { session, state } = this;
    this.drop();
    if (!session?.preview || (session.preview.length === 0 && session.finding === null)) return;
    const { z, plane, preview } = session;
    const number = session.finding ?? begun(state, z);
    const before = state.document.mask(number, plane);
    state.draft.extend(addTo(state, number, new Map([[plane, subtract(preview, before)]])));
    state.draft.extend(eraseFrom(state, [number], new Map([[plane, subtract(before, preview)]])));
    finishStroke(state, [number], "prompt");
  }

  private drop(): void {
    this.ticket++;
    this.session = null;
    this.path = [];
    this.isWaiting = this.isWanted = false;
    this.state.prompted = null;
  }

  private within({ voxel }: ToolEvent): boolean {
    const { nx, ny } = this.state.facts.grid;
    return voxel.x >= 0 && voxel.y >= 0 && voxel.x < nx && voxel.y < ny;
  }

  private clipped([x1, y1, x2, y2]: Box): Box {
    const { nx, ny } = this.state.facts.grid;
    return [Math.max(0, x1), Math.max(0, y1), Math.min(nx, Math.max(x2, x1 + 1)), Math.min(ny, Math.max(y2, y1 + 1))];
  }
}

function stroke(path: readonly ToolEvent[], positive: boolean): PromptStroke {
  const points = path.map(({ voxel, slice }) => [Math.floor(voxel.x), Math.floor(voxel.y), slice] as const);
  return { points: points.filter((point, k) => k === 0 || point.join() !== points[k - 1].join()), positive };
}

function isClick(path: readonly ToolEvent[]): boolean {
  const [{ canvas }] = path;
  return path.every((event) => Math.hypot(event.canvas.x - canvas.x, event.canvas.y - canvas.y) < DRAG_PX);
}

function shapesOf({ strokes, box, preview }: Session): Shape[] {
  const shapes: Shape[] = [];
  if (preview) shapes.push({ kind: "outline", mask: preview });
  if (box) shapes.push({ kind: "box", box });
  for (const { points, positive } of strokes) {
    const at = points.map(([x, y]) => ({ u: x + 0.5, v: y + 0.5 }) as ImagePoint);
    if (at.length > 1) shapes.push({ kind: "line", points: at, closed: false });
    shapes.push({ kind: "dot", at: at[0], positive });
  }
  return shapes;
}
