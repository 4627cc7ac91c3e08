import { planeSize, sliceOf, type Plane } from "../../domain/coordinates";
import type { Box, Spans } from "../../domain/spans";
import { maskOnPlane } from "../../domain/planes";
import { put, type Block } from "../../domain/stack";
import { spansFrom, spansWithin } from "../../domain/tiles";
import { extremes, greysOf, inRange, otsu, statistics, type Field, type Greys } from "../../domain/values";
import type { ReviewState } from "../review_state";
import type { Band, Outcome } from "../shaping";
import { addTo, finishStroke, strokeTarget } from "./paint";

/**
 * The band to begin with, in a rectangle of the plane or in all of it: what is like the selected
 * mask there (mean ± 2.5 deviations), or else what Otsu's rule calls bright. Null until the slice is here.
 */
export function firstBand(state: ReviewState, plane: Plane, box: Box | null): Band | null {
  const slice = sliceOf(plane, state.looks.cursor);
  const size = planeSize(plane, state.facts.grid);
  const here = greysOn(state, plane, slice, box ?? [0, 0, size.width, size.height]);
  if (!here) return null;
  const { greys, field } = here;
  const { low: least, high: most } = extremes(greys);
  const target = state.target();
  const mask = target === null ? null : maskOnPlane(state.ofMoment(state.document.slices(target)), plane, slice, state.facts.grid);
  const seen = mask && spansWithin(mask, here.box, size.width);
  const own = seen && seen.length > 0 ? statistics(greys, seen, field) : null;
  const clamp = (value: number): number => Math.min(most, Math.max(least, Math.round(value)));
  if (!own) return { low: clamp(Math.ceil(otsu(greys, box && boxIn(here.box, box), field))), high: most, least, most, box, plane };
  return { low: clamp(own.mean - 2.5 * own.deviation), high: clamp(own.mean + 2.5 * own.deviation), least, most, box, plane };
}

/** What the band takes of a slice of a plane; null where it takes nothing or the slice is not here yet. */
export function bandOn(state: ReviewState, band: Band, plane: Plane, slice: number): Spans | null {
  const block = blockOfBand(state, band);
  const { nz } = state.facts.grid;
  const { x1, y1, z1, x2, y2, z2 } = block;
  const [first, last] = plane === "axial" ? [z1, z2] : plane === "coronal" ? [y1, y2] : [x1, x2];
  if (slice < first || slice >= last) return null;
  const upright: Box = plane === "coronal" ? [x1, nz - z2, x2, nz - z1] : [y1, nz - z2, y2, nz - z1];
  return takenOf(state, band, plane, slice, plane === "axial" ? [x1, y1, x2, y2] : upright);
}

/** Makes what the band takes part of the finding that is drawn on, as one step. */
export function applyBand(state: ReviewState, band: Band): Outcome {
  const block = blockOfBand(state, band);
  const drawn = new Map<number, Spans>();
  for (let z = block.z1; z < block.z2; z++) {
    const taken = takenOf(state, band, "axial", z, [block.x1, block.y1, block.x2, block.y2]);
    if (!taken) return "loading";
    put(drawn, z, taken);
  }
  if (drawn.size === 0) return "nothing";
  const { x, y, z } = state.looks.cursor;
  const { number, isNew } = strokeTarget(state, { x, y, z, joins: true });
  const growth = addTo(state, number, state.onMoment(drawn));
  if (growth.masks.length === 0) {
    state.draft.cancel();
    if (isNew) state.select(null);
    return "kept";
  }
  state.draft.extend(growth);
  finishStroke(state, [number], "threshold");
  return "done";
}

/** The voxels that a band is about: its rectangle, on the slice that is looked at or right through the volume. */
function blockOfBand({ facts, looks, tools }: ReviewState, { box, plane }: Band): Block {
  const { nx, ny, nz } = facts.grid;
  const { width, height } = planeSize(plane, facts.grid);
  const [u1, v1, u2, v2] = box ?? [0, 0, width, height];
  const here = sliceOf(plane, looks.cursor);
  const through = (size: number): [number, number] => (tools.reach === "slice" ? [here, here + 1] : [0, size]);
  if (plane === "axial") {
    const [z1, z2] = through(nz);
    return { x1: u1, x2: u2, y1: v1, y2: v2, z1, z2 };
  }
  const [z1, z2] = [Math.max(0, nz - v2), Math.min(nz, nz - v1)];
  const [s1, s2] = through(plane === "coronal" ? ny : nx);
  return plane === "coronal" ? { x1: u1, x2: u2, y1: s1, y2: s2, z1, z2 } : { x1: s1, x2: s2, y1: u1, y2: u2, z1, z2 };
}

/** What the band takes of a box of a plane; null where its values are not here yet. */
function takenOf(state: ReviewState, band: Band, plane: Plane, slice: number, box: Box): Spans | null {
  const here = greysOn(state, plane, slice, box);
  if (!here) return null;
  const { width } = planeSize(plane, state.facts.grid);
  return spansFrom(inRange(here.greys, band.low, band.high, boxIn(here.box, box), here.field), here.box, width);
}

/** A box of the plane inside another one of it, counted from that one's corner. */
const boxIn = ([x, y]: Box, [x1, y1, x2, y2]: Box): Box => [x1 - x, y1 - y, x2 - x, y2 - y];

/** The values of a box of a plane, perhaps of more around it: of `here.box`. */
function greysOn({ volume, looks }: ReviewState, plane: Plane, slice: number, within: Box): { greys: Greys; box: Box; field: Field } | null {
  const region = volume.region(plane, looks.t, slice, within);
  if (!region) return null;
  const [x1, y1, x2, y2] = region.box;
  const field = { width: x2 - x1, height: y2 - y1 };
  return { greys: greysOf(region.samples, field.width * field.height, region.channels, looks.channel), box: region.box, field };
}
