import { planeDepth, sliceOf, type Plane } from "../domain/coordinates";
import { slabRange, slicePitch, type SlabRange, type SlabRule } from "../domain/slab";
import { isMicroscopic, threeFigures } from "../domain/units";
import type { ReviewState } from "./review_state";

export { SLAB_RULES, type SlabRule } from "../domain/slab";

export type Slab = SlabRange & { readonly rule: SlabRule };

/** The slab that a plane shows around `slice`; null where it shows the slice alone. */
export function slabOf({ looks, facts }: ReviewState, plane: Plane, slice: number): Slab | null {
  if (looks.slab === null || facts.grid.nz === 1) return null;
  return { rule: looks.slab, ...slabRange(plane, slice, looks.slabThickness, facts) };
}

export type SlabStatus = { readonly rule: SlabRule; readonly thickness: string; readonly slices: number; readonly missing: number };

/** How a slab is told beside its plane, and how many of the axial slices that it needs are not here. */
export function slabStatus(state: ReviewState, plane: Plane): SlabStatus | null {
  const { looks, facts, volume } = state;
  const slab = slabOf(state, plane, sliceOf(plane, looks.cursor));
  if (!slab) return null;
  const slices = slab.last - slab.first + 1;
  const needed = plane === "axial" ? slab : { first: 0, last: facts.grid.nz - 1 };
  let missing = 0;
  for (let z = needed.first; z <= needed.last; z++) if (!volume.has(looks.t, z)) missing++;
  return { rule: slab.rule, thickness: thicknessInWords(state), slices, missing };
}

/** "10 mm", "40 µm", or "5 px" where there is no spacing: slices are counted by themselves. */
export function thicknessInWords({ looks, facts }: ReviewState): string {
  const unit = slabUnit(facts);
  return `${Number(threeFigures(looks.slabThickness * (unit === "µm" ? 1000 : 1)))} ${unit}`;
}

export function slabUnit({ spacingZyx }: ReviewState["facts"]): "mm" | "µm" | "px" {
  if (!spacingZyx) return "px";
  return isMicroscopic(spacingZyx) ? "µm" : "mm";
}

/** The value that a pixel of a slab shows, per channel; null where one of its slices has not arrived. */
export function slabValues(state: ReviewState, plane: Plane, x: number, y: number, z: number): number[] | null {
  const slab = slabOf(state, plane, plane === "axial" ? z : plane === "coronal" ? y : x);
  const { volume, looks } = state;
  if (!slab) return volume.values(looks.t, x, y, z);
  const all: number[][] = [];
  for (let k = slab.first; k <= slab.last; k++) {
    const values = volume.values(looks.t, plane === "sagittal" ? k : x, plane === "coronal" ? k : y, plane === "axial" ? k : z);
    if (!values) return null;
    all.push(values);
  }
  return all[0].map((_, c) => joined(slab.rule, all.map((values) => values[c])));
}

function joined(rule: SlabRule, values: readonly number[]): number {
  if (rule === "mean") return Math.floor(values.reduce((sum, value) => sum + value, 0) / values.length + 0.5);
  return rule === "max" ? Math.max(...values) : Math.min(...values);
}

// Steps that people say: 1, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, …
const STEPS = [1, 1.5, 2, 3, 4, 5, 6, 8];

/** The next thickness up or down that takes in other slices of `plane`; the present one where there is none. */
export function nextThickness({ looks, facts }: ReviewState, plane: Plane, by: 1 | -1): number {
  const pitch = slicePitch(plane, facts) ?? 1;
  const count = (thickness: number): number => Math.floor(thickness / 2 / pitch + 1e-6);
  const most = planeDepth(plane, facts.grid);
  const all = [-3, -2, -1, 0, 1, 2].flatMap((power) => STEPS.map((step) => Number((step * 10 ** power).toPrecision(2))));
  const now = count(looks.slabThickness);
  const ordered = by > 0 ? all : all.reverse();
  const next = ordered.find((one) => (one - looks.slabThickness) * by > 0 && count(one) !== now);
  return next !== undefined && count(next) >= 1 && count(next) <= most ? next : looks.slabThickness;
}
