import { describe, expect, it } from "vitest";

import type { UploadReport, UploadReportFile } from "../../src/api/types";
import { joined, parted, reportLines, reportText, tally } from "../../src/pages/import/report";

const words = {
  unknown: (input: number) => `File ${input}`,
  entry: (archive: string, place: number) => `${archive}/entry ${place}`,
};
const file = (input: number, change: Partial<UploadReportFile> = {}): UploadReportFile => ({
  input,
  given: input + 1,
  name: null,
  outcome: "imported",
  code: "",
  sentence: "",
  case: input + 1,
  case_id: `id${input}`,
  ...change,
});
const report = (files: UploadReportFile[]): UploadReport => ({ imported: 1, refused: 0, duplicate: 0, files });

describe("an import's report", () => {
  it("gives each line the name that only this page knows, by its position", () => {
    const sent = [
      { path: "b.png", position: 2 },
      { path: "a.png", position: 1 },
      { path: "lost.png", position: null },
    ];
    const lines = reportLines(report([file(0), file(1)]), sent, words);
    expect(lines.map(({ name }) => name)).toEqual(["a.png", "b.png"]);
  });

  it("puts refused files first and keeps the order within each outcome", () => {
    const files = [
      file(0),
      file(1, { outcome: "refused", sentence: "Not an image." }),
      file(2, { outcome: "duplicate" }),
      file(3, { outcome: "refused" }),
      file(4, { outcome: "table" }),
    ];
    const lines = reportLines(report(files), [], words);
    expect(lines.map(({ key }) => key)).toEqual([1, 3, 2, 0, 4]);
    expect(tally(lines)).toEqual({ refused: 2, duplicate: 1, imported: 1, table: 1 });
  });

  it("names the entries of an archive by their place in it", () => {
    const archive = file(1, { given: 2, outcome: "archive" });
    const files = [file(0, { given: 1 }), archive, file(2, { given: 2 }), file(3, { given: 2 })];
    const sent = [
      { path: "a.png", position: 1 },
      { path: "scan.zip", position: 2 },
    ];
    const names = (known: readonly string[] | undefined) =>
      reportLines(report(files), [sent[0], { ...sent[1], entries: known }], words)
        .sort((a, b) => a.key - b.key)
        .map(({ name }) => name);
    expect(names(undefined)).toEqual(["a.png", "scan.zip", "scan.zip/entry 1", "scan.zip/entry 2"]);
    expect(names(["in/é.png", "b.png"])).toEqual(["a.png", "scan.zip", "scan.zip/in/é.png", "scan.zip/b.png"]);
  });

  it("says which file it was by number after a reload", () => {
    const lines = reportLines(report([file(4)]), [], words);
    expect(lines[0].name).toBe("File 5");
  });

  it("takes the service's name where the project keeps names", () => {
    const lines = reportLines(report([file(0, { name: "kept.png" })]), [{ path: "own.png", position: 1 }], words);
    expect(lines[0].name).toBe("kept.png");
  });

  it("copies as a table", () => {
    const lines = reportLines(
      report([file(0, { outcome: "refused", sentence: "Not an image.", case: null, case_id: null })]),
      [{ path: "notes.txt", position: 1 }],
      words,
    );
    expect(reportText(lines)).toBe("notes.txt\trefused\t\tNot an image.");
  });

  it("joins the files of one series into one line, and nothing else", () => {
    const tilted = { outcome: "refused" as const, sentence: "A tilted gantry.", case: null, case_id: null };
    const files = [
      ...[0, 1, 2, 3].map((input) => file(input, tilted)),
      file(4, { ...tilted, sentence: "Encrypted." }),
      ...[5, 6].map((input) => file(input, tilted)),
      ...[7, 8, 9, 10].map((input) => file(input, { case_id: "same" })),
      file(11),
    ];
    const folders = ["a", "a", "a", "a", "a", "b", "b", "c", "c", "c", "c", "c"];
    const sent = folders.map((folder, at) => ({ path: `${folder}/${at}.dcm`, position: at + 1 }));
    const lines = joined(reportLines(report(files), sent, words));
    expect(lines.map(({ folder, file: name, names }) => [folder, name, names.length])).toEqual([
      ["a", "0.dcm", 4],
      ["a", "4.dcm", 1],
      ["b", "5.dcm", 1],
      ["b", "6.dcm", 1],
      ["c", "7.dcm", 4],
      ["c", "11.dcm", 1],
    ]);
    expect(lines[0].names).toEqual(["a/0.dcm", "a/1.dcm", "a/2.dcm", "a/3.dcm"]);
  });

  it("parts a name at its last folder or its archive", () => {
    expect(parted("a/scan, late.zip/entry 4")).toEqual({ folder: "a/scan, late.zip", file: "entry 4" });
    expect(parted("a/b.dcm")).toEqual({ folder: "a", file: "b.dcm" });
    expect(parted("b.dcm")).toEqual({ folder: "", file: "b.dcm" });
  });
});
