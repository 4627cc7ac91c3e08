import { fromBase64, fromBytes } from "../domain/rle";
import { EMPTY, union, type Spans } from "../domain/spans";
import type { ReviewState } from "./review_state";

export type ComparedRow = {
  readonly finding: number;
  readonly z: number;
  readonly added: number;
  readonly removed: number;
  readonly from_runs: string;
};
export type DiffSummary = { slices: number; findings: number; added: number; removed: number };

export function summarise(rows: readonly ComparedRow[], fields: number): DiffSummary {
  const sum = { slices: rows.length, findings: fields, added: 0, removed: 0 };
  for (const row of rows) {
    sum.added += row.added;
    sum.removed += row.removed;
  }
  return sum;
}

/** Shows how changed masks were in an older version, as dashed outlines; null shows nothing. */
export function compareWith(state: ReviewState, rows: readonly ComparedRow[] | null): void {
  const slices = new Map<number, Spans>();
  for (const { z, from_runs } of rows ?? []) {
    slices.set(z, union(slices.get(z) ?? EMPTY, fromBytes(fromBase64(from_runs))));
  }
  state.compared = rows && slices;
  state.topics.tell("looks");
}
