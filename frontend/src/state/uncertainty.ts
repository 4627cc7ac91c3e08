import type { Plane } from "../domain/coordinates";
import type { Sight } from "./sight";

/** An uncertain region: the plane and pixel where it is widest, and its size. */
export type UncertainPlace = readonly [plane: number, y: number, x: number, pixels: number];

/** What the newest prediction says of its own doubt; `at` is the place that was gone to last. */
export type Uncertainty = {
  readonly run: string;
  readonly hasMap: boolean;
  readonly places: readonly UncertainPlace[];
  readonly at: number | null;
};

/** Draws the map of uncertainty; it is there once somebody asked for it. */
export type Heat = { draw(sight: Sight, plane: Plane, slice: number): void };
