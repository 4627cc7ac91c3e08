import { describe, expect, test } from "vitest";

import { canvasPoint, canvasToImage, imageToVoxel, type Plane } from "../../src/domain/coordinates";
import { area, fromBox } from "../../src/domain/spans";
import { interpolate } from "../../src/state/actions/gaps";
import { reviewAll, reviewedCount, reviewSlices } from "../../src/state/actions/reviewed";
import { goToPlace, placeHere, showFinding } from "../../src/state/actions/step";
import { Candidates } from "../../src/state/candidates";
import { ChangeBuilder } from "../../src/state/document";
import { describePlane } from "../../src/state/readout";
import type { ReviewState } from "../../src/state/review_state";
import { describeSize } from "../../src/state/sizes";
import type { ImageFacts, Task } from "../../src/state/types";
import { ToolController } from "../../src/tools/controller";
import { PlaneMasks } from "../../src/viewer/plane_masks";
import { review } from "../state/support";

const CINE = { times: 8 };
const DYNAMIC = { times: 3, grid: { nx: 40, ny: 30, nz: 5 } };

type Hand = { state: ReviewState; press: (x: number, y: number, plane?: Plane) => void };

/** A page at ten canvas pixels per image pixel, and a press on it. */
function hand(task: Task, facts: Partial<ImageFacts>): Hand {
  const state = review(task, facts);
  const controller = new ToolController(state, () => undefined);
  const press: Hand["press"] = (x, y, plane = "axial") => {
    state.views[plane] = { ...state.views[plane], scale: 10 };
    const canvas = canvasPoint(x, y);
    const image = canvasToImage(state.views[plane], canvas);
    const slice = Math.floor(plane === "axial" ? state.looks.cursor.z : state.looks.cursor.y);
    const voxel = imageToVoxel(plane, image, slice, state.facts.grid);
    const event = { plane, slice, canvas, image, voxel, shift: false, alt: false, ctrl: false };
    controller.down(event, 0, 1);
    controller.up(event, 1);
  };
  return { state, press };
}

const drawnOn = (state: ReviewState, finding: number): number[] => [...state.document.slices(finding).keys()].sort((a, b) => a - b);

describe("a mask of a cine", () => {
  test("drawn at one frame is on that frame alone", () => {
    const { state, press } = hand("semantic", CINE);
    state.setTools({ tool: "brush", radius: 3 });
    state.look({ t: 5 });
    press(200, 150);
    expect(drawnOn(state, 1)).toEqual([5]);
    const masks = new PlaneMasks(state, "axial");
    expect(masks.shown(0)).toHaveLength(1);
    expect(state.hits.at(20, 15, state.here(0))).toBe(1);
    state.look({ t: 6 });
    expect(masks.shown(0)).toHaveLength(0);
    expect(state.hits.at(20, 15, state.here(0))).toBeNull();
    state.look({ t: 5 });
    expect(masks.shown(0)).toHaveLength(1);
  });

  test("joins the selected finding at the next frame, and undo takes back that frame alone", () => {
    const { state, press } = hand("instances", CINE);
    state.setTools({ tool: "brush", radius: 3 });
    press(200, 150);
    state.look({ t: 1 });
    press(220, 150);
    expect(drawnOn(state, 1)).toEqual([0, 1]);
    state.history.undo();
    expect(drawnOn(state, 1)).toEqual([0]);
  });

  test("is filled between drawn frames", () => {
    const { state, press } = hand("semantic", CINE);
    state.setTools({ tool: "brush", radius: 3 });
    press(200, 150);
    state.look({ t: 3 });
    press(200, 150);
    expect(interpolate(state, 1)).toBe(2);
    expect(drawnOn(state, 1)).toEqual([0, 1, 2, 3]);
  });

  test("is told with its size at this frame and the frames it is on", () => {
    const { state, press } = hand("semantic", CINE);
    state.setTools({ tool: "brush", radius: 3 });
    press(200, 150);
    expect(describeSize(state, 1)).toBe("32.0 px² · uncalibrated · 1 / 8 frames");
    state.look({ t: 1 });
    expect(describeSize(state, 1)).toBe("1 / 8 frames");
  });

  test("is found again by its list entry, at its frame", () => {
    const { state, press } = hand("semantic", CINE);
    state.setTools({ tool: "brush", radius: 3 });
    state.look({ t: 6 });
    press(100, 50);
    state.look({ t: 0 });
    showFinding(state, 1);
    expect(state.looks.t).toBe(6);
    expect(Math.floor(state.looks.cursor.x)).toBe(10);
  });

  test("as a box stands at its frame", () => {
    const { state } = hand("boxes", CINE);
    state.document.apply(new ChangeBuilder(state.document).set(1, state.newFields({ box: [2, 2, 9, 9], z: 4 })).done("load"));
    expect(state.hits.at(5, 5, state.here(0))).toBeNull();
    state.look({ t: 4 });
    expect(state.hits.at(5, 5, state.here(0))).toBe(1);
  });

  test("is reviewed frame by frame, and whole over all frames", () => {
    const { state } = hand("instances", CINE);
    state.look({ t: 3 });
    reviewSlices(state, 0, 0, true);
    expect(drawnOn(state, 0)).toEqual([3]);
    reviewAll(state, true);
    expect(reviewedCount(state)).toEqual({ whole: 8, part: 0 });
  });
});

describe("a mask of a volume with moments", () => {
  test("drawn upright stays within the moment that is looked at", () => {
    const { state, press } = hand("semantic", DYNAMIC);
    state.setTools({ tool: "brush", radius: 1 });
    state.look({ t: 2 });
    press(205, 25, "coronal");
    expect(drawnOn(state, 1).every((plane) => plane >= 10 && plane < 15)).toBe(true);
    const masks = new PlaneMasks(state, "coronal");
    expect(masks.shown(15)).toHaveLength(1);
    state.look({ t: 1 });
    expect(masks.shown(15)).toHaveLength(0);
  });

  test("drawn with the ball never reaches the next moment", () => {
    const { state, press } = hand("semantic", DYNAMIC);
    state.setTools({ tool: "ball", radius: 12 });
    state.look({ t: 1 });
    press(205, 155);
    expect(drawnOn(state, 1)).toEqual([5, 6, 7, 8, 9]);
  });

  test("is filled between slices of its own moment only", () => {
    const { state } = hand("semantic", DYNAMIC);
    const builder = new ChangeBuilder(state.document).set(1, state.newFields());
    for (const plane of [0, 7, 9]) builder.row(1, plane, fromBox([5, 5, 20, 20], 40, 30));
    state.document.apply(builder.done("load"));
    state.look({ t: 1 });
    expect(interpolate(state, 1)).toBe(1);
    expect(drawnOn(state, 1)).toEqual([0, 7, 8, 9]);
    expect(area(state.document.mask(1, 8))).toBe(225);
  });

  test("gives and takes places with their moment", () => {
    const { state } = hand("semantic", DYNAMIC);
    state.look({ t: 2 });
    const place = placeHere(state);
    expect(place.z).toBe(12);
    state.look({ t: 0 });
    goToPlace(state, place);
    expect([state.looks.t, Math.floor(state.looks.cursor.z)]).toEqual([2, 2]);
    expect(describePlane(state, place.z, "frame")).toBe("3 · frame 3");
    expect(describePlane(review("semantic"), 0, "frame")).toBe("1");
  });
});

test("a network's box is revived on its own plane", () => {
  const message = { label: 1, score: 0.4, box: [1, 1, 5, 5] as const, z: 6, slices: {} };
  expect(new Candidates("run", 0, [message], []).fields(0).z).toBe(6);
});
