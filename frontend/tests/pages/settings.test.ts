import { describe, expect, it } from "vitest";

import type { Network, RecipeStepKind } from "../../src/api/types";
import { offeredFor } from "../../src/pages/newproject/draft";
import { filterOf, isNarrow, searchOf } from "../../src/pages/project/filters";
import { nextColour, nextKey, OKABE_ITO } from "../../src/pages/settings/palette";
import { methodOf, summary, withMethod, withOption } from "../../src/pages/settings/recipes";
import { changesBetween } from "../../src/pages/settings/versions";

const option = (name: string, value: number, unit = "") => ({
  name,
  label: name,
  type: "number" as const,
  default: value,
  min: 0,
  max: 10,
  unit,
  choices: [],
});
const KINDS: RecipeStepKind[] = [
  {
    name: "denoise",
    label: "Denoise",
    methods: [
      { name: "off", label: "Off", help: "", options: [] },
      { name: "gaussian", label: "Gaussian", help: "", options: [option("sigma", 1)] },
      { name: "bilateral", label: "Bilateral", help: "", options: [option("sigma", 2), option("contrast", 10, "%")] },
    ],
  },
  { name: "size", label: "Size", methods: [{ name: "keep", label: "Keep", help: "", options: [] }] },
];

describe("a recipe's form", () => {
  it("shows a step that the recipe does not name as changing nothing", () => {
    expect(methodOf(KINDS[0], []).name).toBe("off");
  });

  it("takes a new method's defaults, keeps what both have, and keeps the order of the steps", () => {
    const before = [{ name: "size", method: "keep" }, { name: "denoise", method: "gaussian", sigma: 3 }];
    const after = withMethod(KINDS, before, KINDS[0], KINDS[0].methods[2]);
    expect(after).toEqual([
      { name: "denoise", method: "bilateral", sigma: 3, contrast: 10 },
      { name: "size", method: "keep" },
    ]);
    expect(before[1]).toEqual({ name: "denoise", method: "gaussian", sigma: 3 });
  });

  it("changes one option of one step", () => {
    const steps = [{ name: "denoise", method: "gaussian", sigma: 1 }, { name: "size", method: "keep" }];
    expect(withOption(steps, "denoise", "sigma", 4)[0]).toEqual({ name: "denoise", method: "gaussian", sigma: 4 });
  });

  it("sums up the steps that do something", () => {
    expect(summary(KINDS, [{ name: "denoise", method: "bilateral", sigma: 2, contrast: 12 }])).toEqual([
      "Denoise: Bilateral, sigma 2, contrast 12%",
    ]);
  });
});

describe("label colours", () => {
  it("come from the palette first and never twice", () => {
    const used: string[] = [];
    for (let count = 0; count < 40; count += 1) used.push(nextColour(used));
    expect(used.slice(0, OKABE_ITO.length)).toEqual([...OKABE_ITO]);
    expect(new Set(used).size).toBe(40);
    expect(used.every((colour) => /^#[0-9a-f]{6}$/.test(colour))).toBe(true);
  });

  it("give the next free key, or none", () => {
    expect(nextKey(["1", "3"])).toBe("2");
    expect(nextKey([..."123456789"])).toBe("");
  });
});

describe("networks for a new project", () => {
  it("are those that serve its task, at their champion", () => {
    const version = (number: number, state: string) => ({
      id: `v${number}`,
      number,
      state,
      card: { kinds: ["fluorescence"], labels: ["nucleus"] },
    });
    const networks = [
      { name: "nuclei", task: "instance2d", versions: [version(2, "challenger"), version(1, "champion")] },
      { name: "lungs", task: "semantic2d", versions: [version(3, "champion")] },
      { name: "empty", task: "instance2d", versions: [] },
    ] as unknown as Network[];
    const offered = offeredFor("instances", networks, (kinds, labels) => `${kinds}: ${labels}`);
    expect(offered).toEqual([
      { version_id: "v1", network: "nuclei", version: 1, kinds: ["fluorescence"], reason: "fluorescence: nucleus" },
    ]);
  });
});

describe("the worklist's filter in the address", () => {
  it("comes back as it went", () => {
    const filter = filterOf(new URLSearchParams("state=ready&who=mine&q=a%20b&order=uncertainty"));
    expect(filter).toMatchObject({ state: "ready", mine: true, q: "a b", order: "uncertainty" });
    expect(filterOf(new URLSearchParams(searchOf(filter)))).toEqual(filter);
    expect(isNarrow(filter)).toBe(true);
  });

  it("is nothing for the whole list, and survives nonsense", () => {
    const whole = filterOf(new URLSearchParams("order=shoe&who=nobody"));
    expect(searchOf(whole)).toBe("");
    expect(isNarrow(whole)).toBe(false);
  });
});

describe("a project's history", () => {
  it("says what changed in words", () => {
    const before = { name: "A", holdout_share: 0.2, labels: [{ name: "cell" }], recipe: { number: 1 }, members: [1], archived: false };
    const after = { name: "A", holdout_share: 0.3, labels: [{ name: "cell" }, { name: "old", retired: true }], recipe: { number: 2 }, members: [1, 2], archived: true };
    expect(changesBetween(before, after)).toEqual([
      "holdout share: 0.2 → 0.3",
      "labels: cell, old (retired)",
      "recipe: 1 → 2",
      "members (1 → 2)",
      "archived: no → yes",
    ]);
    expect(changesBetween(after, after)).toEqual([]);
  });
});
