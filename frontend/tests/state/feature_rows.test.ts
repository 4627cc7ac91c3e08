import { expect, test } from "vitest";
import { featureRows } from "../../src/state/feature_rows";

test("lengths carry their unit, figures are honest, and what is missing has no row", () => {
  const rows = featureRows({ length_unit: "mm", feret_diameter: 12.3456, perimeter: null, solidity: 0.98765, intensity_min: -1000 });
  expect(rows).toEqual([
    { name: "feret_diameter", words: "12.3 mm" },
    { name: "solidity", words: "0.988" },
    { name: "intensity_min", words: "-1000" },
  ]);
});

test("an empty mask has no rows", () => {
  expect(featureRows({ length_unit: "px", perimeter: null })).toEqual([]);
});
