import { describe, expect, test } from "vitest";

import { nextUncertain } from "../../src/state/actions/uncertain";
import type { UncertainPlace } from "../../src/state/uncertainty";
import { review } from "./support";

const PLACES: UncertainPlace[] = [
  [7, 10, 20, 90],
  [1, 3, 4, 40],
  [4, 29, 39, 12],
];

function unsure(places: readonly UncertainPlace[] = PLACES) {
  const state = review("semantic", { grid: { nx: 40, ny: 30, nz: 3 }, times: 3 });
  state.uncertainty = { run: "run", hasMap: true, places, at: null };
  return state;
}

const cursor = (state: ReturnType<typeof unsure>) => ({ ...state.looks.cursor, t: state.looks.t });

describe("the next uncertain place", () => {
  test("goes through all of them, the largest first, and around the end", () => {
    const state = unsure();
    nextUncertain(state, 1);
    // Plane 7 of three slices a moment is slice 1 of moment 2.
    expect(cursor(state)).toMatchObject({ x: 20.5, y: 10.5, z: 1.5, t: 2 });
    nextUncertain(state, 1);
    expect(cursor(state)).toMatchObject({ x: 4.5, y: 3.5, z: 1.5, t: 0 });
    nextUncertain(state, 1);
    nextUncertain(state, 1);
    expect(state.uncertainty?.at).toBe(0);
    nextUncertain(state, -1);
    expect(state.uncertainty?.at).toBe(2);
  });

  test("begins with the smallest when gone backwards", () => {
    const state = unsure();
    nextUncertain(state, -1);
    expect(state.uncertainty?.at).toBe(2);
  });

  test("shows the overlay, and stays where it is when there is none", () => {
    const state = unsure([]);
    const before = cursor(state);
    expect(state.looks.uncertainShown).toBe(false);
    nextUncertain(state, 1);
    expect(state.looks.uncertainShown).toBe(true);
    expect(cursor(state)).toEqual(before);
    state.uncertainty = null;
    expect(() => nextUncertain(state, 1)).not.toThrow();
  });

  test("moves the picture only to what is out of sight", () => {
    const state = unsure();
    state.setView("axial", { ...state.views.axial, scale: 10, offsetX: 0, offsetY: 0 });
    const size = { width: 300, height: 300 };
    nextUncertain(state, 1, size);
    expect(state.views.axial.offsetX).toBe(0);
    nextUncertain(state, -1, size); // (39, 29) lies at 395, 295
    expect(state.views.axial.offsetX).toBe(150 - 395);
    expect(state.views.axial.offsetY).toBe(150 - 295);
  });
});
