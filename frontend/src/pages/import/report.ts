/** The import's report in a person's words. The service keeps no names; the page knows its own. */

import type { UploadReport, UploadReportFile } from "../../api/types";

/** A file that this page sent; ``entries`` are the files in it, where it is a zip. */
export type Sent = { readonly path: string; readonly position: number | null; readonly entries?: readonly string[] };
export type ReportLine = {
  readonly key: number;
  readonly name: string;
  readonly outcome: string;
  readonly code: string;
  readonly sentence: string;
  readonly case_number: number | null;
  readonly case_id: string | null;
};

type Known = ReadonlyMap<number, Sent>;

const FIRST: readonly string[] = ["refused", "duplicate", "imported", "mask"];

/**
 * One line per input, what needs attention first, else in the order of the upload.
 *
 * The service says at which position it was given a file, and tells of the entries of an archive in
 * their order after it. A file that this page did not send itself (it was reloaded meanwhile) stays
 * without a name, an entry of an archive that could not be read is named by its place.
 */
export function reportLines(report: UploadReport, sent: readonly Sent[], words: Words): ReportLine[] {
  const known: Known = new Map(sent.flatMap((one) => (one.position === null ? [] : [[one.position, one]])));
  const perGiven = new Map<number, number>();
  for (const { given } of report.files) {
    if (given !== null) perGiven.set(given, (perGiven.get(given) ?? 0) + 1);
  }
  const seen = new Map<number, number>();
  const lines = report.files.map((file) => lineOf(file, nameOf(file, known, perGiven, seen, words)));
  return lines.sort((a, b) => rank(a.outcome) - rank(b.outcome) || a.key - b.key);
}

export type Words = {
  readonly unknown: (input: number) => string;
  readonly entry: (archive: string, place: number) => string;
};

/** Tab-separated lines, ready for a message or a sheet. */
export function reportText(lines: readonly ReportLine[]): string {
  return lines
    .map(({ name, outcome, case_number, sentence }) =>
      [name, outcome, case_number === null ? "" : `#${case_number}`, sentence].join("\t"),
    )
    .join("\n");
}

export type JoinedLine = ReportLine & { readonly folder: string; readonly file: string; readonly names: readonly string[] };

/** Fewer than this are told one by one: a person wants to know which. */
const JOINED_FROM = 4;

/** Files of one folder or archive that ended alike, for the same reason, become one line. */
export function joined(lines: readonly ReportLine[]): JoinedLine[] {
  const groups = new Map<string, ReportLine[]>();
  for (const line of lines) {
    const likeness = [parted(line.name).folder, line.outcome, line.code, line.sentence, line.case_id ?? ""].join("\n");
    const group = groups.get(likeness);
    if (group) group.push(line);
    else groups.set(likeness, [line]);
  }
  return [...groups.values()].flatMap((group) => (group.length < JOINED_FROM ? group.map((line) => [line]) : [group])).map(
    (group) => ({ ...group[0], ...parted(group[0].name), names: group.map(({ name }) => name) }),
  );
}

/** The folder or the archive a name lies in, and its last part. */
export function parted(name: string): { folder: string; file: string } {
  const at = name.lastIndexOf("/");
  return { folder: name.slice(0, Math.max(0, at)), file: name.slice(at + 1) };
}

/** How many lines ended in each way. */
export function tally(lines: readonly ReportLine[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { outcome } of lines) counts[outcome] = (counts[outcome] ?? 0) + 1;
  return counts;
}

function nameOf(
  file: UploadReportFile,
  known: Known,
  perGiven: ReadonlyMap<number, number>,
  seen: Map<number, number>,
  words: Words,
): string {
  if (file.name) return file.name;
  if (file.given === null) return words.unknown(file.input + 1);
  const own = known.get(file.given);
  const name = own?.path ?? words.unknown(file.given);
  if (perGiven.get(file.given) === 1 || file.outcome === "archive") return name;
  const place = (seen.get(file.given) ?? 0) + 1;
  seen.set(file.given, place);
  const inside = own?.entries?.[place - 1];
  return inside === undefined ? words.entry(name, place) : `${name}/${inside}`;
}

function lineOf(file: UploadReportFile, name: string): ReportLine {
  const { input, outcome, code, sentence, case: case_number, case_id } = file;
  return { key: input, name, outcome, code, sentence, case_number, case_id };
}

function rank(outcome: string): number {
  const at = FIRST.indexOf(outcome);
  return at < 0 ? FIRST.length : at;
}
