import { stretchOf, voxel, type Plane, type View, type Voxel } from "../domain/coordinates";
import type { ColourMap } from "../domain/colourmap";
import type { Tilt } from "../domain/oblique";
import type { SlabRule } from "../domain/slab";
import { centreOf, ctPresets, widthOf, windowOf, type Window, type WindowPreset } from "../domain/window";
import type { ImageFacts } from "./types";

export { COLOUR_MAPS, type ColourMap } from "../domain/colourmap";

export type Layout = "one" | "three";

/** How the case is looked at. None of it is saved with the masks. */
export type Looks = {
  readonly cursor: Voxel;
  readonly t: number;
  readonly window: Window;
  readonly inverted: boolean;
  readonly colours: ColourMap;
  /** What a slab around the slice shows; null for the slice alone. */
  readonly slab: SlabRule | null;
  /** In mm; in slices where the file has no spacing. */
  readonly slabThickness: number;
  /** The masks as surfaces beside the planes. */
  readonly surfaces: boolean;
  /** A tilted plane through the crosshair beside the others; null where there is none. */
  readonly oblique: Tilt | null;
  readonly channel: number | null;
  readonly layout: Layout;
  readonly plane: Plane;
  readonly opacity: number;
  readonly outlines: boolean;
  readonly masksHidden: boolean;
  readonly suppressedShown: boolean;
  readonly reviewedShown: boolean;
  readonly uncertainShown: boolean;
  readonly uncertainOpacity: number;
  readonly crosshair: boolean;
  readonly smooth: boolean;
};

export function firstLooks(facts: ImageFacts): Looks {
  const { nx, ny, nz } = facts.grid;
  return {
    cursor: voxel(nx / 2, ny / 2, Math.floor(nz / 2) + 0.5),
    t: 0,
    window: facts.window ? windowOf(facts.window[0], facts.window[1]) : fullWindow(facts),
    inverted: facts.photometric === "MONOCHROME1",
    colours: "grey",
    slab: null,
    slabThickness: 10,
    surfaces: false,
    oblique: null,
    channel: facts.channels === 3 || facts.channels === 1 ? null : 0,
    layout: nz > 1 ? "three" : "one",
    plane: facts.acquisitionAxis === "y" ? "coronal" : facts.acquisitionAxis === "x" ? "sagittal" : "axial",
    opacity: 0.28,
    outlines: true,
    masksHidden: false,
    suppressedShown: false,
    reviewedShown: true,
    uncertainShown: false,
    uncertainOpacity: 0.7,
    crosshair: true,
    smooth: true,
  };
}

export function fullWindow(facts: ImageFacts): Window {
  return facts.type === "int16" ? { low: -1024, high: 3071 } : { low: 0, high: facts.type === "uint8" ? 255 : 65535 };
}

export function presets(facts: ImageFacts): WindowPreset[] {
  const own = facts.window ? [{ name: "file", window: windowOf(facts.window[0], facts.window[1]) }] : [];
  const isCt = facts.modality === "CT" && facts.valueUnit !== "";
  return [...own, ...(isCt ? ctPresets(facts.slope, facts.intercept) : [])];
}

export function freshView(plane: Plane, facts: ImageFacts): View {
  const stretch = stretchOf(plane, facts.spacingZyx);
  return { scale: 0, offsetX: 0, offsetY: 0, stretchU: stretch.u, stretchV: stretch.v };
}

/** A window in the image's own unit, as people quote it. */
export function centreAndWidth(facts: ImageFacts, window: Window): { centre: number; width: number } {
  const { slope, intercept } = facts;
  return { centre: Math.round(centreOf(window) * slope + intercept), width: Math.round(widthOf(window) * Math.abs(slope)) };
}
