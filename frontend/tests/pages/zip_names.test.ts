import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { zipNames } from "../../src/pages/import/zip_names";

const MADE = String.raw`
import pathlib, sys, zipfile
folder = pathlib.Path(sys.argv[1])
with zipfile.ZipFile(folder / "folders.zip", "w") as z:
    z.writestr("scans/", b"")
    z.writestr("scans/Zoë 脳.png", b"1" * 999, zipfile.ZIP_DEFLATED)
    z.writestr("b.png", b"2")
    z.writestr("scans/a.png", b"")
(folder / "behind.zip").write_bytes(b"#!/bin/sh\n")
with zipfile.ZipFile(folder / "behind.zip", "a") as z:
    z.writestr("a.png", b"1")
    z.comment = b"c" * 60000
with zipfile.ZipFile(folder / "many.zip", "w") as z:
    for n in range(65600):
        z.writestr(f"{n}.dcm", b"")
zipfile.ZipFile(folder / "empty.zip", "w").close()
`;

let folder = "";

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "medseg-zips-"));
  execFileSync("python3", ["-c", MADE, folder]);
}, 120_000);

afterAll(() => rmSync(folder, { recursive: true }));

/** One of the zips that Python's zipfile wrote. */
function zip(name: string): Blob {
  return new Blob([readFileSync(join(folder, `${name}.zip`))]);
}

describe("the names in a zip", () => {
  it("stand in the order of its directory, folders left out, in UTF-8", async () => {
    expect(await zipNames(zip("folders"))).toEqual(["scans/Zoë 脳.png", "b.png", "scans/a.png"]);
  });

  it("are found before a long comment and after other bytes", async () => {
    expect(await zipNames(zip("behind"))).toEqual(["a.png"]);
  });

  it("are found in a zip64 of more files than 16 bits count", async () => {
    const names = await zipNames(zip("many"));
    expect(names?.length).toBe(65_600);
    expect(names?.at(-1)).toBe("65599.dcm");
  });

  it("are none in an empty zip, and unknown in what is no zip or cut short", async () => {
    const made = zip("folders");
    expect(await zipNames(zip("empty"))).toEqual([]);
    expect(await zipNames(new Blob(["no zip at all"]))).toBeNull();
    expect(await zipNames(new Blob([]))).toBeNull();
    expect(await zipNames(made.slice(0, made.size - 5))).toBeNull();
  });
});
