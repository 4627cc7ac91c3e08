import { contains, type Spans } from "../domain/spans";
import type { Candidates } from "./candidates";
import type { ReviewState } from "./review_state";
import type { Cutoffs } from "./types";

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

/** The surest suppressed candidate under a pixel of plane `z`; null where there is none. */
export function suppressedAt(state: ReviewState, x: number, y: number, z: number): number | null {
  const index = Math.floor(y) * state.facts.grid.nx + Math.floor(x);
  const under = suppressedHere(state).filter(({ slices }) => {
    const spans = slices.get(z);
    return spans !== undefined && contains(spans, index);
  });
  const scores = state.candidates?.scores;
  return under.reduce<number | null>((best, { candidate }) => (best === null || scores![candidate] > scores![best] ? candidate : best), null);
}
