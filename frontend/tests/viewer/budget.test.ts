import { describe, expect, test } from "vitest";

import { bands, Budget } from "../../src/viewer/budget";

describe("what a frame may spend", () => {
  test("is used up piece by piece, and what is left waits for the next frame", () => {
    let clock = 0;
    const done: number[] = [];
    let left = [0, 1, 2, 3, 4, 5, 6];
    const frames: number[][] = [];
    while (left.length > 0) {
      const budget = new Budget(() => clock);
      left = left.filter((piece) => !budget.spend(() => (done.push(piece), (clock += 3))));
      frames.push(left);
      expect(budget.exceeded).toBe(left.length > 0);
    }
    expect(done).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(frames).toEqual([[3, 4, 5, 6], [6], []]);
  });

  test("is one piece at least, so that a slow machine comes to an end too", () => {
    let clock = 0;
    const budget = new Budget(() => (clock += 100));
    clock += 1000; // what else the frame does is not counted
    expect(budget.spend(() => undefined)).toBe(true);
    expect(budget.spend(() => undefined)).toBe(false);
    expect(budget.exceeded).toBe(true);
  });
});

describe("bands", () => {
  test("cover every row once, those in sight first", () => {
    const found = bands({ width: 10, height: 300 }, [2, 130, 5, 140]);
    expect(found).toEqual([
      [0, 128, 10, 256],
      [0, 0, 10, 128],
      [0, 256, 10, 300],
    ]);
  });
});
