import { describe, expect, test } from "vitest";

import { area, fromBitmap, fromBox, subtract, union, type Box, type Spans } from "../../src/domain/spans";
import { cutAlong, duplicate, splitParts } from "../../src/state/actions/apart";
import { relabel } from "../../src/state/actions/judge";
import { bringOnward } from "../../src/state/actions/onward";
import { changed, reshape } from "../../src/state/actions/reshape";
import { othersOf, pairUp } from "../../src/state/actions/together";
import { ChangeBuilder, type Change } from "../../src/state/document";
import type { ReviewState } from "../../src/state/review_state";
import type { FindingFields, ImageFacts, Task } from "../../src/state/types";
import { review } from "./support";

const [NX, NY] = [40, 30];
const boxed = (box: Box): Spans => fromBox(box, NX, NY);

type Page = { state: ReviewState; changes: Change[] };

function opened(task: Task = "instances", more: Partial<ImageFacts> = {}): Page {
  const changes: Change[] = [];
  const state = review(task, more, (change) => changes.push(change));
  return { state, changes };
}

const volume = (): Page => opened("instances", { grid: { nx: NX, ny: NY, nz: 5 } });

function have({ state, changes }: Page, finding: number, slices: Record<number, Spans>, fields: Partial<FindingFields> = {}): void {
  const builder = new ChangeBuilder(state.document).set(finding, state.newFields(fields));
  for (const [z, spans] of Object.entries(slices)) builder.row(finding, Number(z), spans);
  state.history.commit(builder.done("load"));
  state.history.clear();
  changes.length = 0;
}

/** One step that undo takes back to the very same document, and redo brings again. */
function oneStep({ state, changes }: Page, act: () => void): void {
  const before = state.document.digests();
  act();
  expect(changes).toHaveLength(1);
  const after = state.document.digests();
  expect(after).not.toEqual(before);
  state.history.undo();
  expect(state.document.digests()).toEqual(before);
  state.history.redo();
  expect(state.document.digests()).toEqual(after);
}

describe("reshaping a finding", () => {
  const dotted = union(boxed([5, 5, 15, 15]), boxed([20, 20, 22, 22]));

  test.each([
    ["grow", { margin: 2 }, 10 * 10 + 4 * 10 * 2 + 4 * 1 + 2 * 2 + 4 * 2 * 2 + 4 * 1],
    ["shrink", { margin: 1 }, 64],
    ["largest", {}, 100],
    ["small", { smallest: 5 }, 100],
  ] as const)("%s is one step in the history and counts right", (how, settings, expected) => {
    const page = opened();
    have(page, 1, { 0: dotted });
    page.state.setTools(settings);
    oneStep(page, () => expect(reshape(page.state, 1, how)).toBe("done"));
    expect(area(page.state.document.mask(1, 0))).toBe(expected);
    expect(page.state.document.finding(1)?.source).toBe("person");
  });

  test("fills holes, and where a neighbour lies in one it gives way or stays, as the rule says", () => {
    const ring = subtract(boxed([5, 5, 20, 20]), boxed([10, 10, 15, 15]));
    for (const [neighbours, filled, left] of [["replace", 225, 0], ["protect", 221, 4], ["allow", 225, 4]] as const) {
      const page = opened();
      have(page, 1, { 0: ring });
      have(page, 2, { 0: boxed([11, 11, 13, 13]) });
      page.state.setTools({ neighbours });
      oneStep(page, () => reshape(page.state, 1, "holes"));
      expect(area(page.state.document.mask(1, 0))).toBe(filled);
      expect(area(page.state.document.mask(2, 0))).toBe(left);
    }
  });

  test("that may overlap grows over its neighbours and takes nothing", () => {
    const page = opened();
    have(page, 1, { 0: boxed([5, 5, 15, 15]) }, { label: 3 });
    have(page, 2, { 0: boxed([15, 5, 20, 15]) });
    reshape(page.state, 1, "grow");
    expect(area(page.state.document.mask(2, 0))).toBe(50);
    expect(area(page.state.document.mask(1, 0))).toBeGreaterThan(100);
  });

  test("stops short of leaving nothing, and says when nothing changes or neighbours are kept", () => {
    const page = opened();
    have(page, 1, { 0: boxed([5, 5, 8, 8]) });
    page.state.setTools({ margin: 5 });
    expect(reshape(page.state, 1, "shrink")).toBe("vanishes");
    expect(reshape(page.state, 1, "largest")).toBe("nothing");
    have(page, 2, { 0: subtract(boxed([0, 0, NX, NY]), boxed([5, 5, 8, 8])) });
    page.state.setTools({ neighbours: "protect" });
    expect(reshape(page.state, 1, "grow")).toBe("kept");
    expect(page.changes).toHaveLength(0);
  });

  test("leaves the reviewed region alone", () => {
    const page = opened();
    page.state.history.commit(new ChangeBuilder(page.state.document).row(0, 0, boxed([0, 0, 20, 20])).done("reviewed"));
    have(page, 1, { 0: boxed([5, 5, 15, 15]) });
    reshape(page.state, 1, "grow");
    expect(area(page.state.document.mask(0, 0))).toBe(400);
  });

  test("reaches one slice, every slice or the volume, and changes no other row", () => {
    const ring = subtract(boxed([5, 5, 20, 20]), boxed([10, 10, 15, 15]));
    const shell = { 1: boxed([5, 5, 20, 20]), 2: ring, 3: ring, 4: boxed([5, 5, 20, 20]) };
    for (const [reach, touched] of [["slice", [2]], ["slices", [2, 3]], ["volume", [2, 3]]] as const) {
      const page = volume();
      have(page, 1, shell);
      page.state.setTools({ reach });
      oneStep(page, () => reshape(page.state, 1, "holes"));
      expect(page.changes[0].masks.map(({ z }) => z).sort()).toEqual(touched);
    }
    const open = volume();
    have(open, 1, { 2: ring, 3: ring });
    expect(reshape(open.state, 1, "holes")).toBe("nothing");
  });

  test("works in the main plane that is looked at", () => {
    const page = volume();
    have(page, 1, Object.fromEntries([0, 1, 2, 3, 4].map((z) => [z, boxed([10, 10, 20, 20])])));
    page.state.setTools({ reach: "slice", margin: 1 });
    page.state.look({ plane: "coronal", cursor: { ...page.state.looks.cursor, y: 15.5 } });
    oneStep(page, () => reshape(page.state, 1, "grow"));
    // Two more columns on each of five slices, on row 15 alone.
    expect([0, 1, 2, 3, 4].map((z) => area(page.state.document.mask(1, z)))).toEqual([102, 102, 102, 102, 102]);
  });

  test("measures margins in millimetres where they are known", () => {
    const page = opened("instances", { grid: { nx: NX, ny: NY, nz: 5 }, spacingZyx: [3, 1, 1], source: "patient" });
    have(page, 1, { 2: boxed([15, 15, 16, 16]) });
    page.state.setTools({ unit: "length", margin: 3 });
    reshape(page.state, 1, "grow");
    expect([...page.state.document.slices(1).keys()].sort()).toEqual([1, 2, 3]);
    expect(area(page.state.document.mask(1, 1))).toBe(1);
    expect(area(page.state.document.mask(1, 2))).toBe(29);
  });

  test("of a moving picture keeps to its moment", () => {
    const page = opened("instances", { times: 3 });
    have(page, 1, { 0: dotted, 1: dotted });
    page.state.look({ t: 1 });
    reshape(page.state, 1, "largest");
    expect([0, 1].map((plane) => area(page.state.document.mask(1, plane)))).toEqual([104, 100]);
  });
});

describe("two findings", () => {
  function pair(neighbours: "replace" | "protect" | "allow" = "replace"): Page {
    const page = opened();
    have(page, 1, { 0: boxed([5, 5, 15, 15]) }, { label: 3 });
    have(page, 2, { 0: boxed([10, 5, 20, 15]) }, { label: 3 });
    have(page, 3, { 0: boxed([30, 20, 35, 25]) });
    page.state.setTools({ neighbours });
    return page;
  }

  test.each([
    ["join", 150, 100],
    ["subtract", 50, 100],
    ["intersect", 50, 100],
    ["merge", 150, 0],
  ] as const)("%s as one step", (how, mine, theirs) => {
    const page = pair();
    oneStep(page, () => expect(pairUp(page.state, 1, 2, how)).toBe("done"));
    expect(area(page.state.document.mask(1, 0))).toBe(mine);
    expect(area(page.state.document.mask(2, 0))).toBe(theirs);
    expect(page.state.document.finding(2) === null).toBe(how === "merge");
  });

  test("that may not overlap: the joined one gives way, or nothing happens", () => {
    const page = opened();
    have(page, 1, { 0: boxed([5, 5, 10, 15]) });
    have(page, 2, { 0: boxed([10, 5, 20, 15]) });
    page.state.setTools({ neighbours: "protect" });
    expect(pairUp(page.state, 1, 2, "join")).toBe("kept");
    page.state.setTools({ neighbours: "replace" });
    oneStep(page, () => pairUp(page.state, 1, 2, "join"));
    expect(page.state.document.finding(2)).toBeNull();
    expect(area(page.state.document.mask(1, 0))).toBe(150);
  });

  test("that do not meet are left as they are", () => {
    const page = pair();
    expect(pairUp(page.state, 1, 3, "subtract")).toBe("apart");
    expect(pairUp(page.state, 1, 3, "intersect")).toBe("apart");
    expect(page.changes).toHaveLength(0);
  });

  test("merged reject what a network proposed, so that it can be learnt from", () => {
    const page = pair();
    have(page, 4, { 0: boxed([15, 5, 25, 15]) }, { run: "run", source: "network", state: "proposed", candidate: 0 });
    oneStep(page, () => pairUp(page.state, 1, 4, "merge"));
    expect(page.state.document.finding(4)?.state).toBe("rejected");
    expect(area(page.state.document.mask(1, 0))).toBe(200);
  });

  test("are offered the nearest first, without what is hidden", () => {
    const page = pair();
    have(page, 4, { 0: boxed([16, 16, 18, 18]) }, { state: "rejected" });
    have(page, 5, { 0: boxed([16, 16, 18, 18]) });
    expect(othersOf(page.state, 1)).toEqual([2, 5, 3]);
  });
});

describe("a finding taken apart", () => {
  test("into its parts keeps its number for the largest", () => {
    const page = opened();
    have(page, 1, { 0: union(union(boxed([2, 2, 4, 4]), boxed([10, 10, 20, 20])), boxed([30, 2, 33, 5])) }, { label: 2 });
    oneStep(page, () => expect(splitParts(page.state, 1)).toBe("done"));
    expect([1, 2, 3].map((finding) => area(page.state.document.mask(finding, 0)))).toEqual([100, 9, 4]);
    expect(page.state.document.finding(3)).toMatchObject({ label: 2, source: "person", state: "accepted" });
    expect(splitParts(page.state, 1)).toBe("onePart");
  });

  test("of noise is refused", () => {
    const page = opened();
    have(page, 1, { 0: fromBitmap(Uint8Array.from({ length: NX * NY }, (_, k) => Number((k + Math.floor(k / NX)) % 2))) });
    expect(splitParts(page.state, 1)).toBe("tooMany");
  });

  test("along a line gives two findings and loses no voxel", () => {
    const page = volume();
    have(page, 1, { 1: boxed([5, 5, 25, 15]), 2: boxed([5, 5, 25, 15]) });
    const line = { plane: "axial" as const, points: [{ u: 11.5, v: 2 }, { u: 11.5, v: 20 }] };
    oneStep(page, () => expect(cutAlong(page.state, 1, line)).toBe("done"));
    for (const z of [1, 2]) {
      expect(area(page.state.document.mask(1, z)) + area(page.state.document.mask(2, z))).toBe(200);
      expect(area(union(page.state.document.mask(1, z), page.state.document.mask(2, z)))).toBe(200);
    }
    page.state.setTools({ reach: "slice" });
    page.state.look({ cursor: { ...page.state.looks.cursor, z: 1.5 } });
    const other = { plane: "axial" as const, points: [{ u: 2, v: 9.5 }, { u: 30, v: 9.5 }] };
    oneStep({ ...page, changes: (page.changes.length = 0, page.changes) }, () => expect(cutAlong(page.state, 1, other)).toBe("done"));
    expect([...page.state.document.slices(3).keys()]).toEqual([1]);
    expect(cutAlong(page.state, 2, { ...line, points: [{ u: 1, v: 1 }, { u: 2, v: 2 }] })).toBe("noCut");
  });
});

describe("a copy", () => {
  test("on top exists only where masks may overlap", () => {
    const page = opened();
    have(page, 1, { 0: boxed([5, 5, 15, 15]) });
    expect(duplicate(page.state, 1)).toBe("noOverlap");
    page.state.setTools({ neighbours: "allow" });
    oneStep(page, () => expect(duplicate(page.state, 1)).toBe("done"));
    expect(page.state.document.mask(2, 0)).toEqual(page.state.document.mask(1, 0));
  });

  test("goes to the next slice and the page with it, until there is none", () => {
    const page = volume();
    have(page, 1, { 3: boxed([5, 5, 15, 15]) });
    page.state.look({ cursor: { ...page.state.looks.cursor, z: 3.5 } });
    oneStep(page, () => expect(bringOnward(page.state, 1, 1, false)).toBe("done"));
    expect(page.state.document.mask(1, 4)).toEqual(page.state.document.mask(1, 3));
    expect(Math.floor(page.state.looks.cursor.z)).toBe(4);
    expect(bringOnward(page.state, 1, 1, false)).toBe("edge");
    page.state.look({ cursor: { ...page.state.looks.cursor, z: 0.5 } });
    expect(bringOnward(page.state, 1, 1, false)).toBe("emptyHere");
  });

  test("fitted to the next slice follows its image, and says when that is not here", () => {
    const page = volume();
    have(page, 1, { 2: boxed([10, 10, 20, 20]) });
    expect(bringOnward(page.state, 1, -1, true)).toBe("loading");
    const image = (box: Box): Uint8Array<ArrayBuffer> => {
      const inside = boxed(box);
      const samples = new Uint8Array(NX * NY).fill(40);
      for (let k = 0; k < inside.length; k += 2) samples.fill(180, inside[k], inside[k + 1]);
      return samples;
    };
    page.state.volume.put(0, 2, image([10, 10, 20, 20]));
    page.state.volume.put(0, 1, image([11, 11, 22, 20]));
    page.state.setTools({ margin: 3 });
    oneStep(page, () => expect(bringOnward(page.state, 1, -1, true)).toBe("done"));
    expect(page.state.document.mask(1, 1)).toEqual(boxed([11, 11, 22, 20]));
  });

  test("of a moving picture goes to the next frame", () => {
    const page = opened("instances", { times: 3 });
    have(page, 1, { 0: boxed([5, 5, 15, 15]) });
    oneStep(page, () => expect(bringOnward(page.state, 1, 1, false)).toBe("done"));
    expect(page.state.looks.t).toBe(1);
    expect(area(page.state.document.mask(1, 1))).toBe(100);
  });
});

test("a finding that gets a label whose masks may not overlap settles with its neighbours", () => {
  for (const [neighbours, own, other] of [["replace", 100, 50], ["protect", 50, 100], ["allow", 100, 100]] as const) {
    const page = opened();
    have(page, 1, { 0: boxed([5, 5, 15, 15]) }, { label: 3 });
    have(page, 2, { 0: boxed([10, 5, 20, 15]) }, { label: 1 });
    page.state.setTools({ neighbours });
    oneStep(page, () => relabel(page.state, [1], 2));
    expect([1, 2].map((finding) => area(page.state.document.mask(finding, 0)))).toEqual([own, other]);
  }
});

test("five hundred random operations, undone and redone, give the same document at every step", () => {
  const page = volume();
  let state = 12345;
  const random = (below: number): number => (state = (state * 48271) % 2147483647) % below;
  have(page, 1, { 1: boxed([5, 5, 15, 15]), 2: union(boxed([4, 4, 18, 14]), boxed([30, 20, 33, 24])), 3: boxed([6, 6, 14, 14]) });
  have(page, 2, { 2: boxed([20, 5, 30, 15]) });
  const { document, tools } = page.state;
  const steps = [document.digests()];
  for (let round = 0; round < 500; round++) {
    const shown = [...document.findings().keys()].filter((finding) => document.slices(finding).size > 0);
    const finding = shown[random(shown.length)];
    page.state.setTools({ ...tools, reach: (["slice", "slices", "volume"] as const)[random(3)], neighbours: (["replace", "protect", "allow"] as const)[random(3)], margin: 1 + random(3) });
    page.state.look({ cursor: { ...page.state.looks.cursor, z: random(5) + 0.5 } });
    const before = page.changes.length;
    const kind = random(10);
    if (kind < 5) reshape(page.state, finding, (["grow", "shrink", "smooth", "largest", "holes"] as const)[kind]);
    else if (kind === 5 && shown.length < 12) splitParts(page.state, finding);
    else if (kind === 6) bringOnward(page.state, finding, random(2) === 0 ? 1 : -1, false);
    else if (kind === 7 && othersOf(page.state, finding).length > 0) pairUp(page.state, finding, othersOf(page.state, finding)[0], (["join", "subtract", "merge"] as const)[random(3)]);
    else if (kind === 8 && shown.length < 12) cutAlong(page.state, finding, { plane: "axial", points: [{ u: random(40), v: 0 }, { u: random(40), v: 30 }] });
    else changed(page.state, finding, new Map([[random(5), boxed([random(30), random(20), 35, 25])]]), new Map(), "add");
    expect(page.changes.length - before).toBeLessThanOrEqual(1);
    if (page.changes.length > before) steps.push(document.digests());
  }
  expect(steps.length).toBeGreaterThan(200);
  for (let at = steps.length - 2; at >= 0; at--) {
    page.state.history.undo();
    expect(document.digests()).toEqual(steps[at]);
  }
  for (let at = 1; at < steps.length; at++) {
    page.state.history.redo();
    expect(document.digests()).toEqual(steps[at]);
  }
});
