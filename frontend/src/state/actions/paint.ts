import { boundingBox, intersect, subtract, type Spans } from "../../domain/spans";
import { ChangeBuilder, type Change } from "../document";
import type { ReviewState } from "../review_state";
import { REVIEWED, type FindingFields } from "../types";

/** Masks by plane, as the document keeps them. */
export type DrawnSlices = ReadonlyMap<number, Spans>;

/** The finding a stroke goes to, made if there is none yet. */
export type Target = { readonly number: number; readonly isNew: boolean };

/** Where a stroke begins, in voxels of the moment that is looked at. */
export type StrokeStart = { readonly x: number; readonly y: number; readonly z: number; readonly joins?: boolean };

export function strokeTarget(state: ReviewState, start: StrokeStart): Target {
  const known = joined(state, start);
  if (known !== null) return { number: known, isNew: false };
  return { number: begun(state, start.z), isNew: true };
}

/** The finding that a stroke which starts here goes on with; null where it begins a new one. */
export function joined(state: ReviewState, start: StrokeStart): number | null {
  const known = state.target();
  return known !== null && (start.joins || isNear(state, known, start)) ? known : null;
}

/** A new finding in the draft, selected. */
export function begun(state: ReviewState, at: number): number {
  const z = state.here(Math.floor(at));
  const number = state.document.nextNumber();
  const fields = state.newFields({ z: state.task === "instances" && state.facts.grid.nz === 1 ? z : null });
  state.draft.extend(new ChangeBuilder(state.document).set(number, fields).done("draw"));
  state.select(number);
  return number;
}

/**
 * Whether a stroke that starts here belongs to the finding. An instance is one object: what begins
 * well away from it on its plane is another one. Masks of whole structures take everything.
 */
function isNear(state: ReviewState, finding: number, { x, y, z }: StrokeStart): boolean {
  const box = boundingBox(state.document.mask(finding, state.here(Math.floor(z))), state.facts.grid.nx);
  if (state.task === "semantic" || !box) return true;
  const reach = 2 * state.tools.radius + Math.max(box[2] - box[0], box[3] - box[1]) / 2;
  return x >= box[0] - reach && x <= box[2] + reach && y >= box[1] - reach && y <= box[3] + reach;
}

/** Adds drawn voxels to a finding; neighbours that may not overlap give way or stand, as the rule says. */
export function addTo(state: ReviewState, finding: number, drawn: DrawnSlices): Change {
  const builder = new ChangeBuilder(state.document);
  for (const [z, spans] of drawn) {
    let fresh = subtract(spans, state.document.mask(finding, z));
    if (fresh.length === 0) continue;
    for (const other of neighbours(state, finding, z)) {
      const mask = state.document.mask(other, z);
      if (!mayMeet(mask, fresh)) continue;
      if (state.tools.neighbours === "protect") fresh = subtract(fresh, mask);
      else builder.toggle(other, z, intersect(mask, fresh));
    }
    builder.toggle(finding, z, fresh);
  }
  return builder.done("draw");
}

export function eraseFrom(state: ReviewState, findings: readonly number[], drawn: DrawnSlices): Change {
  const builder = new ChangeBuilder(state.document);
  for (const [z, spans] of drawn) {
    for (const finding of findings) builder.toggle(finding, z, intersect(spans, state.document.mask(finding, z)));
  }
  return builder.done("draw");
}

/** Ends a stroke: what was drawn on is a person's work now; what was erased altogether is gone. */
export function finishStroke(state: ReviewState, touched: Iterable<number>, operation: string): void {
  const builder = new ChangeBuilder(state.document);
  for (const finding of touched) {
    const fields = state.document.finding(finding);
    if (!fields || finding === REVIEWED) continue;
    const slices = state.document.slices(finding);
    if (slices.size === 0 && fields.source === "person") builder.set(finding, null);
    else builder.set(finding, afterDrawing(fields, slices, state.facts.grid.nx));
  }
  state.draft.extend(builder.done(operation));
  const change = state.draft.commit(operation);
  if (state.selected !== null && !state.document.finding(state.selected)) state.select(null);
  if (change) state.topics.tell("findings");
}

export function afterDrawing(fields: FindingFields, slices: DrawnSlices, width: number): FindingFields {
  const alone = slices.size === 1 ? [...slices][0] : null;
  const box = fields.box && alone ? boundingBox(alone[1], width) : null;
  const same = fields.source === "person" && sameBox(box, fields.box);
  return same ? fields : { ...fields, source: "person", box };
}

function sameBox(a: FindingFields["box"], b: FindingFields["box"]): boolean {
  return a === b || (a !== null && b !== null && a.every((edge, k) => edge === b[k]));
}

/** Settles by the rule of neighbours what a finding covers of others once it has another label. */
export function makeRoom(state: ReviewState, finding: number, label: number, builder: ChangeBuilder): void {
  if (!state.isShown(finding)) return;
  const isProtected = state.tools.neighbours === "protect";
  for (const [z, mask] of state.document.slices(finding)) {
    let left = mask;
    for (const other of neighbours(state, finding, z, label)) {
      const common = intersect(state.document.mask(other, z), left);
      builder.toggle(isProtected ? finding : other, z, common);
      if (isProtected) left = subtract(left, common);
    }
  }
}

/** Findings on the plane that the rule of neighbours is about. */
function neighbours(state: ReviewState, finding: number, z: number, label = state.document.finding(finding)?.label ?? -1): number[] {
  const own = state.label(label);
  if (state.tools.neighbours === "allow" || own?.overlapAllowed || finding === REVIEWED) return [];
  return [...state.document.slice(z).keys()].filter((other) => {
    if (other === finding || !state.isShown(other)) return false;
    return !state.label(state.document.finding(other)!.label)?.overlapAllowed;
  });
}

const mayMeet = (a: Spans, b: Spans): boolean =>
  a.length > 0 && b.length > 0 && a[0] < b[b.length - 1] && b[0] < a[a.length - 1];
