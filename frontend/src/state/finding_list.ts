import type { ReviewState } from "./review_state";
import type { FindingFields, FindingState } from "./types";

export type FindingFilter = "all" | FindingState;
export type FindingOrder = "score" | "doubt" | "number";
export type FindingRow = { readonly number: number; readonly fields: FindingFields };

const known = new WeakMap<FindingFields, FindingRow>();

/** The same row for as long as a finding stays as it is, so that a list draws only what changed. */
function rowOf(number: number, fields: FindingFields): FindingRow {
  let row = known.get(fields);
  if (row?.number !== number) known.set(fields, (row = { number, fields }));
  return row;
}

/** The findings that a list shows, in its order; ties by number. */
export function findingRows(state: ReviewState, filter: FindingFilter, order: FindingOrder): FindingRow[] {
  const rows: FindingRow[] = [];
  for (const [number, fields] of state.document.findings()) {
    if (filter === "all" ? fields.state !== "suppressed" : fields.state === filter) rows.push(rowOf(number, fields));
  }
  const rank = RANKS[order];
  return rows.sort((a, b) => rank(a.fields) - rank(b.fields) || a.number - b.number);
}

/** How many findings are in each state. */
export function stateCounts(state: ReviewState): Record<FindingState, number> {
  const counts = { proposed: 0, suppressed: 0, accepted: 0, rejected: 0 };
  for (const fields of state.document.findings().values()) counts[fields.state]++;
  return counts;
}

// A person's own findings have no score: they come after the network's.
const RANKS: Record<FindingOrder, (fields: FindingFields) => number> = {
  number: () => 0,
  score: (fields) => (fields.score === null ? 2 : 1 - fields.score),
  doubt: (fields) => (fields.score === null ? 2 : Math.abs(fields.score - 0.5)),
};
