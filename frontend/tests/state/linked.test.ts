import { describe, expect, test } from "vitest";

import { imageToCanvas, voxel, voxelToImage, voxelToWorld, worldToVoxel, zoomAt, canvasPoint, type Affine, type Plane, type World } from "../../src/domain/coordinates";
import { isOutside, linkStates, mayLink } from "../../src/state/linked";
import type { ReviewState } from "../../src/state/review_state";
import type { ImageFacts } from "../../src/state/types";
import { review } from "./support";

const FINE: Affine = [[0.5, 0, 0, -20], [0, 0.5, 0, -10], [0, 0, 2, 100], [0, 0, 0, 1]];
const COARSE: Affine = [[1.5, 0, 0, -30], [0, 1.5, 0, -22], [0, 0, 5, 90], [0, 0, 0, 1]];
const SIZES = { width: 400, height: 300 };

const series = (affineLps: Affine | null, spacingZyx: ImageFacts["spacingZyx"], nx: number, nz: number): ReviewState => {
  const state = review("semantic", { grid: { nx, ny: nx, nz }, affineLps, spacingZyx, source: "patient" });
  for (const plane of ["axial", "coronal", "sagittal"] as const) state.setView(plane, { ...state.views[plane], scale: 3, offsetX: 7, offsetY: -4 }, true);
  return state;
};

function linked(): { a: ReviewState; b: ReviewState; stop: () => void } {
  const a = series(FINE, [2, 0.5, 0.5], 80, 20);
  const b = series(COARSE, [5, 1.5, 1.5], 40, 14);
  const stop = linkStates({ state: a, sizeOf: () => SIZES }, { state: b, sizeOf: () => ({ width: 320, height: 300 }) });
  return { a, b, stop };
}

const worldOf = ({ looks, facts }: ReviewState): World => voxelToWorld(looks.cursor, facts.affineLps!);

/** Where a place of the patient is seen, from the middle of the canvas. */
function seen(state: ReviewState, plane: Plane, at: World, size: { width: number; height: number }): number[] {
  const point = imageToCanvas(state.views[plane], voxelToImage(plane, worldToVoxel(at, state.facts.affineLps!)!, state.facts.grid));
  return [point.x - size.width / 2, point.y - size.height / 2];
}

function expectSame(a: ReviewState, b: ReviewState): void {
  for (const plane of ["axial", "coronal", "sagittal"] as const) {
    for (const at of [{ x: -5, y: 3, z: 110 }, { x: 4, y: 8, z: 130 }] as World[]) {
      const [one, other] = [seen(a, plane, at, SIZES), seen(b, plane, at, { width: 320, height: 300 })];
      expect(other[0]).toBeCloseTo(one[0], 6);
      expect(other[1]).toBeCloseTo(one[1], 6);
    }
  }
}

describe("two series side by side", () => {
  test("show the same place in the patient, equally large, from the beginning", () => {
    const { a, b } = linked();
    expect(worldOf(b).x).toBeCloseTo(worldOf(a).x, 9);
    expect(worldOf(b).z).toBeCloseTo(worldOf(a).z, 9);
    expectSame(a, b);
  });

  test("follow each other's crosshair, zoom and pan, whoever leads", () => {
    const { a, b } = linked();
    a.look({ cursor: voxel(30.5, 40.5, 15.5) });
    expect(worldOf(b).y).toBeCloseTo(worldOf(a).y, 9);
    expectSame(a, b);
    b.look({ cursor: voxel(12.5, 17.5, 6.5) });
    expect(worldOf(a).z).toBeCloseTo(worldOf(b).z, 9);
    b.setView("coronal", zoomAt(b.views.coronal, canvasPoint(90, 70), 2.3));
    expectSame(a, b);
    a.setView("axial", { ...a.views.axial, offsetX: 55, offsetY: 31 });
    expectSame(a, b);
  });

  test("leave a crosshair where it is that the other cannot follow", () => {
    const { a, b } = linked();
    b.look({ cursor: voxel(39.5, 39.5, 13.5) });
    const { cursor } = b.looks;
    expect(isOutside(b, a)).toBe(true);
    b.look({ inverted: true });
    a.look({ inverted: true }); // a change elsewhere brings no clamped place back
    expect(b.looks.cursor).toBe(cursor);
    expect(isOutside(a, b)).toBe(false);
  });

  test("share layout, plane and tool, and nothing of their windows", () => {
    const { a, b } = linked();
    const { window } = b.looks;
    a.look({ layout: "one", plane: "sagittal", window: { low: 1, high: 9 } });
    a.setTools({ tool: "ruler" });
    expect([b.looks.layout, b.looks.plane, b.tools.tool]).toEqual(["one", "sagittal", "ruler"]);
    expect(b.looks.window).toBe(window);
  });

  test("keep a fitted plane fitted", () => {
    const { a, b } = linked();
    b.look({ inverted: true });
    expect(a.fitted.has("axial")).toBe(true);
  });

  test("part when they are parted", () => {
    const { a, b, stop } = linked();
    stop();
    const { cursor } = b.looks;
    a.look({ cursor: voxel(3.5, 4.5, 5.5) });
    expect(b.looks.cursor).toBe(cursor);
  });

  test("stay apart where one does not know its place", () => {
    const a = series(FINE, [2, 0.5, 0.5], 80, 20);
    const b = series(null, null, 40, 14);
    linkStates({ state: a, sizeOf: () => SIZES }, { state: b, sizeOf: () => SIZES });
    const { cursor } = b.looks;
    a.look({ cursor: voxel(3.5, 4.5, 5.5) });
    expect(b.looks.cursor).toBe(cursor);
    expect(mayLink(a, b)).toBe(false);
    expect(isOutside(a, b)).toBe(false);
  });
});
