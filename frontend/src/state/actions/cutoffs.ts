import type { ReviewState } from "../review_state";
import type { Cutoffs } from "../types";

/** Shows what other cut-offs would keep, without deciding yet. */
export function tryCutoffs(state: ReviewState, cutoffs: Cutoffs): void {
  const { candidates, document } = state;
  if (!candidates) return;
  state.draft.show(() => candidates.change(document, cutoffs));
}

/** Decides on the cut-offs that were tried. */
export function keepCutoffs(state: ReviewState): void {
  state.draft.commit();
  state.topics.tell("findings");
}
