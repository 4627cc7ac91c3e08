import { describe, expect, test } from "vitest";

import { canvasPoint, imagePoint, imageToVoxel } from "../../src/domain/coordinates";
import { fromBitmap, toBitmap, type Box, type Spans } from "../../src/domain/spans";
import { tileBox, type TileAt } from "../../src/domain/tiles";
import type { ReviewState, ToolSettings } from "../../src/state/review_state";
import type { Outcome } from "../../src/state/shaping";
import { FillTool } from "../../src/tools/areas";
import { GatedTool } from "../../src/tools/gated";
import { ThresholdTool } from "../../src/tools/threshold";
import type { Tool, ToolEvent } from "../../src/tools/tool";
import { review } from "../state/support";

const WIDTH = 2600;
const HEIGHT = 1500;

/** A bright band that winds through the picture, and a bright spot apart from it. */
function bright(x: number, y: number): boolean {
  const band = Math.abs(y - 700 - 200 * Math.sin(x / 300)) < 40 && x > 100 && x < 2500;
  return band || Math.hypot(x - 1300, y - 1200) < 50;
}

const value = (x: number, y: number): number => (bright(x, y) ? 200 : 50) + ((x * 7 + y * 3) % 10);

function large(settings: Partial<ToolSettings>): { state: ReviewState; told: Outcome[]; serve: () => Promise<void> } {
  const state = review("semantic", { grid: { nx: WIDTH, ny: HEIGHT, nz: 1 }, tiles: { size: 512, levels: 4 } });
  state.tools = { ...state.tools, label: 1, ...settings };
  const told: Outcome[] = [];
  state.told = (outcome) => told.push(outcome);
  const tiles = state.volume.tiles!;
  const tileOf = (at: TileAt): Uint8Array<ArrayBuffer> => {
    const [x1, y1, x2, y2] = tileBox(tiles.layout, at);
    return Uint8Array.from({ length: (x2 - x1) * (y2 - y1) }, (_, k) => value(x1 + (k % (x2 - x1)), y1 + Math.floor(k / (x2 - x1))));
  };
  const serve = async (): Promise<void> => {
    for (let round = 0; round < 6; round++) {
      for (let next = tiles.missing().next(); !next.done; next = tiles.missing().next()) tiles.put(next.value, tileOf(next.value));
      await Promise.resolve();
      await Promise.resolve();
    }
  };
  return { state, told, serve };
}

/** The same picture held whole: what a tool does there is what it has to do by tiles. */
function whole(settings: Partial<ToolSettings>): ReviewState {
  const state = review("semantic", { grid: { nx: WIDTH, ny: HEIGHT, nz: 1 } });
  state.tools = { ...state.tools, label: 1, ...settings };
  state.volume.put(0, 0, Uint8Array.from({ length: WIDTH * HEIGHT }, (_, k) => value(k % WIDTH, Math.floor(k / WIDTH))));
  return state;
}

function at(state: ReviewState, u: number, v: number): ToolEvent {
  const image = imagePoint(u, v);
  const voxel = imageToVoxel("axial", image, 0, state.facts.grid);
  return { plane: "axial", slice: 0, canvas: canvasPoint(u, v), image, voxel, shift: false, alt: false, ctrl: false };
}

function drag(tool: Tool, from: ToolEvent, to: ToolEvent): void {
  tool.down(from);
  tool.move(to);
  tool.up(to);
}

const drawn = (state: ReviewState): Spans => state.document.mask(1, 0);
const PLACES: [number, number][] = [[800, 700 + Math.round(200 * Math.sin(800 / 300))], [1300, 1200]];

describe("on a picture in tiles", () => {
  test.each(PLACES)("likeness fills as on a whole one, wherever the tiles end (%i, %i)", async (x, y) => {
    const settings: Partial<ToolSettings> = { tool: "fill", fillBy: "likeness", tolerance: 12 };
    const other = whole(settings);
    new FillTool(other).down(at(other, x, y));
    const { state, serve } = large(settings);
    new FillTool(state).down(at(state, x, y));
    expect(state.document.findings().size).toBe(0);
    await serve();
    expect(drawn(state).length).toBeGreaterThan(0);
    expect(drawn(state)).toEqual(drawn(other));
  });

  test("a fill is given up when another tool is taken before the values come", async () => {
    const { state, serve } = large({ tool: "fill", fillBy: "likeness" });
    new FillTool(state).down(at(state, 1300, 1200));
    state.setTools({ tool: "brush" });
    await serve();
    expect(state.document.findings().size).toBe(0);
  });

  test("the gated brush paints as on a whole one once the values around it are here", async () => {
    const settings: Partial<ToolSettings> = { tool: "gated", radius: 60, tolerance: 12 };
    const other = whole(settings);
    drag(new GatedTool(other), at(other, 1300, 1200), at(other, 1330, 1160));
    const { state, told, serve } = large(settings);
    const tool = new GatedTool(state);
    drag(tool, at(state, 1300, 1200), at(state, 1330, 1160));
    expect(told).toEqual(["loading"]);
    expect(state.document.findings().size).toBe(0);
    await serve();
    drag(tool, at(state, 1300, 1200), at(state, 1330, 1160));
    expect(drawn(state)).toEqual(drawn(other));
  });

  test("hovering brings the values of the gated brush in before it is put down", async () => {
    const { state, told, serve } = large({ tool: "gated", radius: 20, tolerance: 12 });
    const tool = new GatedTool(state);
    tool.hover(at(state, 1300, 1200));
    await serve();
    drag(tool, at(state, 1300, 1200), at(state, 1310, 1200));
    expect(told).toEqual([]);
    expect(drawn(state).length).toBeGreaterThan(0);
  });

  test.each<Box>([[1200, 1100, 1400, 1300], [0, 0, WIDTH, HEIGHT]])("a threshold takes the same as on a whole one", async (...box) => {
    const settings: Partial<ToolSettings> = { tool: "threshold" };
    const other = whole(settings);
    const { state, serve } = large(settings);
    const mine = new ThresholdTool(state);
    const theirs = new ThresholdTool(other);
    drag(theirs, at(other, box[0], box[1]), at(other, box[2], box[3]));
    drag(mine, at(state, box[0], box[1]), at(state, box[2], box[3]));
    expect(state.band).toBeNull();
    await serve();
    expect([state.band!.low, state.band!.high]).toEqual([other.band!.low, other.band!.high]);
    mine.finish();
    theirs.finish();
    expect(drawn(state)).toEqual(drawn(other));
  });

  test("a threshold without a rectangle is about what is in sight", async () => {
    const { state, serve } = large({ tool: "threshold" });
    state.sights.axial = [1210.4, 1100.2, 1399.7, 1299.9];
    new ThresholdTool(state).taken();
    await serve();
    expect(state.band!.box).toEqual([1210, 1100, 1400, 1300]);
  });

  test("values of too many pixels at once are refused", () => {
    const huge = review("semantic", { grid: { nx: 9000, ny: 9000, nz: 1 }, tiles: { size: 512, levels: 6 } });
    const told: Outcome[] = [];
    huge.told = (outcome) => told.push(outcome);
    huge.sights.axial = [0, 0, 9000, 9000];
    new ThresholdTool(huge).taken();
    expect([told, huge.band]).toEqual([["tooLarge"], null]);
  });

  test("a hole is filled from its mask alone", () => {
    const { state } = large({ tool: "fill", fillBy: "hole" });
    const ring = fromBitmap(Uint8Array.from({ length: WIDTH * HEIGHT }, (_, k) => {
      const away = Math.hypot((k % WIDTH) - 1000, Math.floor(k / WIDTH) - 700);
      return away > 20 && away < 30 ? 1 : 0;
    }));
    state.history.commit({ operation: "draw", masks: [{ finding: 1, z: 0, toggled: ring }], findings: [{ finding: 1, before: null, after: state.newFields() }] });
    state.select(1);
    new FillTool(state).down(at(state, 1000, 700));
    const disc = toBitmap(drawn(state), WIDTH * HEIGHT);
    expect(disc[700 * WIDTH + 1000]).toBe(1);
    expect(disc[640 * WIDTH + 1000]).toBe(0);
  });
});
