import { describe, expect, test } from "vitest";

import { canvasPoint, canvasToImage, imageToVoxel } from "../../src/domain/coordinates";
import { fromBase64, fromBytes, toBase64, toBytes } from "../../src/domain/rle";
import { area, equal, fromBox, type Box, type Spans } from "../../src/domain/spans";
import { ChangeBuilder } from "../../src/state/document";
import type { PromptFound, PromptRequest } from "../../src/state/prompting";
import type { ReviewState } from "../../src/state/review_state";
import type { Task } from "../../src/state/types";
import { ToolController } from "../../src/tools/controller";
import type { ToolEvent } from "../../src/tools/tool";
import { review, settle } from "../state/support";

type Page = {
  state: ReviewState;
  controller: ToolController;
  asked: PromptRequest[];
  answer: (found: Spans | null) => Promise<void>;
  drag: (points: [number, number][], more?: Partial<ToolEvent>) => void;
};

const box = (...corners: Box): Spans => fromBox(corners, 40, 30);
const found = (mask: Spans, z = 0): PromptFound => ({
  score: 0.9,
  method: "contour",
  network: null,
  slices: mask.length === 0 ? [] : [{ z, runs: toBase64(toBytes(mask)) }],
});

/** The tool in the hand at ten canvas pixels per image pixel, and a service that answers when told. */
function pointing(task: Task = "instances"): Page {
  const state = review(task);
  const controller = new ToolController(state, () => {});
  state.views.axial = { ...state.views.axial, scale: 10 };
  const asked: PromptRequest[] = [];
  const waiting: ((answer: PromptFound | null) => void)[] = [];
  state.prompter = {
    ask: (request) => {
      asked.push(request);
      return new Promise((resolve) => waiting.push(resolve));
    },
  };
  const at = (x: number, y: number, more: Partial<ToolEvent> = {}): ToolEvent => {
    const canvas = canvasPoint(x, y);
    const image = canvasToImage(state.views.axial, canvas);
    const voxel = imageToVoxel("axial", image, 0, state.facts.grid);
    return { plane: "axial", slice: 0, canvas, image, voxel, shift: false, alt: false, ctrl: false, ...more };
  };
  controller.choose("prompt");
  return {
    state,
    controller,
    asked,
    answer: async (mask) => {
      waiting.shift()!(mask && found(mask));
      await settle();
    },
    drag: (points, more) => {
      const events = points.map(([x, y]) => at(x, y, more));
      controller.down(events[0], 0, 1);
      events.slice(1).forEach((event) => controller.move(event, 1));
      controller.up(events[events.length - 1], 1);
    },
  };
}

function draw(state: ReviewState, finding: number, mask: Spans): void {
  state.history.commit(new ChangeBuilder(state.document).set(finding, state.newFields()).row(finding, 0, mask).done("draw"));
}

describe("pointing at an object", () => {
  test("shows the answer and changes nothing until Enter, which is one step", async () => {
    const page = pointing();
    page.drag([[105, 105]]);
    expect(page.asked[0]).toMatchObject({ label: 1, z: 0, box: null, previous: null, strokes: [{ points: [[10, 10, 0]], positive: true }] });
    await page.answer(box(8, 8, 14, 14));
    expect(page.state.document.findings().size).toBe(0);
    expect(page.controller.shapes("axial").map(({ kind }) => kind)).toEqual(["outline", "dot"]);
    expect(page.state.prompted?.method).toBe("contour");
    page.controller.finish();
    expect(area(page.state.document.mask(1, 0))).toBe(36);
    expect(page.state.selected).toBe(1);
    expect(page.controller.shapes("axial")).toEqual([]);
    page.state.history.undo();
    expect(page.state.document.digests()).toEqual([]);
    expect(page.state.history.undoable).toBeNull();
  });

  test("is dropped by Escape without a trace, an answer on its way included", async () => {
    const page = pointing();
    page.drag([[105, 105]]);
    expect(page.controller.cancel()).toBe(true);
    await page.answer(box(8, 8, 14, 14));
    page.controller.finish();
    expect(page.state.document.digests()).toEqual([]);
    expect(page.state.prompted).toBeNull();
    expect(page.controller.cancel()).toBe(false);
  });

  test("goes on from the preview, with alt where the object is not", async () => {
    const page = pointing();
    page.drag([[105, 105]]);
    await page.answer(box(8, 8, 20, 14));
    page.drag([[185, 105]], { alt: true });
    expect(page.asked[1].strokes).toEqual([
      { points: [[10, 10, 0]], positive: true },
      { points: [[18, 10, 0]], positive: false },
    ]);
    expect(equal(fromBytes(fromBase64(page.asked[1].previous![0].runs)), box(8, 8, 20, 14))).toBe(true);
    await page.answer(box(8, 8, 14, 14));
    page.controller.finish();
    expect(equal(page.state.document.mask(1, 0), box(8, 8, 14, 14))).toBe(true);
  });

  test("draws a box by dragging, and a scribble with shift", () => {
    const page = pointing();
    page.drag([[50, 50], [120, 90], [200, 150]]);
    expect(page.asked[0]).toMatchObject({ box: [5, 5, 20, 15], strokes: [] });
    page.drag([[85, 85], [105, 85], [125, 85]], { shift: true });
    expect(page.asked[1].strokes).toEqual([{ points: [[8, 8, 0], [10, 8, 0], [12, 8, 0]], positive: true }]);
  });

  test("takes the latest answer only", async () => {
    const page = pointing();
    page.drag([[105, 105]]);
    page.drag([[125, 105]]);
    await page.answer(box(0, 0, 30, 30));
    expect(page.state.prompted).toBeNull();
    await page.answer(box(8, 8, 14, 14));
    page.controller.finish();
    expect(area(page.state.document.mask(1, 0))).toBe(36);
  });

  test("keeps what comes when Enter was pressed before the answer", async () => {
    const page = pointing();
    page.drag([[105, 105]]);
    page.controller.finish();
    expect(page.state.document.findings().size).toBe(0);
    await page.answer(box(8, 8, 14, 14));
    expect(area(page.state.document.mask(1, 0))).toBe(36);
  });

  test("keeps the preview of before where the service has no answer", async () => {
    const page = pointing();
    page.drag([[105, 105]]);
    await page.answer(box(8, 8, 14, 14));
    page.drag([[125, 105]]);
    await page.answer(null);
    page.controller.finish();
    expect(area(page.state.document.mask(1, 0))).toBe(36);
  });

  test("does not ask about what is not there alone", () => {
    const page = pointing();
    page.drag([[105, 105]], { alt: true });
    expect(page.asked).toEqual([]);
  });

  test("corrects the selected finding where it is near, and begins another one far away", async () => {
    const page = pointing();
    draw(page.state, 1, box(2, 2, 8, 8));
    page.state.select(1);
    page.drag([[65, 65]], { alt: true });
    expect(page.asked[0].previous).not.toBeNull();
    await page.answer(box(2, 2, 5, 8));
    page.controller.finish();
    expect(equal(page.state.document.mask(1, 0), box(2, 2, 5, 8))).toBe(true);
    page.drag([[355, 255]]);
    expect(page.asked[1].previous).toBeNull();
    await page.answer(box(33, 23, 37, 27));
    page.controller.finish();
    expect(area(page.state.document.mask(2, 0))).toBe(16);
    expect(equal(page.state.document.mask(1, 0), box(2, 2, 5, 8))).toBe(true);
  });

  test("leaves neighbours alone where they are protected", async () => {
    const page = pointing();
    draw(page.state, 1, box(12, 8, 20, 14));
    page.state.select(null);
    page.state.setTools({ neighbours: "protect" });
    page.drag([[95, 105]]);
    await page.answer(box(8, 8, 16, 14));
    page.controller.finish();
    expect(equal(page.state.document.mask(1, 0), box(12, 8, 20, 14))).toBe(true);
    expect(equal(page.state.document.mask(2, 0), box(8, 8, 12, 14))).toBe(true);
  });
});
