import { boundingBox, intersect, subtract, type Box, type Spans } from "../../domain/spans";
import { combined, type Slices } from "../../domain/stack";
import { ChangeBuilder } from "../document";
import type { ReviewState } from "../review_state";
import type { Outcome } from "../shaping";
import { discarded } from "./judge";
import { maskWithin } from "./layers";
import { addTo, finishStroke } from "./paint";
import { changed } from "./reshape";

export type Pairing = "join" | "subtract" | "intersect" | "merge";

const MOST_OFFERED = 60;
const NOTHING: ReadonlyMap<number, Spans> = new Map();

/** Findings that one could be combined with: the nearest on this slice first, then those of other slices. */
export function othersOf(state: ReviewState, finding: number): number[] {
  const here = state.here(Math.floor(state.looks.cursor.z));
  const { nx } = state.facts.grid;
  const own = boundingBox(state.document.mask(finding, here), nx);
  const away = (other: number): number => {
    const box = boundingBox(state.document.mask(other, here), nx);
    return own && box ? gap(own, box) : Infinity;
  };
  return [...state.document.findings().keys()]
    .filter((other) => other !== finding && state.isShown(other) && state.document.slices(other).size > 0)
    .map((other) => ({ other, far: away(other) }))
    .sort((a, b) => (a.far === b.far ? a.other - b.other : a.far - b.far))
    .slice(0, MOST_OFFERED)
    .map(({ other }) => other);
}

function gap(a: Box, b: Box): number {
  const across = Math.max(0, a[0] - b[2], b[0] - a[2]);
  const along = Math.max(0, a[1] - b[3], b[1] - a[3]);
  const [x, y] = [(a[0] + a[2] - b[0] - b[2]) / 2, (a[1] + a[3] - b[1] - b[3]) / 2];
  // Of boxes that touch, the one with the nearer middle.
  return Math.hypot(across, along) + Math.hypot(x, y) / 1e6;
}

/** Combines a finding with another; the other stays, but for what the rule of neighbours takes and for a merge. */
export function pairUp(state: ReviewState, finding: number, other: number, how: Pairing): Outcome {
  if (how === "merge") return merged(state, finding, other);
  const [mine, theirs] = [maskWithin(state, finding, state.tools.reach), maskWithin(state, other, state.tools.reach)];
  const common = combined(mine, theirs, intersect);
  if (how === "join") return joined(state, finding, other, combined(theirs, mine, subtract));
  if (common.size === 0) return "apart";
  return changed(state, finding, NOTHING, how === "subtract" ? common : combined(mine, theirs, subtract), how);
}

function joined(state: ReviewState, finding: number, other: number, added: Slices): Outcome {
  if (added.size === 0) return "nothing";
  const growth = addTo(state, finding, state.onMoment(added));
  if (growth.masks.length === 0) return "kept";
  state.draft.extend(growth);
  // Where neighbours give way the other may have given all it had.
  finishStroke(state, state.document.slices(other).size === 0 ? [finding, other] : [finding], "join");
  if (!state.document.finding(other)) state.pair(null);
  return "done";
}

/** One finding of two, in every moment: the other ends as if it had been deleted. */
function merged(state: ReviewState, finding: number, other: number): Outcome {
  const theirs = new Map(state.document.slices(other));
  state.draft.extend(discarded(state, [other], new ChangeBuilder(state.document)).done("merge"));
  state.draft.extend(addTo(state, finding, theirs));
  finishStroke(state, [finding], "merge");
  state.pair(null);
  return "done";
}
