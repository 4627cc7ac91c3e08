import type { Plane } from "../domain/coordinates";
import type { Box } from "../domain/spans";
import { isMicroscopic } from "../domain/units";
import type { ImageFacts } from "./types";

/** How far an operation reaches: the slice that is looked at, every slice by itself, or the volume as one. */
export type Reach = "slice" | "slices" | "volume";

export type ShapeSettings = {
  readonly reach: Reach;
  /** What radii are measured in: pixels of every axis, or the length that the spacing gives. */
  readonly unit: "px" | "length";
  readonly margin: number;
  readonly smoothing: number;
  /** Islands of fewer voxels are removed. */
  readonly smallest: number;
};

/** What an operation did, or why it did nothing. */
export type Outcome =
  | "done"
  | "nothing"
  | "vanishes"
  | "kept"
  | "noFinding"
  | "noOther"
  | "apart"
  | "onePart"
  | "tooMany"
  | "noCut"
  | "noOverlap"
  | "edge"
  | "emptyHere"
  | "loading"
  | "tooLarge"
  | "plain"
  | "ended";

/** Grey values from `low` to `high`, of all between `least` and `most`, in a rectangle of a plane or in all of it. */
export type Band = {
  readonly low: number;
  readonly high: number;
  readonly least: number;
  readonly most: number;
  readonly box: Box | null;
  readonly plane: Plane;
};

export function firstShapeSettings(facts: ImageFacts): ShapeSettings {
  return { reach: facts.grid.nz > 1 ? "volume" : "slice", unit: "px", margin: 2, smoothing: 2, smallest: 20 };
}

/** The unit of lengths in this image; null where the file has no spacing. */
export function lengthUnit({ spacingZyx }: ImageFacts): "mm" | "µm" | null {
  return spacingZyx && (isMicroscopic(spacingZyx) ? "µm" : "mm");
}

/** Spacing in the unit that radii are given in. */
export function spacingIn(unit: ShapeSettings["unit"], facts: ImageFacts): readonly [number, number, number] {
  const { spacingZyx } = facts;
  if (unit === "px" || !spacingZyx) return [1, 1, 1];
  const factor = lengthUnit(facts) === "µm" ? 1000 : 1;
  return [spacingZyx[0] * factor, spacingZyx[1] * factor, spacingZyx[2] * factor];
}
