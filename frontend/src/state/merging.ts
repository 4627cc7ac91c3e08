import { fromBase64, fromBytes, toBase64, toBytes } from "../domain/rle";
import { sha256 } from "../domain/sha256";
import { EMPTY, union, xor, type Spans } from "../domain/spans";
import type { JournalEntry } from "./journal";
import type { RowMessage, Theirs, Transport } from "./transport";

/**
 * Both sides of a mask that two people changed: a voxel is as it was unless either of them changed
 * it. A voxel has only two values, so where both changed it they agree.
 */
export const mergedMask = (before: Spans, mine: Spans, theirs: Spans): Spans =>
  xor(before, union(xor(before, mine), xor(before, theirs)));

export const rowName = ({ finding, z }: { readonly finding: number; readonly z: number }): string => `${finding}:${z}`;
export const spansOf = ({ runs }: RowMessage): Spans => fromBytes(fromBase64(runs));
export const isRow = (name: string): boolean => name.includes(":");

/** The masks that both sides changed, put together; everything else of the entry stays. */
export function mergedEntry(entry: JournalEntry, before: Theirs, theirs: Theirs, both: readonly string[]): JournalEntry {
  const [was, other] = [masksOf(before), masksOf(theirs)];
  const slices = entry.request.slices.map((row) => {
    const name = rowName(row);
    if (!both.includes(name)) return row;
    const bytes = toBytes(mergedMask(was.get(name) ?? EMPTY, spansOf(row), other.get(name) ?? EMPTY));
    return { ...row, runs: toBase64(bytes), digest: sha256(bytes) };
  });
  return { ...entry, request: { ...entry.request, operation: "merge", slices } };
}

export const masksOf = ({ slices }: Theirs): ReadonlyMap<string, Spans> => new Map(slices.map((row) => [rowName(row), spansOf(row)]));

/** What the case was after a revision; before the first there was nothing. */
export const stateAt = async (transport: Transport, revision: string | null): Promise<Theirs> =>
  revision === null ? { slices: [], findings: [] } : transport.at(revision);

/** Several entries as one: the last word on each row and finding counts. */
export function folded(entries: readonly JournalEntry[], operation: string): JournalEntry {
  const findings = new Map(entries.flatMap(({ request }) => request.findings.map((one) => [one.finding, one])));
  const isGone = (finding: number): boolean => "removed" in (findings.get(finding) ?? {});
  const rows = entries.flatMap(({ request }) => request.slices.filter((row) => !isGone(row.finding)));
  const slices = new Map(rows.map((row) => [rowName(row), row]));
  const last = entries[entries.length - 1];
  return { ...last, request: { ...last.request, operation, slices: [...slices.values()], findings: [...findings.values()] } };
}
