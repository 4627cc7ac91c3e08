import { describe, expect, test } from "vitest";

import { capsule } from "../../src/domain/brush";
import { piecesToSlices } from "../../src/domain/planes";
import { area, fromBox, type Spans } from "../../src/domain/spans";
import { acceptAll, discard, judge, relabel } from "../../src/state/actions/judge";
import { imageLabels, setImageLabel } from "../../src/state/actions/imagelabels";
import { addTo, eraseFrom, finishStroke, strokeTarget } from "../../src/state/actions/paint";
import { reviewAll, reviewBox, reviewedCount } from "../../src/state/actions/reviewed";
import { CaseDocument, ChangeBuilder, type Change } from "../../src/state/document";
import { History } from "../../src/state/history";
import type { ReviewState } from "../../src/state/review_state";
import { random } from "../vectors";
import { review } from "./support";

const GRID = { grid: { nx: 40, ny: 30, nz: 5 }, spacingZyx: [3, 1, 1] as const, source: "patient" as const };

function stroke(state: ReviewState, u: number, v: number, radius: number, z: number, erase = false): void {
  const pieces = capsule({ u, v }, { u: u + 3, v: v + 2 }, radius, { u: 1, v: 1 }, { width: 40, height: 30 });
  const drawn = piecesToSlices(pieces, "axial", z, state.facts.grid);
  const finding = erase ? state.selected : strokeTarget(state, { x: u, y: v, z }).number;
  if (finding === null) return;
  state.draft.extend(erase ? eraseFrom(state, [finding], drawn) : addTo(state, finding, drawn));
  finishStroke(state, [finding], erase ? "erase" : "brush");
}

const striped = (edges: number): Spans => Uint32Array.from({ length: edges }, (_, k) => 2 * k);

/** A long sitting of every kind of act, drawn by lot. */
function workALot(state: ReviewState, seed: number, steps: number): void {
  const next = random(seed);
  const any = (): number => [...state.document.findings().keys()][Math.floor(next() * state.document.findings().size)] ?? 1;
  for (let step = 0; step < steps; step++) {
    const act = Math.floor(next() * 9);
    if (act <= 3) stroke(state, next() * 40, next() * 30, 1 + next() * 5, Math.floor(next() * 5));
    else if (act === 4) stroke(state, next() * 40, next() * 30, 4, Math.floor(next() * 5), true);
    else if (act === 5) state.select(next() < 0.5 ? null : any());
    else if (act === 6) judge(state, [any()], next() < 0.5 ? "accepted" : "rejected");
    else if (act === 7) relabel(state, [any()], 1 + Math.floor(next() * 3));
    else if (next() < 0.5) discard(state, [any()]);
    else reviewBox(state, [2, 2, 20, 10], Math.floor(next() * 5), next() < 0.7);
  }
}

describe("undo and redo", () => {
  test("to the start and to the end again give identical digests, over seeds", () => {
    for (let seed = 1; seed <= 12; seed++) {
      const state = review("instances", GRID);
      const empty = state.document.digests();
      workALot(state, seed, 60);
      const worked = state.document.digests();
      while (state.history.undo());
      expect(state.document.digests()).toEqual(empty);
      while (state.history.redo());
      expect(state.document.digests()).toEqual(worked);
    }
  });

  test("are changes themselves: applied in order elsewhere they give the same document", () => {
    const changes: Change[] = [];
    const state = review("instances", GRID, (change) => changes.push(change));
    workALot(state, 4, 40);
    for (let k = 0; k < 9; k++) state.history.undo();
    for (let k = 0; k < 4; k++) state.history.redo();
    const other = review("instances", GRID);
    changes.forEach((change) => other.document.apply(change));
    expect(other.document.digests()).toEqual(state.document.digests());
  });

  test("keep only touched voxels", () => {
    const changes: Change[] = [];
    const state = review("instances", {}, (change) => changes.push(change));
    stroke(state, 10, 10, 2, 0);
    stroke(state, 10, 10, 2, 0);
    expect(changes).toHaveLength(1);
    expect(area(changes[0].masks[0].toggled)).toBe(area(state.document.mask(1, 0)));
  });

  test("of nothing do nothing", () => {
    const state = review();
    expect(state.history.undo()).toBeNull();
    expect(state.history.redo()).toBeNull();
  });

  test("keep within their memory: the oldest steps are let go, the newest never", () => {
    const document = new CaseDocument();
    const history = new History(document, () => undefined, 3_000);
    const fields = review().newFields();
    for (let finding = 1; finding <= 20; finding++) history.commit(new ChangeBuilder(document).set(finding, fields).done("box"));
    let steps = 0;
    while (history.undo()) steps++;
    expect(steps).toBe(6);
    expect([document.findings().size, history.trail.floor]).toEqual([14, 14]);
    history.commit(new ChangeBuilder(document).row(0, 0, fromBox([0, 0, 40, 1], 80, 1000)).row(0, 1, striped(2_000)).done("reviewed"));
    expect(history.undo()).not.toBeNull();
  });

  test("a new change ends what could be redone", () => {
    const state = review();
    stroke(state, 10, 10, 2, 0);
    state.history.undo();
    stroke(state, 20, 20, 2, 0);
    expect(state.history.redo()).toBeNull();
  });
});

describe("a stroke", () => {
  test("that is called off leaves no trace", () => {
    const state = review();
    const { number } = strokeTarget(state, { x: 1, y: 1, z: 0 });
    state.draft.extend(addTo(state, number, new Map([[0, fromBox([1, 1, 9, 9], 40, 30)]])));
    state.draft.cancel();
    expect(state.document.digests()).toEqual([]);
    expect(state.history.undoable).toBeNull();
  });

  test("takes voxels from neighbours, spares them, or overlaps them, as the rule says", () => {
    const masks = { replace: [75, 100], protect: [100, 75], allow: [100, 100] } as const;
    for (const rule of ["replace", "protect", "allow"] as const) {
      const state = review();
      state.setTools({ neighbours: rule });
      for (const box of [[0, 0, 10, 10], [5, 5, 15, 15]] as const) {
        state.select(null);
        const { number } = strokeTarget(state, { x: box[0], y: box[1], z: 0 });
        state.draft.extend(addTo(state, number, new Map([[0, fromBox(box, 40, 30)]])));
        finishStroke(state, [number], "brush");
      }
      expect([1, 2].map((finding) => area(state.document.mask(finding, 0)))).toEqual(masks[rule]);
    }
  });

  test("never cuts a label that may overlap", () => {
    const state = review();
    state.setTools({ label: 3 });
    stroke(state, 10, 10, 6, 0);
    const organ = area(state.document.mask(1, 0));
    state.select(null);
    state.setTools({ label: 1 });
    stroke(state, 10, 10, 3, 0);
    expect(area(state.document.mask(1, 0))).toBe(organ);
  });

  test("well away from the selected instance begins a new one, unless it is told to join", () => {
    const state = review();
    state.setTools({ radius: 2 });
    stroke(state, 5, 5, 2, 0);
    stroke(state, 8, 6, 2, 0);
    expect([...state.document.findings().keys()]).toEqual([1]);
    stroke(state, 34, 25, 2, 0);
    expect([...state.document.findings().keys()]).toEqual([1, 2]);
    expect(strokeTarget(state, { x: 1, y: 1, z: 0, joins: true }).number).toBe(2);
  });

  test("goes to the one finding of its label in a semantic task", () => {
    const state = review("semantic", GRID);
    stroke(state, 10, 10, 3, 0);
    state.select(null);
    stroke(state, 30, 20, 3, 2);
    expect([...state.document.findings().keys()]).toEqual([1]);
    expect([...state.document.slices(1).keys()]).toEqual([0, 2]);
  });

  test("that erases everything a person drew removes the finding", () => {
    const state = review();
    stroke(state, 10, 10, 2, 0);
    stroke(state, 10, 10, 9, 0, true);
    expect(state.document.findings().size).toBe(0);
    expect(state.selected).toBeNull();
    state.history.undo();
    expect(state.document.findings().size).toBe(1);
  });

  test("on a proposal makes it a person's work, and keeps its score", () => {
    const state = review();
    const proposal = { ...state.newFields(), state: "proposed" as const, source: "network" as const, score: 0.7, run: "run", candidate: 0 };
    const builder = new ChangeBuilder(state.document).set(1, proposal).row(1, 0, fromBox([5, 5, 9, 9], 40, 30));
    state.document.apply(builder.done("load"));
    state.select(1);
    stroke(state, 10, 10, 2, 0);
    expect(state.document.finding(1)).toMatchObject({ source: "person", score: 0.7, state: "proposed" });
  });
});

describe("a verdict", () => {
  test("given twice goes back to a proposal only where a network proposed", () => {
    const state = review();
    const fields = { ...state.newFields(), state: "proposed" as const };
    state.document.apply(new ChangeBuilder(state.document).set(1, { ...fields, source: "network", run: "r" }).set(2, fields).done("load"));
    judge(state, [1], "accepted");
    judge(state, [1], "accepted");
    expect(state.document.finding(1)?.state).toBe("proposed");
    judge(state, [2], "accepted");
    judge(state, [2], "accepted");
    expect(state.document.finding(2)?.state).toBe("accepted");
  });

  test("on all is one step to undo", () => {
    const state = review();
    const fields = { ...state.newFields(), state: "proposed" as const };
    state.document.apply(new ChangeBuilder(state.document).set(1, fields).set(2, fields).done("load"));
    expect(acceptAll(state)).toBe(2);
    state.history.undo();
    expect(state.document.finding(2)?.state).toBe("proposed");
  });

  test("deletes what was drawn and rejects what was proposed", () => {
    const state = review();
    stroke(state, 10, 10, 2, 0);
    const proposal = { ...state.newFields(), run: "r", source: "network" as const };
    state.document.apply(new ChangeBuilder(state.document).set(2, proposal).done("load"));
    discard(state, [1, 2]);
    expect(state.document.finding(1)).toBeNull();
    expect(state.document.mask(1, 0)).toHaveLength(0);
    expect(state.document.finding(2)?.state).toBe("rejected");
  });

  test("on an image label can be taken back", () => {
    const state = review("labels");
    setImageLabel(state, 2, "accepted");
    expect(imageLabels(state).find((row) => row.label === 2)?.fields?.state).toBe("accepted");
    setImageLabel(state, 2, "accepted");
    expect(state.document.findings().size).toBe(0);
  });
});

describe("the reviewed mark", () => {
  test("counts whole slices and parts, and is no finding", () => {
    const state = review("semantic", GRID);
    reviewBox(state, [0, 0, 10, 10], 1, true);
    expect(reviewedCount(state)).toEqual({ whole: 0, part: 1 });
    reviewAll(state, true);
    expect(reviewedCount(state)).toEqual({ whole: 5, part: 0 });
    expect(state.document.findings().size).toBe(0);
    reviewBox(state, [0, 0, 10, 10], 1, false);
    expect(reviewedCount(state)).toEqual({ whole: 4, part: 1 });
  });
});
