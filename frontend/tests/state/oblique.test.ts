import { describe, expect, test } from "vitest";

import { canvasPoint, canvasToImage, imageToVoxel, voxel, type Plane } from "../../src/domain/coordinates";
import { normalOf } from "../../src/domain/oblique";
import { levelOblique, stepOblique, toggleOblique, turnOblique } from "../../src/state/actions/oblique";
import type { ReviewState } from "../../src/state/review_state";
import { CUT_HANDLE } from "../../src/state/shapes";
import { ToolController } from "../../src/tools/controller";
import { review } from "./support";

const CT = { grid: { nx: 40, ny: 30, nz: 20 }, spacingZyx: [2, 1, 1] as const, affineLps: [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 2, 0], [0, 0, 0, 1]] };

function opened(): ReviewState {
  const state = review("semantic", CT);
  state.look({ cursor: voxel(20.5, 15.5, 10.5) });
  toggleOblique(state);
  return state;
}

const event = (state: ReviewState, plane: Plane, slice: number, x: number, y: number) => {
  const canvas = canvasPoint(x, y);
  const image = canvasToImage(state.views[plane], canvas);
  return { plane, slice, canvas, image, voxel: imageToVoxel(plane, image, slice, CT.grid), shift: false, alt: false, ctrl: false };
};

describe("a tilted plane", () => {
  test("opens level, closes, and needs a volume", () => {
    const state = opened();
    expect(normalOf(state.looks.oblique!).map((part) => part + 0)).toEqual([0, 0, -1]); // seen from below
    toggleOblique(state);
    expect(state.looks.oblique).toBeNull();
    const picture = review("semantic");
    toggleOblique(picture);
    expect(picture.looks.oblique).toBeNull();
  });

  test("steps upwards by the finest spacing, and never out of the volume", () => {
    const state = opened();
    stepOblique(state, 2);
    expect(state.looks.cursor.z).toBeCloseTo(11.5, 9); // two steps of 1 mm are one slice
    stepOblique(state, -999);
    expect(state.looks.cursor.z).toBe(0);
  });

  test("is turned by the handle of its line, and stays there", () => {
    const state = opened();
    const controller = new ToolController(state, () => undefined);
    state.setTools({ tool: "brush" });
    state.views.coronal = { ...state.views.coronal, scale: 10 };
    expect(controller.shapes("axial").filter(({ kind }) => kind === "cut")).toEqual([]); // the same plane has no line
    const [x, y] = [205, (20 - 10.5) * 10 * 2];
    expect(controller.down(event(state, "coronal", 15, x + CUT_HANDLE, y), 0, 1)).toBe(true);
    controller.move(event(state, "coronal", 15, x + 50, y + 50), 1);
    controller.move(event(state, "coronal", 15, x, y + 80), 1);
    controller.up(event(state, "coronal", 15, x, y + 80), 1);
    expect(state.document.drawnSlices()).toEqual([]);
    const [left, , up] = normalOf(state.looks.oblique!);
    expect(Math.abs(left)).toBeCloseTo(1, 9);
    expect(up).toBeCloseTo(0, 9);
    controller.down(event(state, "coronal", 15, x + 30, y - 25), 0, 1);
    controller.up(event(state, "coronal", 15, x + 30, y - 25), 1);
    expect(state.document.drawnSlices().length).toBeGreaterThan(0); // beside the handle the brush is the brush
  });

  test("turns by its own axes and can be levelled", () => {
    const state = opened();
    turnOblique(state, "right", 0.4);
    turnOblique(state, "up", -0.3);
    turnOblique(state, "normal", 1);
    expect(normalOf(state.looks.oblique!)[2]).toBeGreaterThan(-0.95);
    levelOblique(state);
    expect(normalOf(state.looks.oblique!)[2]).toBeCloseTo(-1, 9);
  });
});
