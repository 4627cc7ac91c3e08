import { voxel } from "../../domain/coordinates";
import { boundingBox } from "../../domain/spans";
import type { ReviewState } from "../review_state";
import { imageToCanvas, planeDepth, sliceOf, voxelToImage, withSlice, type Plane } from "../../domain/coordinates";

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
  const centre = centreOf(state, finding);
  if (!centre) return;
  state.look({ cursor: centre });
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

function centreOf(state: ReviewState, finding: number): ReturnType<typeof voxel> | null {
  const drawn = [...state.document.slices(finding).keys()].sort((a, b) => a - b);
  const fields = state.document.finding(finding);
  const z = drawn[drawn.length >> 1] ?? fields?.z ?? 0;
  const box = boundingBox(state.document.mask(finding, z), state.facts.grid.nx) ?? fields?.box;
  return box ? voxel((box[0] + box[2]) / 2, (box[1] + box[3]) / 2, z + 0.5) : null;
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

/** Puts the crosshair on a voxel that somebody named. */
export function goToPlace(state: ReviewState, place: { readonly x: number; readonly y: number; readonly z: number }): void {
  state.look({ cursor: voxel(place.x + 0.5, place.y + 0.5, place.z + 0.5) });
}
