import { describe, expect, test } from "vitest";

import { toBase64, toBytes } from "../../src/domain/rle";
import { area, fromBox, type Box } from "../../src/domain/spans";
import { keepCutoffs, tryCutoffs } from "../../src/state/actions/cutoffs";
import { judge, revive } from "../../src/state/actions/judge";
import { Candidates } from "../../src/state/candidates";
import type { ReviewState } from "../../src/state/review_state";
import { review } from "./support";

const RUN = "run-1";

const candidate = (score: number, box: Box): { label: number; score: number; box: Box; slices: Record<string, string> } => ({
  label: 1,
  score,
  box,
  slices: { "0": toBase64(toBytes(fromBox(box, 40, 30))) },
});

/** Two that overlap, one alone and weak; the finding numbers of the run begin at 11. */
function opened(): ReviewState {
  const state = review();
  const messages = [candidate(0.9, [0, 0, 10, 10]), candidate(0.7, [5, 0, 15, 10]), candidate(0.4, [20, 20, 24, 24])];
  state.candidates = new Candidates(RUN, 10, messages, [[0, 1, 0.5]]);
  const fields = state.candidates.fields(0);
  state.document.reset(new Map([[11, fields]]), [{ finding: 11, z: 0, spans: fromBox([0, 0, 10, 10], 40, 30) }], { score: 0.5, overlap: 0.3 }, 14);
  return state;
}

const states = (state: ReviewState): Record<number, string> =>
  Object.fromEntries([...state.document.findings()].map(([number, fields]) => [number, fields.state]));

describe("moving the cut-offs", () => {
  test("brings candidates in under the numbers kept for them, with their masks", () => {
    const state = opened();
    tryCutoffs(state, { score: 0.3, overlap: 0.6 });
    expect(states(state)).toEqual({ 11: "proposed", 12: "proposed", 13: "proposed" });
    expect(area(state.document.mask(13, 0))).toBe(16);
    expect(state.document.finding(13)).toMatchObject({ run: RUN, candidate: 2, source: "network", z: 0 });
  });

  test("suppresses what no longer stays, and says by whom", () => {
    const state = opened();
    tryCutoffs(state, { score: 0.3, overlap: 0.6 });
    keepCutoffs(state);
    tryCutoffs(state, { score: 0.3, overlap: 0.3 });
    expect(state.document.finding(12)).toMatchObject({ state: "suppressed", suppressed_by: 11 });
    tryCutoffs(state, { score: 0.95, overlap: 0.3 });
    expect(states(state)).toEqual({ 11: "suppressed", 12: "suppressed", 13: "suppressed" });
  });

  test("as long as it goes on is one step, and can be undone", () => {
    const state = opened();
    const before = state.document.digests();
    for (const score of [0.45, 0.42, 0.3, 0.2]) tryCutoffs(state, { score, overlap: 0.6 });
    keepCutoffs(state);
    expect(state.history.undoable?.cutoffs).toEqual({ before: { score: 0.5, overlap: 0.3 }, after: { score: 0.2, overlap: 0.6 } });
    state.history.undo();
    expect(state.document.digests()).toEqual(before);
    expect(state.document.cutoffs).toEqual({ score: 0.5, overlap: 0.3 });
  });

  test("leaves alone what a person has judged", () => {
    const state = opened();
    judge(state, [11], "accepted");
    tryCutoffs(state, { score: 0.99, overlap: 0.3 });
    expect(states(state)).toEqual({ 11: "accepted" });
  });

  test("to where they are changes no finding", () => {
    const state = opened();
    tryCutoffs(state, { score: 0.5, overlap: 0.3 });
    expect(states(state)).toEqual({ 11: "proposed" });
  });
});

describe("a suppressed candidate", () => {
  test("can be brought back, accepted", () => {
    const state = opened();
    revive(state, 1);
    expect(state.document.finding(12)).toMatchObject({ state: "accepted", suppressed_by: null });
    expect(state.selected).toBe(12);
    state.history.undo();
    expect(state.document.finding(12)).toBeNull();
  });

  test("never gives its number to a drawn finding", () => {
    const state = opened();
    expect(state.document.nextNumber()).toBe(14);
  });
});
