import { planeDepth, planeSize, type Plane } from "../domain/coordinates";
import { maskOnPlane } from "../domain/planes";
import { boundingBox, EMPTY, type Box, type Spans } from "../domain/spans";
import type { ReviewState } from "../state/review_state";

export type PlaneMask = { readonly finding: number; readonly spans: Spans; readonly box: Box };

/** The shown masks of the slice that a plane is on, each with its box; remembers unchanged ones. */
export class PlaneMasks {
  private at = -1;
  private readonly known = new Map<number, PlaneMask>();
  private list: readonly PlaneMask[] | null = null;
  private readonly width: number;

  constructor(
    private readonly state: ReviewState,
    private readonly plane: Plane,
  ) {
    this.width = planeSize(plane, state.facts.grid).width;
  }

  /** Forgets what was drawn on, or everything; what is shown is asked for anew in any case. */
  forget(findings: Iterable<number> | null): void {
    this.list = null;
    if (findings === null) this.known.clear();
    else for (const finding of findings) this.known.delete(finding);
  }

  of(finding: number, slice: number): PlaneMask | null {
    this.move(slice);
    const known = this.known.get(finding);
    if (known) return known.spans.length > 0 ? known : null;
    const spans = spansHere(this.state, this.state.document.slices(finding), this.plane, slice);
    const mask = { finding, spans, box: boundingBox(spans, this.width) ?? ([0, 0, 0, 0] as const) };
    this.known.set(finding, mask);
    return spans.length > 0 ? mask : null;
  }

  /** Every shown finding with voxels here, low numbers first. */
  shown(slice: number): readonly PlaneMask[] {
    this.move(slice);
    return (this.list ??= this.listed(slice));
  }

  private listed(slice: number): PlaneMask[] {
    const { document } = this.state;
    const numbers = this.plane === "axial" ? document.slice(this.state.here(slice)).keys() : document.findings().keys();
    const masks: PlaneMask[] = [];
    for (const finding of [...numbers].sort((a, b) => a - b)) {
      const mask = this.state.isShown(finding) ? this.of(finding, slice) : null;
      if (mask) masks.push(mask);
    }
    return masks;
  }

  private move(slice: number): void {
    const at = this.state.looks.t * planeDepth(this.plane, this.state.facts.grid) + slice;
    if (at === this.at) return;
    this.known.clear();
    this.list = null;
    this.at = at;
  }
}

/** Masks by plane as one plane shows them at the moment that is looked at. */
export function spansHere(state: ReviewState, planes: ReadonlyMap<number, Spans>, plane: Plane, slice: number): Spans {
  if (plane === "axial") return planes.get(state.here(slice)) ?? EMPTY;
  const slices = state.ofMoment(planes);
  return slices.size > 0 ? maskOnPlane(slices, plane, slice, state.facts.grid) : EMPTY;
}
