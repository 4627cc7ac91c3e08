import { fillGaps } from "../../domain/interpolate";
import type { ReviewState } from "../review_state";
import { addTo, finishStroke } from "./paint";

/** Draws the slices that lie between the drawn slices of a finding; returns how many. */
export function interpolate(state: ReviewState, finding: number): number {
  const { nx, ny } = state.facts.grid;
  const filled = fillGaps(state.document.slices(finding), nx, ny);
  if (filled.size === 0) return 0;
  state.draft.extend(addTo(state, finding, filled));
  finishStroke(state, [finding], "interpolate");
  return filled.size;
}
