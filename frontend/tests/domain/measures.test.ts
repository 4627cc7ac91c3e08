import { describe, expect, test } from "vitest";

import { voxel, type Voxel } from "../../src/domain/coordinates";
import { angleInWords, cornerAngle, lengthInWords, lineLength } from "../../src/domain/measures";
import { vectors } from "../vectors";

type Case = { why: string; kind: "length" | "angle"; spacing_zyx: [number, number, number] | null; points: [number, number, number][]; value: number | null };
const placed = (points: [number, number, number][]): Voxel[] => points.map(([x, y, z]) => voxel(x, y, z));

describe("measuring", () => {
  test.each(vectors<Case>("measures"))("gives the shared figure of $why", ({ kind, spacing_zyx, points, value }) => {
    const told = (kind === "length" ? lineLength : cornerAngle)(placed(points), spacing_zyx);
    if (value === null) expect(told).toBeNull();
    else expect(told).toBeCloseTo(value, 9);
  });

  test("says its unit, and nothing that is not known", () => {
    const line = placed([[0, 0, 0.5], [4, 0, 0.5]]);
    expect(lengthInWords(line, null)).toBe("4.00 px");
    expect(lengthInWords(line, [2, 0.5, 0.25])).toBe("1.00 mm");
    expect(lengthInWords(line, [0.001, 0.0005, 0.0005])).toBe("2.00 µm");
    expect(angleInWords(placed([[0, 0, 0], [0, 0, 0], [1, 0, 0]]), null)).toBe("–");
    expect(angleInWords(placed([[5, 0, 0.5], [0, 0, 0.5], [3, 3, 0.5]]), null)).toBe("45.0°");
  });
});
