import { describe, expect, test } from "vitest";

import { area, EMPTY, fromBitmap, fromBox, toBitmap, unionOf, union, type Box, type Spans } from "../../src/domain/spans";
import { nextChange } from "../../src/state/actions/difference";
import { ChangeBuilder, type CaseDocument } from "../../src/state/document";
import { Difference, type PlaneDifference } from "../../src/state/difference";
import type { ReviewState } from "../../src/state/review_state";
import type { FindingFields, FindingState } from "../../src/state/types";
import { random } from "../vectors";
import { review } from "./support";

const [NX, NY] = [40, 30];
const SIZE = NX * NY;
const PLANES = 3;
const boxed = (box: Box): Spans => fromBox(box, NX, NY);

const volume = (): ReviewState => review("instances", { grid: { nx: NX, ny: NY, nz: PLANES } });

function put(state: ReviewState, finding: number, slices: Record<number, Spans>, fields: Partial<FindingFields> = {}): void {
  const builder = new ChangeBuilder(state.document).set(finding, state.newFields(fields));
  for (const [z, spans] of Object.entries(slices)) builder.row(finding, Number(z), spans);
  state.history.commit(builder.done("load"));
}

/** Voxel by voxel, as the definition says it. */
function slowly(before: CaseDocument, after: CaseDocument, z: number): Record<"gained" | "lost" | "passed", number[]> {
  const [was, is] = [owners(before, z), owners(after, z)];
  const found = { gained: [] as number[], lost: [] as number[], passed: [] as number[] };
  for (let k = 0; k < SIZE; k++) {
    if (was[k] === is[k]) continue;
    if (was[k] === "") found.gained.push(k);
    else if (is[k] === "") found.lost.push(k);
    else found.passed.push(k);
  }
  return found;
}

/** For each voxel who owns it: findings with their labels, in order. */
function owners(document: CaseDocument, z: number): string[] {
  const named = Array<string>(SIZE).fill("");
  for (const [finding, { label, state }] of [...document.findings()].sort(([a], [b]) => a - b)) {
    if (finding === 0 || state === "rejected" || state === "suppressed") continue;
    toBitmap(document.mask(finding, z), SIZE).forEach((on, k) => on && (named[k] += `${finding}:${label} `));
  }
  return named;
}

const places = (spans: Spans): number[] => [...toBitmap(spans, SIZE).entries()].filter(([, on]) => on === 1).map(([k]) => k);
const told = ({ gained, lost, passed }: PlaneDifference) => ({ gained: places(gained), lost: places(lost), passed: places(passed) });

const STATES: FindingState[] = ["proposed", "accepted", "rejected", "suppressed"];

function scribble(state: ReviewState, next: () => number): void {
  const finding = Math.floor(next() * 6);
  const builder = new ChangeBuilder(state.document);
  const what = next();
  if (finding === 0) builder.row(0, Math.floor(next() * PLANES), boxed([0, 0, 9, 9]));
  else if (what < 0.15) builder.remove(finding);
  else {
    const known = state.document.finding(finding) ?? state.newFields();
    if (what < 0.4) builder.set(finding, { ...known, label: 1 + Math.floor(next() * 2) });
    else if (what < 0.6) builder.set(finding, { ...known, state: STATES[Math.floor(next() * 4)] });
    else {
      builder.set(finding, known);
      const [x, y] = [Math.floor(next() * 30), Math.floor(next() * 20)];
      builder.row(finding, Math.floor(next() * PLANES), boxed([x, y, x + 1 + Math.floor(next() * 12), y + 1 + Math.floor(next() * 9)]));
    }
  }
  state.history.commit(builder.done("scribble"));
}

describe("the difference of two states", () => {
  test.each([1, 2, 3, 4, 5, 6])("is what comparing voxel by voxel gives, and stays so while one of them changes (seed %i)", (seed) => {
    const next = random(seed);
    const [before, after] = [volume(), volume()];
    for (let k = 0; k < 12; k++) scribble(before, next);
    for (let k = 0; k < 12; k++) scribble(after, next);
    const difference = new Difference(before.document, after.document, NX);
    for (let k = 0; k < 25; k++) {
      for (let z = 0; z < PLANES; z++) expect(told(difference.plane(z))).toEqual(slowly(before.document, after.document, z));
      expect(difference.findings()).toEqual(new Difference(before.document, after.document, NX).findings());
      if (k % 5 === 4) after.history.undo();
      else scribble(after, next);
    }
  });

  test("counts what differs and gives Dice of all masks", () => {
    const [before, after] = [volume(), volume()];
    put(before, 1, { 0: boxed([0, 0, 10, 10]), 1: boxed([0, 0, 10, 1]) });
    put(after, 1, { 0: boxed([0, 0, 10, 8]) });
    put(after, 2, { 2: boxed([5, 5, 10, 10]) });
    const { gained, lost, passed, dice } = new Difference(before.document, after.document, NX).totals();
    // 80 of 110 voxels stay, 30 go, 25 come: Dice = 2 * 80 / (110 + 105).
    expect([gained, lost, passed]).toEqual([25, 30, 0]);
    expect(dice).toBeCloseTo(160 / 215, 12);
  });

  test("has no Dice where neither state has a mask", () => {
    expect(new Difference(volume().document, volume().document, NX).totals().dice).toBeNull();
  });

  test("names each finding's change, the largest first", () => {
    const [before, after] = [volume(), volume()];
    put(before, 1, { 0: boxed([0, 0, 4, 4]) });
    put(before, 2, { 0: boxed([10, 0, 20, 10]) });
    put(before, 3, { 1: boxed([0, 0, 6, 5]) });
    put(before, 4, { 1: boxed([20, 20, 25, 25]) });
    put(after, 1, { 0: boxed([0, 0, 4, 5]) });
    put(after, 2, { 0: boxed([10, 0, 20, 10]) }, { state: "rejected" });
    put(after, 3, { 1: boxed([0, 0, 6, 5]) }, { label: 2 });
    put(after, 4, { 1: boxed([20, 20, 25, 25]) });
    put(after, 5, { 2: boxed([0, 0, 5, 1]) });
    expect(new Difference(before.document, after.document, NX).findings()).toEqual([
      { finding: 2, kind: "lost", size: 100, plane: 0, box: [10, 0, 20, 10] },
      { finding: 3, kind: "relabelled", size: 30, plane: 1, box: [0, 0, 6, 5] },
      { finding: 5, kind: "gained", size: 5, plane: 2, box: [0, 0, 5, 1] },
      { finding: 1, kind: "reshaped", size: 4, plane: 0, box: [0, 4, 4, 5] },
    ]);
  });

  test("tells moved boxes with where they were", () => {
    const [before, after] = [review("boxes"), review("boxes")];
    put(before, 1, {}, { box: [1, 1, 5, 5], z: 0 });
    put(before, 2, {}, { box: [10, 10, 20, 20], z: 0 });
    put(after, 1, {}, { box: [2, 1, 6, 5], z: 0 });
    put(after, 2, {}, { box: [10, 10, 20, 20], z: 0 });
    const difference = new Difference(before.document, after.document, NX);
    expect(difference.findings()).toEqual([{ finding: 1, kind: "reshaped", size: 16, plane: 0, box: [2, 1, 6, 5] }]);
    expect(difference.boxes(0)).toEqual([
      { box: [1, 1, 5, 5], kind: "lost" },
      { box: [2, 1, 6, 5], kind: "gained" },
    ]);
    expect(difference.boxes(1)).toEqual([]);
  });

  test("is gone through from the largest change on and around the end", () => {
    const [before, after] = [volume(), volume()];
    put(after, 1, { 2: boxed([0, 0, 4, 4]) });
    put(after, 2, { 0: boxed([10, 0, 20, 10]) });
    after.difference = new Difference(before.document, after.document, NX);
    nextChange(after, 1);
    expect([after.selected, after.looks.cursor]).toEqual([2, { x: 15, y: 5, z: 0.5 }]);
    nextChange(after, 1);
    expect([after.selected, after.looks.cursor]).toEqual([1, { x: 2, y: 2, z: 2.5 }]);
    nextChange(after, 1);
    expect(after.selected).toBe(2);
    nextChange(after, -1);
    expect(after.selected).toBe(1);
  });
});

describe("the union of many masks", () => {
  test("is what joining them one by one gives", () => {
    const next = random(7);
    for (let count = 0; count < 9; count++) {
      const masks = Array.from({ length: count }, () => fromBitmap(Uint8Array.from({ length: SIZE }, () => Number(next() < 0.2))));
      expect(unionOf(masks)).toEqual(masks.reduce(union, EMPTY));
    }
    expect(area(unionOf([]))).toBe(0);
  });
});
