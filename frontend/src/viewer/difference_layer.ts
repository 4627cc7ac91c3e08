import type { Plane, View } from "../domain/coordinates";
import type { Spans } from "../domain/spans";
import type { Difference, PlaneDifference } from "../state/difference";
import type { ReviewState } from "../state/review_state";
import { box, type Pen } from "./marks";
import { outlineOf } from "./outlines";
import { spansHere } from "./plane_masks";

export type Part = "gained" | "lost" | "passed";

/** Told apart by the line as well as by the colour, and no label's own. */
const LOOKS: Readonly<Record<Part, { rgb: string; dash: readonly number[] }>> = {
  gained: { rgb: "96 178 255", dash: [] },
  lost: { rgb: "255 168 64", dash: [6, 3] },
  passed: { rgb: "226 130 214", dash: [2, 2] },
};
const PARTS = Object.keys(LOOKS) as Part[];

export const partColour = (part: Part, alpha = 1): string => `rgb(${LOOKS[part].rgb} / ${alpha})`;

/** What differs between two states on one plane of the picture; remembers what did not change. */
export class DifferenceLayer {
  private key = "";
  private of: Difference | null = null;
  private known: Readonly<Record<Part, Spans>> | null = null;

  constructor(
    private readonly state: ReviewState,
    private readonly plane: Plane,
    private readonly width: number,
  ) {}

  /** Draws in image pixels. */
  draw(pen: Pen, view: View, slice: number): void {
    const { difference } = this.state;
    if (!difference) return;
    const parts = this.parts(difference, slice);
    for (const part of PARTS) {
      if (parts[part].length === 0) continue;
      const path = outlineOf(parts[part], this.width);
      pen.fillStyle = partColour(part, 0.45);
      pen.fill(path, "evenodd");
      pen.setLineDash(LOOKS[part].dash.map((length) => length / view.scale));
      pen.lineWidth = 1.25 / view.scale;
      pen.strokeStyle = partColour(part);
      pen.stroke(path);
    }
    pen.setLineDash([]);
  }

  /** Bare boxes that only one state has, in canvas pixels. */
  drawBoxes(pen: Pen, view: View, slice: number): void {
    const { difference } = this.state;
    if (!difference || this.plane !== "axial") return;
    for (const change of difference.boxes(this.state.here(slice))) {
      box(pen, view, change.box, partColour(change.kind), 2, change.kind === "lost");
    }
  }

  private parts(difference: Difference, slice: number): Readonly<Record<Part, Spans>> {
    const key = `${difference.version}/${this.state.looks.t}/${slice}`;
    if (this.known && this.of === difference && this.key === key) return this.known;
    [this.of, this.key] = [difference, key];
    return (this.known = this.plane === "axial" ? difference.plane(this.state.here(slice)) : this.across(difference, slice));
  }

  private across(difference: Difference, slice: number): Readonly<Record<Part, Spans>> {
    const planes = difference.drawnPlanes().map((z) => [z, difference.plane(z)] as const);
    const cut = (part: keyof PlaneDifference & Part): Spans =>
      spansHere(this.state, new Map(planes.map(([z, found]) => [z, found[part]] as const).filter(([, spans]) => spans.length > 0)), this.plane, slice);
    return { gained: cut("gained"), lost: cut("lost"), passed: cut("passed") };
  }
}
