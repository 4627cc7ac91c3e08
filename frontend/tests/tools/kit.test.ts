import { describe, expect, test, vi } from "vitest";

import { canvasPoint, canvasToImage, imageToVoxel, type Plane } from "../../src/domain/coordinates";
import { area, boundingBox, fromBox } from "../../src/domain/spans";
import { ChangeBuilder } from "../../src/state/document";
import type { ReviewState } from "../../src/state/review_state";
import type { Outcome } from "../../src/state/shaping";
import type { ImageFacts, Task } from "../../src/state/types";
import { ToolController } from "../../src/tools/controller";
import type { ThresholdTool } from "../../src/tools/threshold";
import type { ToolEvent } from "../../src/tools/tool";
import { facts, review } from "../state/support";

type Hand = {
  state: ReviewState;
  controller: ToolController;
  told: Outcome[];
  drag: (points: [number, number][], more?: Partial<ToolEvent>, plane?: Plane) => void;
};

/** A page at one canvas pixel per image pixel whose image is bright in columns 10 to 19 and dark elsewhere. */
function hand(task: Task = "instances", more: Partial<ImageFacts> = {}): Hand {
  const state = review(task, more);
  const told: Outcome[] = [];
  state.told = (outcome) => told.push(outcome);
  const { nx, ny, nz } = facts(more).grid;
  for (let z = 0; z < nz; z++) {
    const channels = more.channels ?? 1;
    state.volume.put(0, z, new Uint8Array(nx * ny * channels).map((_, k) => (k % nx >= 10 && k % nx < 20 ? 200 + (k % 3) : 50)));
  }
  const controller = new ToolController(state, () => undefined);
  for (const plane of ["axial", "coronal", "sagittal"] as const) state.views[plane] = { ...state.views[plane], scale: 1, stretchU: 1, stretchV: 1 };
  const at = (x: number, y: number, rest: Partial<ToolEvent>, plane: Plane): ToolEvent => {
    const canvas = canvasPoint(x, y);
    const image = canvasToImage(state.views[plane], canvas);
    const slice = Math.floor(plane === "axial" ? state.looks.cursor.z : plane === "coronal" ? state.looks.cursor.y : state.looks.cursor.x);
    return { plane, slice, canvas, image, voxel: imageToVoxel(plane, image, slice, state.facts.grid), shift: false, alt: false, ctrl: false, ...rest };
  };
  const drag: Hand["drag"] = (points, rest = {}, plane = "axial") => {
    const events = points.map(([x, y]) => at(x, y, rest, plane));
    controller.down(events[0], 0, 1);
    events.slice(1).forEach((event) => controller.move(event, 1));
    controller.up(events[events.length - 1], 1);
  };
  return { state, controller, told, drag };
}

describe("the brush by likeness", () => {
  test("paints only what is like the pixel where it was put down, and is one step", () => {
    const page = hand();
    page.controller.choose("gated");
    page.state.setTools({ radius: 8, tolerance: 5 });
    page.drag([[15.5, 15.5], [18.5, 15.5]]);
    expect(boundingBox(page.state.document.mask(1, 0), 40)!.filter((_, k) => k % 2 === 0)).toEqual([10, 20]);
    page.state.history.undo();
    expect(page.state.document.digests()).toEqual([]);
  });

  test("with a wide range paints like the plain brush", () => {
    const page = hand();
    page.state.setTools({ tool: "gated", radius: 8, tolerance: 100 });
    page.drag([[15.5, 15.5], [18.5, 15.5]]);
    const gated = page.state.document.mask(1, 0);
    const plain = hand();
    plain.state.setTools({ tool: "brush", radius: 8 });
    plain.drag([[15.5, 15.5], [18.5, 15.5]]);
    expect(gated).toEqual(plain.state.document.mask(1, 0));
  });

  test("erases by likeness with alt, and does nothing outside the picture", () => {
    const page = hand();
    page.state.history.commit(new ChangeBuilder(page.state.document).set(1, page.state.newFields()).row(1, 0, fromBox([5, 5, 25, 25], 40, 30)).done("load"));
    page.state.select(1);
    page.state.setTools({ tool: "gated", radius: 40, tolerance: 5 });
    page.drag([[-3, 10], [2, 10]]);
    expect(area(page.state.document.mask(1, 0))).toBe(400);
    page.drag([[15.5, 15.5], [15.5, 15.5]], { alt: true });
    expect(area(page.state.document.mask(1, 0))).toBe(200);
  });

  test("looks at the channel that is shown", () => {
    const page = hand("instances", { channels: 2 });
    const { nx, ny } = page.state.facts.grid;
    page.state.volume.put(0, 0, new Uint8Array(0));
    page.state.look({ channel: 1 });
    page.state.setTools({ tool: "gated", radius: 8, tolerance: 5 });
    page.drag([[15.5, 15.5], [15.5, 15.5]]);
    expect(nx * ny).toBe(1200);
    expect(boundingBox(page.state.document.mask(1, 0), 40)!.filter((_, k) => k % 2 === 0)).toEqual([10, 20]);
  });
});

describe("the threshold", () => {
  const threshold = ({ controller }: Hand): ThresholdTool => controller.tools.threshold as ThresholdTool;

  test("offers what is bright at once, changes nothing before Enter, and is one step after it", () => {
    const page = hand();
    page.controller.choose("threshold");
    expect(page.state.band!.low).toBeGreaterThan(50);
    const [shown] = page.controller.shapes("axial");
    expect(shown).toMatchObject({ kind: "wash" });
    expect(page.state.document.findings().size).toBe(0);
    page.controller.finish();
    expect(area(page.state.document.mask(1, 0))).toBe(300);
    expect(page.state.band).toBeNull();
    page.state.history.undo();
    expect(page.state.document.digests()).toEqual([]);
    expect(page.told).toEqual(["done"]);
  });

  test("is dropped by Escape without a trace", () => {
    const page = hand();
    page.controller.choose("threshold");
    expect(page.controller.cancel()).toBe(true);
    expect(page.controller.shapes("axial")).toEqual([]);
    expect(page.state.history.undoable).toBeNull();
    expect(page.controller.cancel()).toBe(false);
  });

  test("keeps to a drawn rectangle", () => {
    const page = hand();
    page.controller.choose("threshold");
    page.drag([[5, 5], [15, 12], [15, 15]]);
    expect(page.state.band!.box).toEqual([5, 5, 15, 15]);
    page.controller.finish();
    expect(boundingBox(page.state.document.mask(1, 0), 40)).toEqual([10, 5, 15, 15]);
  });

  test("is moved by keys, and one end pushes the other", () => {
    const page = hand();
    page.controller.choose("threshold");
    threshold(page).moveTo("low", 202);
    expect(page.state.band).toMatchObject({ low: 202, high: 202 });
    threshold(page).nudge("high", -1);
    expect(page.state.band).toMatchObject({ low: 201, high: 201 });
    threshold(page).nudge("low", -1000);
    expect(page.state.band).toMatchObject({ low: 50, high: 201 });
  });

  test("begins with the values of the selected finding", () => {
    const page = hand();
    page.state.history.commit(new ChangeBuilder(page.state.document).set(1, page.state.newFields()).row(1, 0, fromBox([2, 2, 6, 6], 40, 30)).done("load"));
    page.state.select(1);
    page.controller.choose("threshold");
    expect(page.state.band).toMatchObject({ low: 50, high: 50 });
    page.controller.finish();
    expect(area(page.state.document.mask(1, 0))).toBe(900);
  });

  test("reaches one slice or the whole volume, in every plane", () => {
    for (const [reach, slices] of [["slice", 1], ["volume", 5]] as const) {
      const page = hand("semantic", { grid: { nx: 40, ny: 30, nz: 5 } });
      page.state.setTools({ reach });
      page.controller.choose("threshold");
      page.controller.finish();
      expect(page.state.document.slices(1).size).toBe(slices);
    }
    const page = hand("semantic", { grid: { nx: 40, ny: 30, nz: 5 } });
    page.state.setTools({ reach: "slice", tool: "threshold" });
    page.drag([[0, 0], [40, 2]], {}, "coronal");
    expect(page.controller.shapes("coronal").map(({ kind }) => kind)).toEqual(["wash", "box"]);
    page.controller.finish();
    // Two slices from the top, on the one row that is looked at.
    expect([...page.state.document.slices(1).keys()].sort()).toEqual([3, 4]);
    expect(area(page.state.document.mask(1, 4))).toBe(10);
  });

  test("waits for slices that are not here", () => {
    const page = hand("semantic", { grid: { nx: 40, ny: 30, nz: 5 }, times: 2 });
    page.state.look({ t: 1 });
    page.controller.choose("threshold");
    expect(page.state.band).toBeNull();
    expect(page.told).toEqual(["loading"]);
  });

  test("lets neighbours stand where they are kept, and says so when nothing is left", () => {
    const page = hand();
    page.state.history.commit(new ChangeBuilder(page.state.document).set(1, page.state.newFields()).row(1, 0, fromBox([0, 0, 40, 30], 40, 30)).done("load"));
    const before = page.state.document.digests();
    page.state.setTools({ neighbours: "protect", label: 2 });
    page.controller.choose("threshold");
    page.controller.finish();
    expect(page.told).toEqual(["kept"]);
    expect(page.state.document.digests()).toEqual(before);
    expect(page.state.selected).toBeNull();
  });
});

// The first cut fetches what it needs.
const WAIT_MS = 4_000;

describe("the scissors", () => {
  function one(): Hand {
    const page = hand();
    page.state.history.commit(new ChangeBuilder(page.state.document).set(1, page.state.newFields()).row(1, 0, fromBox([5, 5, 25, 15], 40, 30)).done("load"));
    page.controller.choose("scissors");
    return page;
  }

  test("cut the finding under the stroke in two, as one step", async () => {
    const page = one();
    page.drag([[11.5, 2], [11.5, 10], [11.5, 20]]);
    await vi.waitFor(() => expect(page.told).toEqual(["done"]), WAIT_MS);
    expect(page.state.document.findings().size).toBe(2);
    expect(area(page.state.document.mask(1, 0)) + area(page.state.document.mask(2, 0))).toBe(200);
    page.state.history.undo();
    expect(area(page.state.document.mask(1, 0))).toBe(200);
    expect(page.state.document.findings().size).toBe(1);
  });

  test("draw a straight line with shift, whatever the hand does on the way", async () => {
    const [straight, bent] = [one(), one()];
    straight.drag([[11.5, 2], [11.5, 20]]);
    bent.drag([[11.5, 2], [30, 9], [11.5, 20]], { shift: true });
    await vi.waitFor(() => expect([...straight.told, ...bent.told]).toEqual(["done", "done"]), WAIT_MS);
    expect(bent.state.document.digests()).toEqual(straight.state.document.digests());
  });

  test("say what is missing", async () => {
    const page = one();
    page.drag([[30, 20], [38, 28]]);
    expect(page.told).toEqual(["noFinding"]);
    page.drag([[8, 8], [12, 12]]);
    await vi.waitFor(() => expect(page.told).toEqual(["noFinding", "noCut"]), WAIT_MS);
    expect(page.state.document.findings().size).toBe(1);
  });
});

test("select with ctrl chooses what the selected finding is combined with, and shows it", () => {
  const page = hand();
  const builder = new ChangeBuilder(page.state.document).set(1, page.state.newFields()).set(2, page.state.newFields());
  page.state.history.commit(builder.row(1, 0, fromBox([2, 2, 8, 8], 40, 30)).row(2, 0, fromBox([20, 2, 28, 8], 40, 30)).done("load"));
  page.state.setTools({ tool: "select" });
  page.drag([[5, 5], [5, 5]]);
  page.drag([[25, 5], [25, 5]], { ctrl: true });
  expect([page.state.selected, page.state.other]).toEqual([1, 2]);
  expect(page.controller.shapes("axial")).toMatchObject([{ kind: "outline" }]);
  page.drag([[25, 5], [25, 5]]);
  expect([page.state.selected, page.state.other]).toEqual([2, null]);
});
