import { describe, expect, test } from "vitest";

import type { ReviewImage } from "../../src/api/review";
import { isOverview, seriesName } from "../../src/pages/review/opening";

const image = (change: Partial<ReviewImage>): ReviewImage =>
  ({ modality: "CT", slices: 120, spacing_mm: [1.25, 0.7, 0.7], acquisition_axis: "z", ...change }) as ReviewImage;

describe("a series", () => {
  test("is named by what it is", () => {
    expect(seriesName(image({}))).toBe("CT · 120 slices · 1.25 mm");
    expect(seriesName(image({ acquisition_axis: "x", spacing_mm: [0.7, 0.7, 3] }))).toBe("CT · 120 slices · 3.00 mm");
    expect(seriesName(image({ slices: 1, modality: "" }))).toBe("1 slice");
    expect(seriesName(image({ spacing_mm: null, modality: "MR" }))).toBe("MR · 120 slices");
  });

  test("of a few slices is an overview beside a volume only", () => {
    const [scout, volume] = [image({ slices: 2 }), image({})];
    expect(isOverview(scout, [scout, volume])).toBe(true);
    expect(isOverview(scout, [scout])).toBe(false);
    expect(isOverview(volume, [scout, volume])).toBe(false);
  });
});
