import { describe, expect, test } from "vitest";

import { windowOf } from "../../src/domain/window";
import { fromBox } from "../../src/domain/spans";
import { goToSlice, nextProposed, showFinding, stepSlice } from "../../src/state/actions/step";
import { ChangeBuilder } from "../../src/state/document";
import { findingRows, stateCounts } from "../../src/state/finding_list";
import { describeSpacing, readout } from "../../src/state/readout";
import { describeSize } from "../../src/state/sizes";
import type { ReviewState } from "../../src/state/review_state";
import type { FindingState } from "../../src/state/types";
import { centreAndWidth, firstLooks, presets } from "../../src/state/view_state";
import { Volume } from "../../src/state/volume";
import { canvasPoint, voxel } from "../../src/domain/coordinates";
import { facts, review } from "./support";

const CT = {
  grid: { nx: 4, ny: 3, nz: 5 },
  type: "int16" as const,
  modality: "CT",
  valueUnit: "HU",
  slope: 1,
  intercept: -1024,
  spacingZyx: [2, 0.5, 0.5] as const,
  source: "patient" as const,
  affineLps: [[0.5, 0, 0, -10], [0, 0.5, 0, 5], [0, 0, 2, 100], [0, 0, 0, 1]],
};

function listed(...rows: [FindingState, number | null][]): ReviewState {
  const state = review();
  const builder = new ChangeBuilder(state.document);
  rows.forEach(([verdict, score], index) => builder.set(index + 1, state.newFields({ state: verdict, score })));
  state.document.apply(builder.done("load"));
  return state;
}

describe("a volume", () => {
  test("draws each plane from the slices that are here", () => {
    const volume = new Volume(facts(CT));
    volume.put(0, 1, Int16Array.from({ length: 12 }, (_, k) => 10 + k));
    expect(volume.plane("axial", 0, 1)?.samples[5]).toBe(15);
    expect(volume.plane("axial", 0, 0)).toBeNull();
    const coronal = volume.plane("coronal", 0, 2)!;
    expect([coronal.width, coronal.height]).toEqual([4, 5]);
    expect([...coronal.samples.subarray(3 * 4, 4 * 4)]).toEqual([18, 19, 20, 21]);
    const sagittal = volume.plane("sagittal", 0, 1)!;
    expect([...sagittal.samples.subarray(3 * 3, 4 * 3)]).toEqual([11, 15, 19]);
  });
});

describe("the list of findings", () => {
  const rows: [FindingState, number | null][] = [["proposed", 0.6], ["accepted", 0.9], ["rejected", 0.4], ["suppressed", 0.8], ["accepted", null]];

  test("leaves out suppressed ones, and is in the order asked for", () => {
    const state = listed(...rows);
    const numbers = (order: "score" | "doubt" | "number"): number[] => findingRows(state, "all", order).map((row) => row.number);
    expect(numbers("score")).toEqual([2, 1, 3, 5]);
    expect(numbers("doubt")).toEqual([1, 3, 2, 5]);
    expect(numbers("number")).toEqual([1, 2, 3, 5]);
    expect(findingRows(state, "accepted", "number").map((row) => row.number)).toEqual([2, 5]);
  });

  test("counts every state", () => {
    expect(stateCounts(listed(...rows))).toEqual({ proposed: 1, suppressed: 1, accepted: 2, rejected: 1 });
  });

  test("leads to the next open one and round the end", () => {
    const state = listed(["proposed", 0.9], ["accepted", 0.8], ["proposed", 0.7]);
    state.select(1);
    expect(nextProposed(state, [1, 2, 3], 1)).toBe(3);
    state.select(3);
    expect(nextProposed(state, [1, 2, 3], 1)).toBe(1);
    expect(nextProposed(state, [2], 1)).toBeNull();
  });
});

describe("moving", () => {
  test("stops at the first and the last slice", () => {
    const state = review("semantic", CT);
    stepSlice(state, "axial", -99);
    expect(Math.floor(state.looks.cursor.z)).toBe(0);
    goToSlice(state, "axial", Infinity);
    expect(Math.floor(state.looks.cursor.z)).toBe(4);
  });

  test("to a finding shows its middle slice", () => {
    const state = review("semantic", CT);
    const builder = new ChangeBuilder(state.document).set(1, state.newFields());
    for (const z of [2, 3, 4]) builder.row(1, z, fromBox([1, 1, 3, 3], 4, 3));
    state.document.apply(builder.done("load"));
    showFinding(state, 1);
    expect(state.looks.cursor).toEqual({ x: 2, y: 2, z: 3.5 });
    expect(state.selected).toBe(1);
  });
});

describe("figures", () => {
  test("under the pointer are in the image's own unit, at the patient's place", () => {
    const state = review("semantic", CT);
    state.volume.put(0, 2, Int16Array.from({ length: 12 }, () => 1064));
    state.point({ plane: "axial", at: canvasPoint(0, 0), voxel: voxel(1.5, 1.5, 2.5) });
    expect(readout(state)).toEqual({ place: "1, 1, 2", value: "40 HU", world: "L -9.5  P 5.5  S 104.0 mm" });
    state.point({ plane: "axial", at: canvasPoint(0, 0), voxel: voxel(-1, 1.5, 2.5) });
    expect(readout(state)).toBeNull();
  });

  test("of the window are in the image's own unit too", () => {
    const about = facts({ ...CT, window: [1064, 400] });
    expect(centreAndWidth(about, firstLooks(about).window)).toEqual({ centre: 40, width: 400 });
    expect(presets(about).find((preset) => preset.name === "soft")?.window).toEqual(windowOf(1064, 400));
    expect(presets(facts())).toEqual([]);
  });

  test("of a size follow the spacing, and say so where there is none", () => {
    const state = review("semantic", CT);
    const builder = new ChangeBuilder(state.document).set(1, state.newFields()).row(1, 0, fromBox([0, 0, 2, 2], 4, 3));
    state.document.apply(builder.done("load"));
    expect(describeSize(state, 1)).toBe("2.00 mm³ · 1 / 5");
    expect(describeSpacing(state)).toBe("0.500 × 0.500 × 2.00 mm");
    const bare = review("boxes");
    bare.document.apply(new ChangeBuilder(bare.document).set(1, bare.newFields({ box: [1, 1, 4, 6] })).done("load"));
    expect(describeSize(bare, 1)).toBe("3.00 px × 5.00 px · uncalibrated");
  });

  test("of a MONOCHROME1 image begin inverted", () => {
    expect(firstLooks(facts({ photometric: "MONOCHROME1" })).inverted).toBe(true);
  });
});
