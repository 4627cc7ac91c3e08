/** Operations on the selected finding; fetched when the first of them is asked for. */

import { duplicate, splitParts } from "../../state/actions/apart";
import { bringOnward } from "../../state/actions/onward";
import { reshape } from "../../state/actions/reshape";
import { othersOf, pairUp, type Pairing } from "../../state/actions/together";
import type { ReviewState } from "../../state/review_state";
import type { Outcome } from "../../state/shaping";
import type { ShapeCommand } from "../../tools/keys";

export { othersOf };

const RUN: Readonly<Record<ShapeCommand, (state: ReviewState, finding: number) => Outcome>> = {
  grow: (state, finding) => reshape(state, finding, "grow"),
  shrink: (state, finding) => reshape(state, finding, "shrink"),
  smooth: (state, finding) => reshape(state, finding, "smooth"),
  largest: (state, finding) => reshape(state, finding, "largest"),
  small: (state, finding) => reshape(state, finding, "small"),
  holes: (state, finding) => reshape(state, finding, "holes"),
  split: splitParts,
  duplicate,
  join: (state, finding) => paired(state, finding, "join"),
  subtract: (state, finding) => paired(state, finding, "subtract"),
  intersect: (state, finding) => paired(state, finding, "intersect"),
  merge: (state, finding) => paired(state, finding, "merge"),
  copyUp: (state, finding) => bringOnward(state, finding, 1, false),
  copyDown: (state, finding) => bringOnward(state, finding, -1, false),
  carryUp: (state, finding) => bringOnward(state, finding, 1, true),
  carryDown: (state, finding) => bringOnward(state, finding, -1, true),
};

export function runShape(state: ReviewState, command: ShapeCommand): void {
  const finding = state.target() ?? state.selected;
  if (!state.editable) return;
  if (finding === null || !state.isShown(finding)) return state.told("noFinding");
  state.told(RUN[command](state, finding));
}

/** The next finding to combine with, the nearest first; after the last one none. */
export function nextOther(state: ReviewState): void {
  const finding = state.target() ?? state.selected;
  if (finding === null) return state.told("noFinding");
  const others = othersOf(state, finding);
  if (others.length === 0) return state.told("noOther");
  state.select(finding);
  const at = state.other === null ? -1 : others.indexOf(state.other);
  state.pair(others[at + 1] ?? null);
}

function paired(state: ReviewState, finding: number, how: Pairing): Outcome {
  const { other } = state;
  if (other === null || !state.isShown(other)) return "noOther";
  return pairUp(state, finding, other, how);
}
