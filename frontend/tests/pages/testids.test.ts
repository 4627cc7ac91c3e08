import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, it } from "vitest";

import { TEST_IDS } from "../../src/pages/testids";

const SOURCE = join(import.meta.dirname, "../../src");
const IN_MARKUP = /(?:data-testid|testid)="([^"]+)"|testid: "([^"]+)"/g;

function written(): Set<string> {
  const found = new Set<string>();
  for (const room of ["app", "components", "pages"]) {
    for (const name of readdirSync(join(SOURCE, room), { recursive: true, encoding: "utf8" })) {
      if (!name.endsWith(".svelte") || name.startsWith("review")) continue;
      const text = readFileSync(join(SOURCE, room, name), "utf8");
      for (const [, attribute, property] of text.matchAll(IN_MARKUP)) found.add(attribute ?? property);
    }
  }
  return found;
}

describe("the names for browser tests", () => {
  const listed = new Set<string>(Object.values(TEST_IDS).flat());

  it("all stand in the markup", () => {
    const missing = [...listed].filter((name) => !written().has(name));
    expect(missing).toEqual([]);
  });

  it("are all in the table", () => {
    const unlisted = [...written()].filter((name) => !listed.has(name));
    expect(unlisted).toEqual([]);
  });
});
