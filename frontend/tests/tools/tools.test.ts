import { describe, expect, test } from "vitest";

import { canvasPoint, canvasToImage, imageToVoxel, type Plane } from "../../src/domain/coordinates";
import { area, fromBox } from "../../src/domain/spans";
import { ChangeBuilder } from "../../src/state/document";
import type { ReviewState, ToolName } from "../../src/state/review_state";
import type { ImageFacts, Task } from "../../src/state/types";
import { ToolController } from "../../src/tools/controller";
import type { ToolEvent } from "../../src/tools/tool";
import { review } from "../state/support";

type Hand = {
  state: ReviewState;
  controller: ToolController;
  refusals: () => number;
  at: (x: number, y: number, more?: Partial<ToolEvent>, plane?: Plane) => ToolEvent;
  drag: (points: [number, number][], more?: Partial<ToolEvent>, button?: number, plane?: Plane) => void;
};

/** A page at ten canvas pixels per image pixel. */
function hand(task: Task = "instances", facts: Partial<ImageFacts> = {}): Hand {
  const state = review(task, facts);
  let refused = 0;
  const controller = new ToolController(state, () => refused++);
  for (const plane of ["axial", "coronal", "sagittal"] as const) state.views[plane] = { ...state.views[plane], scale: 10 };
  const at: Hand["at"] = (x, y, more = {}, plane = "axial") => {
    const canvas = canvasPoint(x, y);
    const image = canvasToImage(state.views[plane], canvas);
    const slice = Math.floor(plane === "axial" ? state.looks.cursor.z : plane === "coronal" ? state.looks.cursor.y : state.looks.cursor.x);
    const voxel = imageToVoxel(plane, image, slice, state.facts.grid);
    return { plane, slice, canvas, image, voxel, shift: false, alt: false, ctrl: false, ...more };
  };
  const drag: Hand["drag"] = (points, more, button = 0, plane = "axial") => {
    const events = points.map(([x, y]) => at(x, y, more, plane));
    controller.down(events[0], button, 1);
    events.slice(1).forEach((event) => controller.move(event, 1));
    controller.up(events[events.length - 1], 1);
  };
  return { state, controller, refusals: () => refused, at, drag };
}

function use({ controller }: Hand, tool: ToolName): void {
  controller.choose(tool);
}

describe("the brush tool", () => {
  test("makes one finding and one step in the history of a whole drag", () => {
    const page = hand();
    use(page, "brush");
    page.drag([[100, 100], [150, 100], [200, 150]]);
    expect([...page.state.document.findings().keys()]).toEqual([1]);
    expect(page.state.selected).toBe(1);
    page.state.history.undo();
    expect(page.state.document.digests()).toEqual([]);
    expect(page.state.history.undoable).toBeNull();
  });

  test("leaves no gap between far-apart moves", () => {
    const page = hand();
    page.state.setTools({ tool: "brush", radius: 1 });
    page.drag([[20, 155], [380, 155]]);
    expect(area(page.state.document.mask(1, 0))).toBeGreaterThanOrEqual(36 * 2);
  });

  test("with alt erases, and the eraser with alt draws", () => {
    const page = hand();
    use(page, "brush");
    page.drag([[200, 150], [200, 150]]);
    const drawn = area(page.state.document.mask(1, 0));
    page.state.setTools({ radius: 3 });
    page.drag([[200, 150], [200, 150]], { alt: true });
    expect(area(page.state.document.mask(1, 0))).toBeLessThan(drawn);
    use(page, "eraser");
    page.drag([[200, 150], [200, 150]], { alt: true });
    expect(area(page.state.document.mask(1, 0))).toBe(drawn);
  });

  test("called off in the middle of a stroke leaves no trace", () => {
    const page = hand();
    use(page, "brush");
    page.controller.down(page.at(100, 100), 0, 1);
    page.controller.move(page.at(200, 100), 1);
    expect(page.controller.cancel()).toBe(true);
    page.controller.up(page.at(200, 100), 1);
    expect(page.state.document.digests()).toEqual([]);
    expect(page.state.selected).toBeNull();
  });

  test("does not draw for somebody who may only look", () => {
    const page = hand();
    page.state.editable = false;
    use(page, "brush");
    page.drag([[100, 100], [150, 100]]);
    expect(page.refusals()).toBe(1);
    expect(page.state.document.digests()).toEqual([]);
  });

  test("on an upright plane draws across slices", () => {
    const page = hand("semantic", { grid: { nx: 40, ny: 30, nz: 9 } });
    page.state.setTools({ tool: "brush", radius: 2 });
    page.drag([[205, 45], [205, 45]], {}, 0, "coronal");
    const slices = page.state.document.slices(1);
    expect([...slices.keys()].sort()).toEqual([2, 3, 4, 5, 6]);
    for (const spans of slices.values()) expect(Math.floor(spans[0] / 40)).toBe(15);
  });
});

describe("the ball tool", () => {
  test("reaches slices in proportion to their thickness", () => {
    const page = hand("semantic", { grid: { nx: 40, ny: 30, nz: 9 }, spacingZyx: [3, 1, 1] });
    page.state.setTools({ tool: "ball", radius: 6 });
    page.drag([[205, 155], [205, 155]]);
    expect([...page.state.document.slices(1).keys()].sort()).toEqual([2, 3, 4, 5, 6]);
  });
});

describe("the polygon tool", () => {
  test("corner by corner is closed at its first corner", () => {
    const page = hand();
    use(page, "polygon");
    for (const [x, y] of [[50, 50], [150, 50], [150, 120], [50, 120], [52, 52]] as const) page.drag([[x, y], [x, y]]);
    expect(area(page.state.document.mask(1, 0))).toBe(70);
  });

  test("drawn freehand is closed on release, and cuts with alt", () => {
    const page = hand();
    use(page, "polygon");
    const square: [number, number][] = [[50, 50], [150, 50], [150, 150], [50, 150]];
    page.drag(square);
    expect(area(page.state.document.mask(1, 0))).toBe(100);
    page.drag([[50, 50], [100, 50], [100, 150], [50, 150]], { alt: true });
    expect(area(page.state.document.mask(1, 0))).toBe(50);
  });

  test("with two corners draws nothing", () => {
    const page = hand();
    use(page, "polygon");
    page.drag([[50, 50], [50, 50]]);
    page.drag([[90, 50], [90, 50]]);
    page.controller.finish();
    expect(page.state.document.findings().size).toBe(0);
  });
});

describe("the fill tool", () => {
  test("closes the hole under the pointer and leaves open ground alone", () => {
    const page = hand();
    const builder = new ChangeBuilder(page.state.document).set(1, page.state.newFields());
    builder.toggle(1, 0, fromBox([5, 5, 20, 20], 40, 30)).toggle(1, 0, fromBox([10, 10, 15, 15], 40, 30));
    page.state.history.commit(builder.done("load"));
    page.state.select(1);
    use(page, "fill");
    page.drag([[350, 250], [350, 250]]);
    expect(area(page.state.document.mask(1, 0))).toBe(200);
    page.drag([[120, 120], [120, 120]]);
    expect(area(page.state.document.mask(1, 0))).toBe(225);
  });

  test("by likeness takes the region of like grey", () => {
    const page = hand();
    const samples = new Uint8Array(40 * 30).map((_, k) => (k % 40 >= 10 && k % 40 < 20 ? 200 : 50));
    page.state.volume.put(0, 0, samples);
    page.state.setTools({ tool: "fill", fillBy: "likeness" });
    page.drag([[150, 100], [150, 100]]);
    expect(area(page.state.document.mask(1, 0))).toBe(300);
  });
});

describe("the box tool", () => {
  function boxed(): Hand {
    const page = hand("boxes");
    use(page, "box");
    page.drag([[50, 50], [152, 101]]);
    return page;
  }

  test("draws a box on whole pixels", () => {
    expect(boxed().state.document.finding(1)).toMatchObject({ box: [5, 5, 15, 10], z: 0, state: "accepted" });
  });

  test("moves it by its inside as one step, and stops at the edge", () => {
    const page = boxed();
    page.drag([[100, 75], [130, 75], [900, 75]]);
    expect(page.state.document.finding(1)?.box).toEqual([30, 5, 40, 10]);
    page.state.history.undo();
    expect(page.state.document.finding(1)?.box).toEqual([5, 5, 15, 10]);
  });

  test("sizes it by a corner and by an edge", () => {
    const page = boxed();
    page.drag([[150, 100], [200, 180]]);
    expect(page.state.document.finding(1)?.box).toEqual([5, 5, 20, 18]);
    page.drag([[50, 110], [20, 110]]);
    expect(page.state.document.finding(1)?.box).toEqual([2, 5, 20, 18]);
  });

  test("takes a press without a drag as a choice", () => {
    const page = boxed();
    page.drag([[350, 250], [351, 250]]);
    expect(page.state.document.findings().size).toBe(1);
    expect(page.state.selected).toBeNull();
  });
});

describe("looking", () => {
  test("the right button sets the window and the middle one moves the picture, whatever the tool", () => {
    const page = hand();
    use(page, "brush");
    const window = page.state.looks.window;
    page.drag([[100, 100], [160, 100]], {}, 2);
    expect(page.state.looks.window.high).toBeGreaterThan(window.high);
    page.drag([[100, 100], [160, 90]], {}, 1);
    expect(page.state.views.axial).toMatchObject({ offsetX: 60, offsetY: -10 });
    expect(page.state.document.findings().size).toBe(0);
  });

  test("a borrowed tool goes back", () => {
    const page = hand();
    use(page, "brush");
    page.controller.borrow("pan");
    page.drag([[100, 100], [160, 100]]);
    page.controller.borrow(null);
    expect(page.state.views.axial.offsetX).toBe(60);
    expect(page.controller.current.name).toBe("brush");
  });

  test("the wheel steps through a volume and zooms a single slice", () => {
    const volume = hand("semantic", { grid: { nx: 40, ny: 30, nz: 9 } });
    volume.controller.wheel("axial", canvasPoint(10, 10), 120, false);
    expect(Math.floor(volume.state.looks.cursor.z)).toBe(2);
    const picture = hand();
    picture.controller.wheel("axial", canvasPoint(10, 10), -120, false);
    expect(picture.state.views.axial.scale).toBeGreaterThan(10);
  });

  test("selecting picks the smallest finding under the pointer", () => {
    const page = hand();
    const builder = new ChangeBuilder(page.state.document).set(1, page.state.newFields()).set(2, page.state.newFields());
    builder.row(1, 0, fromBox([0, 0, 30, 30], 40, 30)).row(2, 0, fromBox([5, 5, 9, 9], 40, 30));
    page.state.history.commit(builder.done("load"));
    use(page, "select");
    page.drag([[70, 70], [70, 70]]);
    expect(page.state.selected).toBe(2);
    page.drag([[200, 200], [200, 200]]);
    expect(page.state.selected).toBe(1);
    page.drag([[390, 200], [390, 200]]);
    expect(page.state.selected).toBeNull();
  });

  test("the ruler measures in the unit of the spacing", () => {
    const page = hand("instances", { spacingZyx: [1, 0.5, 0.5], source: "patient" });
    use(page, "ruler");
    page.drag([[0, 0], [150, 0], [150, 200]]);
    expect(page.controller.shapes("axial")).toMatchObject([{ kind: "measure", text: "12.5 mm" }]);
  });
});

describe("the reviewed tool", () => {
  test("marks a rectangle, and unmarks it with alt", () => {
    const page = hand();
    use(page, "reviewed");
    page.drag([[50, 50], [150, 100], [150, 150]]);
    expect(area(page.state.document.mask(0, 0))).toBe(100);
    page.drag([[50, 50], [100, 100], [100, 150]], { alt: true });
    expect(area(page.state.document.mask(0, 0))).toBe(50);
  });
});
