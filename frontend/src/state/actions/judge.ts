import { ChangeBuilder } from "../document";
import type { ReviewState } from "../review_state";
import { makeRoom } from "./paint";
import { REVIEWED, type FindingFields, type FindingState } from "../types";

/** A person's verdict on findings; the same verdict twice takes it back to a proposal. */
export function judge(state: ReviewState, findings: readonly number[], verdict: "accepted" | "rejected"): void {
  const builder = new ChangeBuilder(state.document);
  const all = findings.every((finding) => state.document.finding(finding)?.state === verdict);
  for (const finding of findings) {
    const fields = state.document.finding(finding);
    if (fields) builder.set(finding, withState(fields, all && fields.source === "network" ? "proposed" : verdict));
  }
  state.history.commit(builder.done(verdict === "accepted" ? "accept" : "reject"));
}

/** Accepts every proposal that is shown. */
export function acceptAll(state: ReviewState): number {
  const proposed = numbersIn(state, "proposed");
  const builder = new ChangeBuilder(state.document);
  proposed.forEach((finding) => builder.set(finding, withState(state.document.finding(finding)!, "accepted")));
  state.history.commit(builder.done("accept all"));
  return proposed.length;
}

export function relabel(state: ReviewState, findings: readonly number[], label: number): void {
  const builder = new ChangeBuilder(state.document);
  for (const finding of findings) {
    const fields = state.document.finding(finding);
    if (!fields || fields.label === label) continue;
    builder.set(finding, { ...fields, label });
    if (state.label(fields.label)?.overlapAllowed) makeRoom(state, finding, label, builder);
  }
  state.history.commit(builder.done("relabel"));
  state.setTools({ label });
}

/** Deletes what a person drew; what a network proposed is rejected, so that it can be learnt from. */
export function discard(state: ReviewState, findings: readonly number[]): void {
  state.history.commit(discarded(state, findings, new ChangeBuilder(state.document)).done("delete"));
  if (state.selected !== null && !state.isShown(state.selected)) state.select(null);
}

export function discarded(state: ReviewState, findings: readonly number[], builder: ChangeBuilder): ChangeBuilder {
  for (const finding of findings) {
    const fields = state.document.finding(finding);
    if (!fields || finding === REVIEWED) continue;
    if (fields.run === null) builder.remove(finding);
    else builder.set(finding, withState(fields, "rejected"));
  }
  return builder;
}

/** Revives a suppressed candidate where the pointer is. */
export function revive(state: ReviewState, candidate: number): void {
  if (!state.candidates) return;
  const { change, finding } = state.candidates.revive(state.document, candidate);
  state.history.commit(change);
  state.select(finding);
}

function withState(fields: FindingFields, state: FindingState): FindingFields {
  return fields.state === state ? fields : { ...fields, state, suppressed_by: null };
}

export function numbersIn(state: ReviewState, wanted: FindingState): number[] {
  return [...state.document.findings()].filter(([, fields]) => fields.state === wanted).map(([number]) => number);
}
