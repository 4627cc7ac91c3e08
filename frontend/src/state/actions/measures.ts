import { sliceOf, withSlice } from "../../domain/coordinates";
import type { MeasureFields } from "../measures";
import type { ReviewState } from "../review_state";

/** Changes a measurement, or takes it away; one step that can be undone. */
export function changeMeasure(state: ReviewState, id: string, after: MeasureFields | null): void {
  const before = state.document.measures.get(id);
  if (!state.editable || !before) return;
  state.history.commit({ operation: after ? "measure" : "delete", masks: [], findings: [], measures: [{ id, before, after }] });
}

/** Brings the slice of a measurement into sight. */
export function showMeasure(state: ReviewState, { plane, moment, points }: MeasureFields): void {
  const cursor = withSlice(plane, state.looks.cursor, sliceOf(plane, points[0]));
  state.look({ t: moment, cursor, ...(state.looks.layout === "one" && { plane }) });
}
