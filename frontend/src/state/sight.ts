import type { View } from "../domain/coordinates";

export type Extent = { readonly width: number; readonly height: number };

/** A canvas and what part of a plane it shows, for whoever draws into it. */
export type Sight = {
  readonly pen: CanvasRenderingContext2D;
  readonly view: View;
  readonly extent: Extent;
  /** Pixels of the screen per CSS pixel. */
  readonly ratio: number;
};
