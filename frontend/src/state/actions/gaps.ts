import { fillGaps } from "../../domain/interpolate";
import type { ReviewState } from "../review_state";
import { addTo, finishStroke } from "./paint";

/**
 * Draws what lies between the drawn slices of a finding, of a cine between its drawn frames; returns
 * how many. In a volume with moments it stays within the one that is looked at.
 */
export function interpolate(state: ReviewState, finding: number): number {
  const { nx, ny, nz } = state.facts.grid;
  const drawn = state.document.slices(finding);
  const filled = nz === 1 ? fillGaps(drawn, nx, ny) : state.onMoment(fillGaps(state.ofMoment(drawn), nx, ny));
  if (filled.size === 0) return 0;
  state.draft.extend(addTo(state, finding, filled));
  finishStroke(state, [finding], "interpolate");
  return filled.size;
}
