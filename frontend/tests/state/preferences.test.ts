import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { ctPresets } from "../../src/domain/window";
import { FIRST_PREFERENCES, preferencesFrom, PreferenceShelf, type Shelf } from "../../src/state/preferences";
import { applyPreferences, remember } from "../../src/state/remember";
import { review } from "./support";

class ShelfInMemory implements Shelf {
  readonly texts = new Map<string, string>();
  getItem(name: string): string | null {
    return this.texts.get(name) ?? null;
  }
  setItem(name: string, text: string): void {
    this.texts.set(name, text);
  }
}

const CT = { grid: { nx: 4, ny: 3, nz: 5 }, type: "int16" as const, modality: "CT", valueUnit: "HU", intercept: -1024 };
const LUNG = ctPresets(1, -1024).find(({ name }) => name === "lung")!.window;

describe("preferences", () => {
  test("are kept for each person alone", () => {
    const shelf = new ShelfInMemory();
    new PreferenceShelf(1, () => shelf).change({ opacity: 0.5 });
    expect(new PreferenceShelf(1, () => shelf).all.opacity).toBe(0.5);
    expect(new PreferenceShelf(2, () => shelf).all).toEqual(FIRST_PREFERENCES);
  });

  test("of two tabs do not wipe each other out", () => {
    const shelf = new ShelfInMemory();
    const [one, other] = [new PreferenceShelf(1, () => shelf), new PreferenceShelf(1, () => shelf)];
    one.change({ opacity: 0.5 });
    other.change({ radius: 12 });
    expect(one.all).toMatchObject({ opacity: 0.5, radius: 12 });
  });

  test("live as long as the page where storage is blocked", () => {
    const blocked = new PreferenceShelf(1, () => {
      throw new DOMException("blocked", "SecurityError");
    });
    expect(blocked.all).toEqual(FIRST_PREFERENCES);
    blocked.change({ goesOn: true });
    expect(blocked.all.goesOn).toBe(true);
  });

  test("that are damaged become the usual ones, each by itself", () => {
    expect(preferencesFrom({ opacity: 7, radius: "large", layout: "one", windows: { CT: "lung", MR: 3 }, keys: { undo: ["f7"], redo: "x" } })).toEqual({
      ...FIRST_PREFERENCES,
      layout: "one",
      windows: { CT: "lung" },
      keys: { undo: ["f7"] },
    });
    expect(preferencesFrom("?")).toEqual(FIRST_PREFERENCES);
    const shelf = new ShelfInMemory();
    shelf.setItem("medseg.preferences.1", "{half");
    expect(new PreferenceShelf(1, () => shelf).all).toEqual(FIRST_PREFERENCES);
  });
});

describe("looks", () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  test("go from one case to the next of its modality", () => {
    const shelf = new PreferenceShelf(1, () => new ShelfInMemory());
    const first = review("semantic", CT);
    const stop = remember(first, shelf);
    first.look({ window: LUNG, layout: "one", opacity: 0.6, outlines: false });
    first.setTools({ radius: 11 });
    vi.advanceTimersByTime(1_000);
    stop();
    const next = review("semantic", CT);
    applyPreferences(next, shelf.all);
    expect(next.looks).toMatchObject({ window: LUNG, layout: "one", opacity: 0.6, outlines: false });
    expect(next.tools.radius).toBe(11);
    const other = review("semantic", { ...CT, modality: "MR", valueUnit: "" });
    const before = other.looks.window;
    applyPreferences(other, shelf.all);
    expect(other.looks.window).toEqual(before);
  });

  test("set by hand belong to their image; a chosen preset stays", () => {
    const shelf = new PreferenceShelf(1, () => new ShelfInMemory());
    const state = review("semantic", CT);
    const stop = remember(state, shelf);
    state.look({ window: LUNG });
    vi.advanceTimersByTime(1_000);
    state.look({ window: { low: 1, high: 2 } });
    stop();
    expect(shelf.all.windows).toEqual({ CT: "lung" });
  });

  test("changed at the last moment are kept when the case is left", () => {
    const shelf = new PreferenceShelf(1, () => new ShelfInMemory());
    const state = review("semantic", CT);
    const stop = remember(state, shelf);
    state.look({ opacity: 0.9 });
    stop();
    expect(shelf.all.opacity).toBe(0.9);
  });

  test("of a single picture leave the layout of volumes alone", () => {
    const shelf = new PreferenceShelf(1, () => new ShelfInMemory());
    shelf.change({ layout: "three" });
    const flat = review();
    applyPreferences(flat, shelf.all);
    expect(flat.looks.layout).toBe("one");
    const stop = remember(flat, shelf);
    flat.look({ opacity: 0.1 });
    stop();
    expect(shelf.all.layout).toBe("three");
  });
});
