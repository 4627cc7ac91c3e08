import { ChangeBuilder } from "../document";
import type { ReviewState } from "../review_state";
import type { FindingFields } from "../types";

export type ImageLabel = { readonly label: number; readonly finding: number | null; readonly fields: FindingFields | null };

/** One row per label of the project: what the network and the person say about the whole image. */
export function imageLabels(state: ReviewState): ImageLabel[] {
  const known = new Map<number, number>();
  for (const [number, fields] of state.document.findings()) {
    if (fields.box === null && state.document.slices(number).size === 0) known.set(fields.label, number);
  }
  return state.labels
    .filter((label) => !label.isIgnore)
    .map(({ index }) => {
      const finding = known.get(index) ?? null;
      return { label: index, finding, fields: finding === null ? null : state.document.finding(finding) };
    });
}

/** Says that the image shows the label, or does not; saying it again takes the word back. */
export function setImageLabel(state: ReviewState, label: number, verdict: "accepted" | "rejected"): void {
  const row = imageLabels(state).find((one) => one.label === label);
  if (!row) return;
  const builder = new ChangeBuilder(state.document);
  if (row.finding === null || row.fields === null) {
    builder.set(state.document.nextNumber(), state.newFields({ label, state: verdict }));
  } else if (row.fields.state === verdict) {
    builder.set(row.finding, row.fields.run === null ? null : { ...row.fields, state: "proposed" });
  } else {
    builder.set(row.finding, { ...row.fields, state: verdict });
  }
  state.history.commit(builder.done("image label"));
}
