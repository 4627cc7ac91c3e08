import { threeFigures } from "../domain/units";

const LENGTHS = new Set(["equivalent_diameter", "feret_diameter", "major_axis", "minor_axis", "perimeter"]);
const UNIT = "length_unit";

export type FeatureRow = { readonly name: string; readonly words: string };

/** What was measured of a finding as a table's rows; what has no figure has no row. */
export function featureRows(features: Readonly<Record<string, number | string | null>>): FeatureRow[] {
  return Object.entries(features).flatMap(([name, value]) => {
    if (typeof value !== "number") return [];
    return [{ name, words: LENGTHS.has(name) ? `${threeFigures(value)} ${features[UNIT]}` : threeFigures(value) }];
  });
}
