import { beforeEach, describe, expect, test, vi } from "vitest";

import { toBase64, toBytes } from "../../src/domain/rle";
import { voxel } from "../../src/domain/coordinates";
import { area, boundingBox, fromBox } from "../../src/domain/spans";
import { ChangeBuilder } from "../../src/state/document";
import type { PromptRequest } from "../../src/state/prompting";
import type { ReviewState, ToolName } from "../../src/state/review_state";
import type { ImageFacts, Task } from "../../src/state/types";
import { ToolController } from "../../src/tools/controller";
import { review, settle } from "../state/support";

let state: ReviewState;
let controller: ToolController;

/** A page at ten canvas pixels per image pixel, with the hand out in the middle of the picture: (20, 15). */
function open(task: Task = "instances", facts: Partial<ImageFacts> = {}): void {
  state = review(task, facts);
  controller = new ToolController(state, () => undefined);
  for (const plane of ["axial", "coronal", "sagittal"] as const) state.views[plane] = { ...state.views[plane], scale: 10 };
  state.volume.put(0, 0, new Uint8Array(40 * 30).map((_, k) => (k % 40 >= 10 && k % 40 < 20 ? 200 : 50)));
  controller.hand.toggle();
}

const KEYS: Readonly<Record<string, string>> = { left: "ArrowLeft", right: "ArrowRight", up: "ArrowUp", down: "ArrowDown", space: " ", enter: "Enter" };

/** "shift+right 3*down space": what the keys of a board say. */
function type(keys: string): void {
  for (const word of keys.split(" ")) {
    const [, times, chord] = /^(?:(\d+)\*)?(.+)$/.exec(word)!;
    const parts = chord.split("+");
    const held = (name: string): boolean => parts.includes(name);
    const event = { key: KEYS[parts[parts.length - 1]], shiftKey: held("shift"), altKey: held("alt"), ctrlKey: held("ctrl"), metaKey: false, repeat: false };
    for (let time = 0; time < Number(times ?? 1); time++) expect(controller.hand.key(event as KeyboardEvent)).toBe(true);
  }
}

const use = (tool: ToolName): void => controller.choose(tool);
const box = (finding: number): readonly number[] | null | undefined => state.document.finding(finding)?.box;

beforeEach(() => open());

describe("keys as a pointer", () => {
  test("draw a box, move it and size it", () => {
    open("boxes");
    use("box");
    type("space shift+right 5*down space");
    expect(box(1)).toEqual([21, 16, 31, 21]);
    type("5*left 2*up space 3*left space");
    expect(box(1)).toEqual([18, 16, 28, 21]);
    state.select(1);
    type("5*right space 2*right space");
    expect(box(1)).toEqual([18, 16, 30, 21]);
    state.history.undo();
    expect(box(1)).toEqual([18, 16, 28, 21]);
  });

  test("fill what is alike", () => {
    use("fill");
    state.setTools({ fillBy: "likeness" });
    type("6*left space space");
    expect(boundingBox(state.document.mask(1, 0), 40)).toEqual([10, 0, 20, 30]);
  });

  test("paint and erase, as far as the button is down", () => {
    use("brush");
    state.setTools({ radius: 2 });
    type("space shift+right space");
    const painted = area(state.document.mask(1, 0));
    expect(painted).toBeGreaterThan(40);
    type("shift+left");
    expect(area(state.document.mask(1, 0))).toBe(painted);
    type("alt+enter shift+right alt+enter");
    expect(state.document.findings().size).toBe(0);
    expect(state.history.undoable?.operation).toBe("erase");
  });

  test("set the corners of a polygon, and cut a finding with scissors", async () => {
    use("polygon");
    type("space space shift+right space space shift+down space space shift+left space space");
    controller.finish();
    expect(boundingBox(state.document.mask(1, 0), 40)).toEqual([20, 15, 30, 25]);
    use("scissors");
    type("5*right shift+up 5*up space shift+down 9*down space");
    await vi.waitFor(() => expect([...state.document.findings().keys()]).toEqual([1, 2]));
  });

  test("measure a length and an angle", () => {
    use("ruler");
    type("space shift+right space");
    const [[, length]] = [...state.document.measures.all()];
    expect(length.points).toEqual([voxel(20.5, 15.5, 0.5), voxel(30.5, 15.5, 0.5)]);
    use("angle");
    type("shift+up space space shift+left space space 5*down space space");
    expect([...state.document.measures.all().values()].map(({ kind }) => kind)).toEqual(["length", "angle"]);
  });

  test("mark what was reviewed, and threshold in a rectangle", () => {
    use("reviewed");
    type("space 5*right 5*down space");
    expect(boundingBox(state.document.mask(0, 0), 40)).toEqual([21, 16, 26, 21]);
    use("threshold");
    type("shift+left space shift+up shift+left space");
    expect(state.band?.box).not.toBeNull();
    controller.finish();
    expect(area(state.document.mask(1, 0))).toBeGreaterThan(0);
  });

  test("point with clicks, a box and a scribble at what is meant and what is not", async () => {
    const asked: PromptRequest[] = [];
    state.prompter = {
      ask: async (request) => {
        asked.push(request);
        return { score: 0.9, method: "contour", network: null, slices: [{ z: 0, runs: toBase64(toBytes(fromBox([2, 2, 8, 8], 40, 30))) }] };
      },
    };
    use("prompt");
    for (const keys of ["space space", "4*right alt+enter alt+enter", "shift+space 4*down shift+space", "space shift+left 5*up space"]) {
      type(keys);
      await settle();
    }
    const last = asked[asked.length - 1];
    expect(last.strokes.map(({ positive, points }) => [positive, points.length > 1])).toEqual([[true, false], [false, false], [true, true]]);
    expect(last.box).not.toBeNull();
    controller.finish();
    expect(area(state.document.mask(1, 0))).toBe(36);
  });

  test("move the picture and the window step by step", () => {
    use("pan");
    const before = state.views.axial;
    type("space 3*right space");
    expect(state.views.axial.offsetX - before.offsetX).toBeCloseTo(30);
    use("window");
    const { window } = state.looks;
    type("space 4*right space");
    expect(state.looks.window).not.toEqual(window);
  });

  test("select what is under them, and follow the crosshair when it goes elsewhere", () => {
    state.document.apply(new ChangeBuilder(state.document).set(1, state.newFields()).row(1, 0, fromBox([2, 2, 9, 9], 40, 30)).done("load"));
    state.look({ cursor: voxel(5.2, 5.7, 0.5) });
    use("select");
    type("space space");
    expect(state.selected).toBe(1);
    expect(state.looks.cursor).toMatchObject({ x: 5.5, y: 5.5 });
  });

  test("stay on the picture, and in sight where it is larger than the screen", () => {
    controller.hand.viewport = () => ({ width: 100, height: 100 });
    type("9*shift+right 9*shift+down");
    expect(state.pointer?.voxel).toMatchObject({ x: 39.5, y: 29.5 });
    const { x, y } = state.pointer!.at;
    expect(x > 0 && x < 100 && y > 0 && y < 100).toBe(true);
  });

  test("are nobody's when the hand is away, and leave no trace of a press that was called off", () => {
    use("brush");
    type("space 3*right");
    controller.hand.leave();
    expect(state.document.digests()).toEqual([]);
    expect(controller.hand.key({ key: "ArrowLeft" } as KeyboardEvent)).toBe(false);
    expect(controller.busy).toBe(false);
  });
});
