import { EMPTY, fromBox, subtract, union, type Box, type Spans } from "../../domain/spans";
import { ChangeBuilder } from "../document";
import type { ReviewState } from "../review_state";
import { REVIEWED } from "../types";

const wholeSlice = (state: ReviewState): Spans => Uint32Array.of(0, state.facts.grid.nx * state.facts.grid.ny);

/** Marks a rectangle of one plane as looked at, or takes the mark away. */
export function reviewBox(state: ReviewState, box: Box, z: number, add: boolean): void {
  const { nx, ny } = state.facts.grid;
  const spans = fromBox(box, nx, ny);
  const known = state.document.mask(REVIEWED, z);
  const next = add ? union(known, spans) : subtract(known, spans);
  state.history.commit(new ChangeBuilder(state.document).row(REVIEWED, z, next).done(add ? "reviewed" : "not reviewed"));
}

/** Marks slices first to last of the moment that is looked at, both included. */
export function reviewSlices(state: ReviewState, first: number, last: number, add: boolean): void {
  const from = Math.max(0, Math.min(first, last));
  const to = Math.min(state.facts.grid.nz - 1, Math.max(first, last));
  if (from <= to) reviewPlanes(state, state.here(from), state.here(to), add);
}

/** Marks every slice of every moment. */
export const reviewAll = (state: ReviewState, add: boolean): void => reviewPlanes(state, 0, state.planes - 1, add);

function reviewPlanes(state: ReviewState, first: number, last: number, add: boolean): void {
  const builder = new ChangeBuilder(state.document);
  for (let plane = first; plane <= last; plane++) builder.row(REVIEWED, plane, add ? wholeSlice(state) : EMPTY);
  state.history.commit(builder.done(add ? "reviewed" : "not reviewed"));
}

/** How many planes are marked whole and in part. */
export function reviewedCount(state: ReviewState): { whole: number; part: number } {
  const full = wholeSlice(state)[1];
  let whole = 0;
  let part = 0;
  for (const spans of state.document.slices(REVIEWED).values()) {
    if (spans.length === 2 && spans[1] - spans[0] === full) whole++;
    else part++;
  }
  return { whole, part };
}
