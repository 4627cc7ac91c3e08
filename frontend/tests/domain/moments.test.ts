import { describe, expect, test } from "vitest";

import { atMoment, momentAndZ, planeNumber, toPlanes } from "../../src/domain/moments";
import { vectors } from "../vectors";

type Numbered = { name: string; size_z: number; planes: { t: number; z: number; plane: number }[] };

describe("planes of space and time", () => {
  test.each(vectors<Numbered>("moments"))("are numbered as in Python: $name", ({ size_z, planes }) => {
    for (const { t, z, plane } of planes) {
      expect(planeNumber(t, z, size_z)).toBe(plane);
      expect(momentAndZ(plane, size_z)).toEqual({ t, z });
    }
  });

  test("hand out the masks of one moment and take them back", () => {
    const [a, b, c] = [Uint32Array.of(0, 1), Uint32Array.of(2, 3), Uint32Array.of(4, 5)];
    const planes = new Map([[1, a], [3, b], [5, c]]);
    expect(atMoment(planes, 0, 3)).toEqual(new Map([[1, a]]));
    expect(atMoment(planes, 1, 3)).toEqual(new Map([[0, b], [2, c]]));
    expect(toPlanes(atMoment(planes, 1, 3), 1, 3)).toEqual(new Map([[3, b], [5, c]]));
  });
});
