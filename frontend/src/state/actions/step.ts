import { imageToCanvas, planeDepth, sliceOf, voxel, voxelToImage, withSlice, type Plane, type Voxel } from "../../domain/coordinates";
import { momentAndZ } from "../../domain/moments";
import { boundingBox } from "../../domain/spans";
import type { ReviewState } from "../review_state";

export function goToSlice(state: ReviewState, plane: Plane, slice: number): void {
  const last = planeDepth(plane, state.facts.grid) - 1;
  const cursor = withSlice(plane, state.looks.cursor, Math.min(last, Math.max(0, slice)));
  if (sliceOf(plane, cursor) !== sliceOf(plane, state.looks.cursor)) state.look({ cursor });
}

export function stepSlice(state: ReviewState, plane: Plane, by: number): void {
  goToSlice(state, plane, sliceOf(plane, state.looks.cursor) + by);
}

/** Selects a finding and brings its middle into sight, without moving what is in sight already. */
export function showFinding(state: ReviewState, finding: number, viewport?: { width: number; height: number }): void {
  state.select(finding);
  const middle = middleOf(state, finding);
  if (!middle) return;
  state.look(middle);
  bringIntoSight(state, middle.cursor, viewport);
}

/** Moves the picture only where the place is not in sight already. */
export function bringIntoSight(state: ReviewState, centre: Voxel, viewport?: { width: number; height: number }): void {
  if (!viewport || viewport.width === 0) return;
  const plane = state.looks.plane;
  const view = state.views[plane];
  const at = imageToCanvas(view, voxelToImage(plane, centre, state.facts.grid));
  if (at.x > 24 && at.y > 24 && at.x < viewport.width - 24 && at.y < viewport.height - 24) return;
  state.setView(plane, {
    ...view,
    offsetX: view.offsetX + viewport.width / 2 - at.x,
    offsetY: view.offsetY + viewport.height / 2 - at.y,
  });
}

/** The middle of a finding at the moment that is looked at, else of all its moments. */
function middleOf(state: ReviewState, finding: number): { t: number; cursor: Voxel } | null {
  const { nx, nz } = state.facts.grid;
  const all = [...state.document.slices(finding).keys()].sort((a, b) => a - b);
  const now = all.filter((plane) => momentAndZ(plane, nz).t === state.looks.t);
  const drawn = now.length > 0 ? now : all;
  const fields = state.document.finding(finding);
  const plane = drawn[drawn.length >> 1] ?? fields?.z ?? 0;
  const box = boundingBox(state.document.mask(finding, plane), nx) ?? fields?.box;
  const { t, z } = momentAndZ(plane, nz);
  return box ? { t, cursor: voxel((box[0] + box[2]) / 2, (box[1] + box[3]) / 2, z + 0.5) } : null;
}

/** The next finding that nobody has judged, after the selected one and around the end. */
export function nextProposed(state: ReviewState, order: readonly number[], by: 1 | -1): number | null {
  const from = state.selected === null ? -1 : order.indexOf(state.selected);
  for (let step = 1; step <= order.length; step++) {
    const at = (((from + by * step) % order.length) + order.length) % order.length;
    if (state.document.finding(order[at])?.state === "proposed") return order[at];
  }
  return null;
}

export type Place = { readonly x: number; readonly y: number; readonly z: number };

/** The voxel under the crosshair; its z is the number of its plane. */
export function placeHere(state: ReviewState): Place {
  const { x, y, z } = state.looks.cursor;
  return { x: Math.floor(x), y: Math.floor(y), z: state.here(Math.floor(z)) };
}

/** Puts the crosshair on a place that somebody named. */
export function goToPlace(state: ReviewState, place: Place): void {
  const { t, z } = momentAndZ(place.z, state.facts.grid.nz);
  state.look({ t, cursor: voxel(place.x + 0.5, place.y + 0.5, z + 0.5) });
}
