import { momentAndZ } from "../domain/moments";
import { area } from "../domain/spans";
import { inWords, length, pixelArea, voxelVolume } from "../domain/units";
import type { ReviewState } from "./review_state";

/** How large a finding is at the moment that is looked at, in the units that the spacing allows. */
export function describeSize(state: ReviewState, finding: number): string {
  const size = sizeNow(state, finding);
  if (state.facts.times === 1) return size;
  const moments = new Set([...state.document.slices(finding).keys()].map((plane) => momentAndZ(plane, state.facts.grid.nz).t));
  const spread = moments.size === 0 ? "" : `${moments.size} / ${state.facts.times} frames`;
  return [size, spread].filter((part) => part !== "").join(" · ");
}

function sizeNow(state: ReviewState, finding: number): string {
  const slices = state.ofMoment(state.document.slices(finding));
  const { facts } = state;
  const voxels = [...slices.values()].reduce((sum, spans) => sum + area(spans), 0);
  if (voxels > 0 && facts.grid.nz === 1) return inWords(pixelArea(voxels, facts)) + uncalibrated(state);
  if (voxels > 0) return `${inWords(voxelVolume(voxels, facts))} · ${slices.size} / ${facts.grid.nz}${uncalibrated(state)}`;
  const box = state.document.finding(finding)?.box;
  if (!box) return "";
  const spacing = facts.spacingZyx && ([facts.spacingZyx[2], facts.spacingZyx[1]] as const);
  return `${inWords(length(box[2] - box[0], 0, spacing))} × ${inWords(length(0, box[3] - box[1], spacing))}${uncalibrated(state)}`;
}

/** So many voxels of this image, in the unit that its spacing allows. */
export const extentOf = (voxels: number, { facts }: ReviewState): string =>
  inWords(facts.grid.nz === 1 ? pixelArea(voxels, facts) : voxelVolume(voxels, facts));

const uncalibrated = ({ facts }: ReviewState): string => (facts.spacingZyx ? "" : " · uncalibrated");
