import { cutOff, type CutLine } from "../../domain/cut";
import { parts } from "../../domain/parts";
import type { Slices } from "../../domain/stack";
import { ChangeBuilder } from "../document";
import type { ReviewState } from "../review_state";
import type { Outcome } from "../shaping";
import type { FindingFields } from "../types";
import { layersOf } from "./layers";
import { afterDrawing } from "./paint";

// More findings than this at one stroke are noise that should be cleaned first.
const MOST_PARTS = 500;

/** Makes every connected part a finding of its own; the largest keeps the number. */
export function splitParts(state: ReviewState, finding: number): Outcome {
  const [layer] = layersOf(state, finding, state.tools.reach === "slice" ? "slice" : "volume");
  if (!layer) return "emptyHere";
  const found = parts(layer.slices, layer.grid.nx);
  if (found.length === 1) return "onePart";
  if (found.length > MOST_PARTS) return "tooMany";
  setApart(state, finding, found.slice(1).map((part) => layer.back(part.slices)), "split");
  return "done";
}

/** Cuts a finding along a drawn line; the smaller side becomes a finding of its own. */
export function cutAlong(state: ReviewState, finding: number, line: CutLine): Outcome {
  const isFlat = state.tools.reach === "slice";
  const [layer] = layersOf(state, finding, isFlat ? "slice" : "volume");
  const away = layer && cutOff(layer.slices, { points: line.points, plane: isFlat ? "axial" : line.plane }, layer.grid);
  if (!layer || !away) return "noCut";
  setApart(state, finding, [layer.back(away)], "scissors");
  return "done";
}

/** A second finding of the same voxels, where masks may overlap. */
export function duplicate(state: ReviewState, finding: number): Outcome {
  const fields = state.document.finding(finding)!;
  if (state.tools.neighbours !== "allow" && !state.label(fields.label)?.overlapAllowed) return "noOverlap";
  const number = state.document.nextNumber();
  const builder = new ChangeBuilder(state.document).set(number, ownFields(state, fields));
  for (const [plane, spans] of state.document.slices(finding)) builder.row(number, plane, spans);
  state.history.commit(builder.done("duplicate"));
  state.select(number);
  return "done";
}

/** Voxels change their finding and nothing else, so no neighbour is met. */
function setApart(state: ReviewState, finding: number, pieces: readonly Slices[], operation: string): void {
  const fields = state.document.finding(finding)!;
  const builder = new ChangeBuilder(state.document);
  const first = state.document.nextNumber();
  pieces.forEach((slices, k) => {
    builder.set(first + k, ownFields(state, fields));
    for (const [plane, spans] of state.onMoment(slices)) builder.toggle(finding, plane, spans).row(first + k, plane, spans);
  });
  state.draft.extend(builder.done(operation));
  const left = afterDrawing(fields, state.document.slices(finding), state.facts.grid.nx);
  state.draft.extend(new ChangeBuilder(state.document).set(finding, left).done(operation));
  state.draft.commit(operation);
  state.topics.tell("findings");
}

const ownFields = (state: ReviewState, { label, z }: FindingFields): FindingFields => state.newFields({ label, z });
