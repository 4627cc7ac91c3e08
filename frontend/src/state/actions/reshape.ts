import { addSlices } from "../../domain/brush";
import { ballRows, grown, shrunk, smoothed } from "../../domain/margins";
import { atLeast, parts, voxelsOf, withoutHoles } from "../../domain/parts";
import { subtract, type Spans } from "../../domain/spans";
import { combined, type Slices } from "../../domain/stack";
import { isEmptyChange } from "../document";
import type { ReviewState } from "../review_state";
import type { Outcome } from "../shaping";
import { layersOf, type Layer } from "./layers";
import { addTo, eraseFrom, finishStroke } from "./paint";

export type Reshaping = "grow" | "shrink" | "smooth" | "largest" | "small" | "holes";

/** Reshapes a finding within reach, as one step. What is added obeys the rule of neighbours, like a stroke. */
export function reshape(state: ReviewState, finding: number, how: Reshaping): Outcome {
  const added = new Map<number, Spans>();
  const removed = new Map<number, Spans>();
  for (const layer of layersOf(state, finding, state.tools.reach)) {
    const after = RULES[how](layer, state);
    addSlices(added, layer.back(combined(after, layer.slices, subtract)));
    addSlices(removed, layer.back(combined(layer.slices, after, subtract)));
  }
  return changed(state, finding, added, removed, how);
}

/** Adds and takes away voxels of the moment that is looked at; what would leave nothing is left undone. */
export function changed(state: ReviewState, finding: number, added: Slices, removed: Slices, operation: string): Outcome {
  if (added.size + removed.size === 0) return "nothing";
  const rest = voxelsOf(state.document.slices(finding)) + voxelsOf(added) - voxelsOf(removed);
  if (rest === 0) return "vanishes";
  const growth = addTo(state, finding, state.onMoment(added));
  if (isEmptyChange(growth) && removed.size === 0) return "kept";
  state.draft.extend(growth);
  state.draft.extend(eraseFrom(state, [finding], state.onMoment(removed)));
  finishStroke(state, [finding], operation);
  return "done";
}

const ball = ({ spacingZyx, grid }: Layer, radius: number): ReturnType<typeof ballRows> => ballRows(radius, spacingZyx, grid.nz);

const RULES: Readonly<Record<Reshaping, (layer: Layer, state: ReviewState) => Slices>> = {
  grow: (layer, { tools }) => grown(layer.slices, ball(layer, tools.margin), layer.grid),
  shrink: (layer, { tools }) => shrunk(layer.slices, ball(layer, tools.margin), layer.grid),
  smooth: (layer, { tools }) => smoothed(layer.slices, ball(layer, tools.smoothing), layer.grid),
  largest: ({ slices, grid }) => parts(slices, grid.nx)[0].slices,
  small: ({ slices, grid }, { tools }) => atLeast(slices, grid.nx, tools.smallest),
  holes: ({ slices, grid }) => withoutHoles(slices, grid),
};
