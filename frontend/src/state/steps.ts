/** Steps that can be undone, written down so that a reload keeps them. */

import { xor, type Spans } from "../domain/spans";
import type { CaseDocument, Change } from "./document";
import type { History } from "./history";
import { sameFields } from "./types";

/** What a row was before and after a step, as a number: steps fit only onto the rows they were made on. */
type RowPrint = { readonly finding: number; readonly z: number; readonly before: number; readonly after: number };
export type KeptStep = { readonly number: number; readonly change: Change; readonly rows: readonly RowPrint[] };

/** Where the history of a case stands, for the journal. */
export type TrailNote = {
  readonly caseId: string;
  readonly person: string;
  readonly floor: number;
  readonly position: number;
  readonly fresh: KeptStep | null;
};
export type KeptTrail = { readonly person: string; readonly position: number; readonly steps: readonly KeptStep[] };

export function noteOf(history: History, document: CaseDocument, caseId: string, person: string): TrailNote {
  const { floor, position, fresh } = history.trail;
  return { caseId, person, floor, position, fresh: fresh && kept(fresh, position - 1, document) };
}

function kept(change: Change, number: number, document: CaseDocument): KeptStep {
  const rows = change.masks.map(({ finding, z, toggled }) => {
    const after = document.mask(finding, z);
    return { finding, z, before: printOf(xor(after, toggled)), after: printOf(after) };
  });
  return { number, change, rows };
}

/** Goes on with the steps of a former page as far as they still fit what the case holds. */
export function restoreSteps(history: History, document: CaseDocument, { position, steps }: KeptTrail): void {
  const byNumber = new Map(steps.map((step) => [step.number, step]));
  const done = fitting(byNumber, position - 1, -1, document).reverse();
  const undone = fitting(byNumber, position, 1, document);
  history.restore(position - done.length, done, undone);
}

/** The changes from a number on, one after the other, until one is missing or was made on something else. */
function fitting(steps: ReadonlyMap<number, KeptStep>, from: number, by: 1 | -1, document: CaseDocument): Change[] {
  const checked = new Set<string>();
  const side = by === -1 ? "after" : "before";
  const found: Change[] = [];
  for (let step = steps.get(from); step && fits(step, side, checked, document); step = steps.get(step.number + by)) found.push(step.change);
  return found;
}

/** Whether rows and findings that no step nearer to now has touched are as the step knew them. */
function fits({ rows, change }: KeptStep, side: "before" | "after", checked: Set<string>, document: CaseDocument): boolean {
  const fresh = (key: string): boolean => !checked.has(key) && checked.add(key) !== null;
  return (
    rows.every((row) => !fresh(`${row.finding}:${row.z}`) || printOf(document.mask(row.finding, row.z)) === row[side]) &&
    change.findings.every((delta) => !fresh(`${delta.finding}`) || sameFields(document.finding(delta.finding), delta[side]))
  );
}

/** A number of 53 bits that tells masks apart (cyrb53, public domain, by bryc). */
export function printOf(spans: Spans): number {
  let a = 0xdeadbeef ^ spans.length;
  let b = 0x41c6ce57 ^ spans.length;
  for (const edge of spans) {
    a = Math.imul(a ^ edge, 2654435761);
    b = Math.imul(b ^ edge, 1597334677);
  }
  a = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909);
  b = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909);
  return 4294967296 * (2097151 & b) + (a >>> 0);
}
