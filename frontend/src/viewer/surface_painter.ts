import type { Camera } from "../domain/camera";
import type { Mesh } from "../domain/surface";
import type { Colour } from "./palette";

/** What is seen of one finding. */
export type Seen = { readonly finding: number; readonly mesh: Mesh; readonly colour: Colour };

/** Draws surfaces on a canvas of its own. All painters light them alike: from where one looks. */
export interface SurfacePainter {
  readonly kind: "webgl2" | "canvas";
  /** `moving` asks for a picture in time rather than for the best one. */
  draw(seen: readonly Seen[], camera: Camera, ratio: number, moving: boolean): void;
  stop(): void;
}

export const GROUND: Colour = [26, 27, 29];

/** The least light there is, where a surface turns away. */
export const AMBIENT = 0.28;
