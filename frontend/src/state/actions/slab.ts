import { SLAB_RULES } from "../../domain/slab";
import type { ReviewState } from "../review_state";
import { nextThickness } from "../slab";

/** From the slice alone to the greatest, the least, the mean of a slab, and back to the slice. */
export function nextSlab(state: ReviewState): void {
  if (state.facts.grid.nz === 1) return;
  const at = state.looks.slab === null ? -1 : SLAB_RULES.indexOf(state.looks.slab);
  state.look({ slab: SLAB_RULES[at + 1] ?? null });
}

export function resizeSlab(state: ReviewState, by: 1 | -1): void {
  if (state.looks.slab !== null) state.look({ slabThickness: nextThickness(state, state.looks.plane, by) });
}
