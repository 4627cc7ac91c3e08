import { describe, expect, test } from "vitest";

import { canvasPoint, canvasToImage, imageToVoxel, voxel } from "../../src/domain/coordinates";
import { nextSlab, resizeSlab } from "../../src/state/actions/slab";
import { FIRST_PREFERENCES } from "../../src/state/preferences";
import { readout } from "../../src/state/readout";
import { applyPreferences, preferencesOf } from "../../src/state/remember";
import type { ReviewState } from "../../src/state/review_state";
import { slabStatus } from "../../src/state/slab";
import { ToolController } from "../../src/tools/controller";
import { review } from "./support";

const CT = { grid: { nx: 40, ny: 30, nz: 9 }, type: "int16" as const, spacingZyx: [2, 1, 1] as const, source: "patient" as const, valueUnit: "HU" };

function opened(): ReviewState {
  const state = review("semantic", CT);
  for (let z = 0; z < 9; z++) state.volume.put(0, z, new Int16Array(40 * 30).fill(10 * z));
  state.look({ cursor: voxel(20, 15, 4.5) });
  return state;
}

/** A press in the middle of the axial plane. */
function press(state: ReviewState): number {
  let refused = 0;
  const controller = new ToolController(state, () => refused++);
  state.views.axial = { ...state.views.axial, scale: 10 };
  const canvas = canvasPoint(200, 150);
  const image = canvasToImage(state.views.axial, canvas);
  const event = { plane: "axial" as const, slice: 4, canvas, image, voxel: imageToVoxel("axial", image, 4, CT.grid), shift: false, alt: false, ctrl: false };
  controller.down(event, 0, 1);
  controller.up(event, 1);
  return refused;
}

describe("a slab", () => {
  test("is gone through rule by rule, back to the slice", () => {
    const state = opened();
    const seen = Array.from({ length: 4 }, () => (nextSlab(state), state.looks.slab));
    expect(seen).toEqual(["max", "min", "mean", null]);
    const picture = review("semantic");
    nextSlab(picture);
    expect(picture.looks.slab).toBeNull();
  });

  test("says how thick it is, how many slices it has and how many are on the way", () => {
    const state = opened();
    expect(slabStatus(state, "axial")).toBeNull();
    state.look({ slab: "max" });
    expect(slabStatus(state, "axial")).toEqual({ rule: "max", thickness: "10 mm", slices: 5, missing: 0 });
    expect(slabStatus(state, "coronal")).toEqual({ rule: "max", thickness: "10 mm", slices: 11, missing: 0 });
    const bare = review("semantic", { ...CT, spacingZyx: null, source: null });
    bare.look({ slab: "mean", slabThickness: 4 });
    expect(slabStatus(bare, "axial")).toEqual({ rule: "mean", thickness: "4 px", slices: 5, missing: 5 });
  });

  test("grows and shrinks in steps that take in other slices", () => {
    const state = opened();
    resizeSlab(state, 1);
    expect(state.looks.slabThickness).toBe(10); // there is no slab yet
    state.look({ slab: "max" });
    const widths = ([1, 1, -1, -1, -1, -1] as const).map((by) => (resizeSlab(state, by), state.looks.slabThickness));
    // Of 2 mm slices 10 mm take in five, 8 and 6 mm five and three, and less than 4 mm one alone.
    expect(widths).toEqual([15, 20, 15, 10, 6, 6]);
    expect(slabStatus(state, "axial")!.slices).toBe(3);
  });

  test("shows under the pointer what its pixels show", () => {
    const state = opened();
    state.point({ plane: "axial", at: canvasPoint(0, 0), voxel: voxel(3, 3, 4.5) });
    const values = (["max", "min", "mean", null] as const).map((slab) => (state.look({ slab }), readout(state)?.value));
    expect(values).toEqual(["60 HU", "20 HU", "40 HU", "40 HU"]);
  });

  test("takes no stroke", () => {
    const state = opened();
    state.setTools({ tool: "brush", radius: 3 });
    state.look({ slab: "max" });
    expect(press(state)).toBe(1);
    expect(state.document.drawnSlices()).toEqual([]);
    state.look({ slab: null });
    expect(press(state)).toBe(0);
    expect(state.document.drawnSlices()).toEqual([4]);
  });

  test("lets the crosshair go where it is put", () => {
    const state = opened();
    state.setTools({ tool: "select" });
    state.look({ slab: "max" });
    expect(press(state)).toBe(0);
  });

  test("leaves its thickness to the next case, never itself", () => {
    const state = opened();
    state.look({ slab: "max", slabThickness: 25, colours: "bone" });
    const kept = { ...FIRST_PREFERENCES, ...preferencesOf(state, FIRST_PREFERENCES) };
    const next = opened();
    applyPreferences(next, kept);
    expect([next.looks.slab, next.looks.slabThickness, next.looks.colours]).toEqual([null, 25, "bone"]);
  });
});
