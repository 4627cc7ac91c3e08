import type { Spans } from "../domain/spans";
import type { Candidates } from "../state/candidates";
import type { ReviewState } from "../state/review_state";
import type { Cutoffs } from "../state/types";

export type Suppressed = { readonly candidate: number; readonly slices: ReadonlyMap<number, Spans> };

let last: { candidates: Candidates; cutoffs: Cutoffs; found: Suppressed[] } | null = null;

/** Candidates that a better one covers at the present cut-offs. */
export function suppressedHere(state: ReviewState): Suppressed[] {
  const { candidates, document } = state;
  if (!candidates) return [];
  if (last?.candidates === candidates && last.cutoffs === document.cutoffs) return last.found;
  const { suppressedBy } = candidates.resolve(document.cutoffs);
  const found: Suppressed[] = [];
  for (const [candidate, by] of suppressedBy.entries()) {
    if (by >= 0) found.push({ candidate, slices: candidates.mask(candidate) });
  }
  last = { candidates, cutoffs: document.cutoffs, found };
  return found;
}
