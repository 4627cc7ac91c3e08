import { describe, expect, it } from "vitest";

import { band, extent, path, scale, type Series, table, ticks } from "../../src/components/plots";

const series = (points: Series["points"]): Series[] => [{ name: "Loss", colour: "#000", points }];

describe("a plot", () => {
  it("spans all points and their bands", () => {
    const both = series([
      { x: 1, y: 2, low: -1, high: 3 },
      { x: 5, y: 0 },
    ]);
    expect(extent(both, "x")).toEqual([1, 5]);
    expect(extent(both, "y")).toEqual([-1, 3]);
  });

  it("can be drawn when it is empty, flat, or of one point", () => {
    expect(extent([], "y")).toEqual([0, 1]);
    expect(extent(series([{ x: 0, y: Number.NaN }]), "y")).toEqual([0, 1]);
    const [low, high] = extent(series([{ x: 3, y: 7 }]), "y");
    expect(low).toBeLessThan(7);
    expect(high).toBeGreaterThan(7);
  });

  it("ticks at round values inside the span", () => {
    expect(ticks([0, 1])).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]);
    expect(ticks([0.13, 0.87], 4)).toEqual([0.2, 0.4, 0.6, 0.8]);
    expect(ticks([-40, 260], 3)).toEqual([0, 100, 200]);
  });

  it("breaks its line where a value is missing", () => {
    const same = (value: number) => value;
    const points = [
      { x: 0, y: 1 },
      { x: 1, y: 2 },
      { x: 2, y: Number.NaN },
      { x: 3, y: 4 },
    ];
    expect(path(points, same, same)).toBe("M0.0 1.0L1.0 2.0M3.0 4.0");
  });

  it("draws an interval as a closed band, and none without one", () => {
    const same = (value: number) => value;
    const points = [
      { x: 0, y: 1, low: 0, high: 2 },
      { x: 1, y: 1, low: 0.5, high: 1.5 },
    ];
    expect(band(points, same, same)).toBe("M0.0 2.0L1.0 1.5L1.0 0.5L0.0 0.0Z");
    expect(band([{ x: 0, y: 1 }], same, same)).toBe("");
  });

  it("puts the lowest value at the bottom", () => {
    const y = scale([0, 10], 200, 0);
    expect([y(0), y(10), y(5)]).toEqual([200, 0, 100]);
  });

  it("gives its data as a table, names quoted where they must be", () => {
    const two = [{ name: 'AP, "0.5"', colour: "#000", points: [{ x: 1, y: 0.25, low: 0.2, high: 0.3 }] }];
    expect(table(two, "step", "figure")).toBe('series,step,figure,low,high\n"AP, ""0.5""",1,0.25,0.2,0.3\n');
  });
});
