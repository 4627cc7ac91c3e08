import { clipBox, type Box } from "../../domain/spans";
import { ChangeBuilder, type Change } from "../document";
import type { ReviewState } from "../review_state";

export function newBoxChange(state: ReviewState, finding: number, box: Box, z: number): Change {
  return new ChangeBuilder(state.document).set(finding, state.newFields({ box: whole(state, box), z })).done("box");
}

export function movedBoxChange(state: ReviewState, finding: number, box: Box): Change {
  const fields = state.document.finding(finding)!;
  return new ChangeBuilder(state.document).set(finding, { ...fields, box: whole(state, box), source: "person" }).done("box");
}

/** Boxes lie on whole pixels, inside the picture, and hold at least one. */
function whole(state: ReviewState, [x1, y1, x2, y2]: Box): Box {
  const { nx, ny } = state.facts.grid;
  const left = Math.round(Math.min(x1, x2));
  const top = Math.round(Math.min(y1, y2));
  const right = Math.max(left + 1, Math.round(Math.max(x1, x2)));
  const bottom = Math.max(top + 1, Math.round(Math.max(y1, y2)));
  return clipBox([left, top, right, bottom], nx, ny);
}
