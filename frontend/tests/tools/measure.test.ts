import { describe, expect, test } from "vitest";

import { canvasPoint, imagePoint, voxel } from "../../src/domain/coordinates";
import type { Change } from "../../src/state/document";
import type { ReviewState } from "../../src/state/review_state";
import { ToolController } from "../../src/tools/controller";
import type { ToolEvent } from "../../src/tools/tool";
import { review } from "../state/support";

const at = (x: number, y: number): ToolEvent => ({
  plane: "axial",
  slice: 0,
  canvas: canvasPoint(x * 10, y * 10),
  image: imagePoint(x, y),
  voxel: voxel(x, y, 0.5),
  shift: false,
  alt: false,
  ctrl: false,
});

function desk(tool: "ruler" | "angle", editable = true): { state: ReviewState; hand: ToolController; sent: Change[] } {
  const sent: Change[] = [];
  const state = review("instances", {}, (change) => sent.push(change));
  state.editable = editable;
  state.setView("axial", { ...state.views.axial, scale: 10, offsetX: 0, offsetY: 0 });
  const hand = new ToolController(state, () => undefined);
  hand.choose(tool);
  return { state, hand, sent };
}

function drag(hand: ToolController, from: ToolEvent, to: ToolEvent): void {
  hand.down(from, 0, 1);
  hand.move(to, 1);
  hand.up(to, 1);
}

function click(hand: ToolController, place: ToolEvent): void {
  hand.move(place, 1);
  hand.down(place, 0, 1);
  hand.up(place, 1);
}

const texts = (hand: ToolController): string[] => hand.shapes("axial").map((shape) => (shape.kind === "measure" ? shape.text : shape.kind));

describe("measuring by hand", () => {
  test("a drag keeps a length, which is undone and redone like a stroke", () => {
    const { state, hand, sent } = desk("ruler");
    drag(hand, at(2, 2), at(5, 6));
    expect(texts(hand)).toEqual(["5.00 px"]);
    expect(sent).toHaveLength(1);
    expect(sent[0].masks).toEqual([]);
    state.history.undo();
    expect(texts(hand)).toEqual([]);
    state.history.redo();
    expect(texts(hand)).toEqual(["5.00 px"]);
    expect(new Set(sent.map(({ measures }) => measures![0].id)).size).toBe(1);
  });

  test("two clicks do the same, three make an angle", () => {
    const length = desk("ruler");
    click(length.hand, at(2, 2));
    click(length.hand, at(2, 12));
    expect(texts(length.hand)).toEqual(["10.0 px"]);
    const angle = desk("angle");
    for (const place of [at(10, 2), at(2, 2), at(2, 9)]) click(angle.hand, place);
    expect(texts(angle.hand)).toEqual(["90.0°"]);
    expect([...angle.state.document.measures.all().values()][0].points).toHaveLength(3);
  });

  test("a first leg that is dragged needs one click more", () => {
    const { hand } = desk("angle");
    drag(hand, at(10, 2), at(2, 2));
    click(hand, at(10, 10));
    expect(texts(hand)).toEqual(["45.0°"]);
  });

  test("an end is moved, in one step", () => {
    const { state, hand, sent } = desk("ruler");
    drag(hand, at(2, 2), at(5, 6));
    drag(hand, at(5, 6), at(2, 12));
    expect(texts(hand)).toEqual(["10.0 px"]);
    expect(sent).toHaveLength(2);
    state.history.undo();
    expect(texts(hand)).toEqual(["5.00 px"]);
  });

  test("without the pen it stands for the moment and nothing is kept", () => {
    const { state, hand, sent } = desk("ruler", false);
    drag(hand, at(2, 2), at(5, 6));
    expect(texts(hand)).toEqual(["5.00 px"]);
    expect(sent).toEqual([]);
    expect(state.document.measures.size).toBe(0);
    expect(hand.cancel()).toBe(true);
    expect(texts(hand)).toEqual([]);
  });

  test("what is half done is called off without a trace", () => {
    const { hand, sent } = desk("angle");
    click(hand, at(10, 2));
    click(hand, at(2, 2));
    expect(hand.cancel()).toBe(true);
    click(hand, at(2, 9));
    expect(sent).toEqual([]);
  });
});
