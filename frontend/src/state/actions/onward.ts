import { carried } from "../../domain/carry";
import { planeDepth, planeSize, sliceOf } from "../../domain/coordinates";
import { maskOnPlane } from "../../domain/planes";
import { type Spans } from "../../domain/spans";
import { greysOf, type Greys } from "../../domain/values";
import { isEmptyChange } from "../document";
import type { ReviewState } from "../review_state";
import type { Outcome } from "../shaping";
import { ontoSlices } from "./layers";
import { addTo, finishStroke } from "./paint";
import { goToSlice } from "./step";

type Place = { readonly t: number; readonly slice: number };

/** Draws a finding's mask of this slice on the next one too, as it is or fitted to the image there, and goes there. */
export function bringOnward(state: ReviewState, finding: number, by: 1 | -1, isFitted: boolean): Outcome {
  const { plane, cursor, t } = state.looks;
  const here = { t, slice: sliceOf(plane, cursor) };
  const next = after(state, here, by);
  const mask = maskOnPlane(state.ofMoment(state.document.slices(finding)), plane, here.slice, state.facts.grid);
  if (!next) return "edge";
  if (mask.length === 0) return "emptyHere";
  const found = isFitted ? fitted(state, mask, here, next) : { mask, how: "adapted" as const };
  if (!found) return "loading";
  if (found.how === "ended") return "ended";
  if (next.t !== t) state.look({ t: next.t });
  else goToSlice(state, plane, next.slice);
  const growth = addTo(state, finding, state.onMoment(ontoSlices(found.mask, plane, next.slice, state.facts.grid)));
  if (isEmptyChange(growth)) return "nothing";
  state.draft.extend(growth);
  finishStroke(state, [finding], isFitted ? "propagate" : "copy to slice");
  return found.how === "plain" ? "plain" : "done";
}

/** The next slice of the plane, or of a picture that moves the next frame; null at the end. */
function after(state: ReviewState, { t, slice }: Place, by: 1 | -1): Place | null {
  const { grid, times } = state.facts;
  const depth = planeDepth(state.looks.plane, grid);
  const next = depth > 1 ? { t, slice: slice + by } : { t: t + by, slice };
  return next.slice >= 0 && next.slice < depth && next.t >= 0 && next.t < times ? next : null;
}

function fitted(state: ReviewState, mask: Spans, here: Place, next: Place): ReturnType<typeof carried> | null {
  const [from, to] = [greysAt(state, here), greysAt(state, next)];
  return from && to && carried(mask, from, to, Math.max(2, Math.round(state.tools.margin)), planeSize(state.looks.plane, state.facts.grid));
}

function greysAt({ volume, looks }: ReviewState, { t, slice }: Place): Greys | null {
  const pixels = volume.plane(looks.plane, t, slice);
  return pixels && greysOf(pixels.samples, pixels.width * pixels.height, pixels.channels, looks.channel);
}
