import { COLOUR_MAPS, type ColourMap } from "../domain/colourmap";
import type { Layout } from "./view_state";

/** How one person likes to look and to work, kept in this browser from case to case. */
export type Preferences = {
  /** Name of the window preset last chosen, by modality. */
  readonly windows: Readonly<Record<string, string>>;
  /** How volumes are laid out; null until the person chose. */
  readonly layout: Layout | null;
  readonly opacity: number;
  readonly outlines: boolean;
  readonly colours: ColourMap;
  /** How thick a slab begins; that there is one is never remembered. */
  readonly slabThickness: number;
  readonly radius: number;
  readonly panels: boolean;
  /** A verdict leads on to the next case by itself. */
  readonly goesOn: boolean;
  /** Own keys by command; what is not named keeps its usual keys. */
  readonly keys: Readonly<Record<string, readonly string[]>>;
  /** The tour was seen or skipped. */
  readonly toured: boolean;
};

export const FIRST_PREFERENCES: Preferences = {
  windows: {},
  layout: null,
  opacity: 0.28,
  outlines: true,
  colours: "grey",
  slabThickness: 10,
  radius: 6,
  panels: true,
  goesOn: false,
  keys: {},
  toured: false,
};

export type Shelf = Pick<Storage, "getItem" | "setItem">;

/** Preferences of one person. Where the browser keeps nothing, they live as long as the page. */
export class PreferenceShelf {
  private kept = FIRST_PREFERENCES;
  private readonly name: string;

  constructor(
    person: number | string,
    private readonly shelf: () => Shelf = () => localStorage,
  ) {
    this.name = `medseg.preferences.${person}`;
  }

  get all(): Preferences {
    try {
      const text = this.shelf().getItem(this.name);
      // What another tab wrote counts as much as what this one did.
      if (text !== null) this.kept = preferencesFrom(JSON.parse(text));
    } catch {
      // Storage is blocked, or what stands there is no longer ours: what this page knows goes on.
    }
    return this.kept;
  }

  change(part: Partial<Preferences>): void {
    this.kept = { ...this.all, ...part };
    try {
      this.shelf().setItem(this.name, JSON.stringify(this.kept));
    } catch {
      // Blocked or full: nothing a person who looks at images should be told.
    }
  }
}

/** What is well formed of something read back; the usual for all else. */
export function preferencesFrom(told: unknown): Preferences {
  const given = isRecord(told) ? told : {};
  const usual = FIRST_PREFERENCES;
  return {
    windows: recordOf(given.windows, (one): one is string => typeof one === "string"),
    layout: given.layout === "one" || given.layout === "three" ? given.layout : null,
    opacity: within(given.opacity, 0, 1, usual.opacity),
    outlines: flag(given.outlines, usual.outlines),
    colours: COLOUR_MAPS.find((name) => name === given.colours) ?? usual.colours,
    slabThickness: within(given.slabThickness, 1e-3, 1e3, usual.slabThickness),
    radius: within(given.radius, 0.5, 80, usual.radius),
    panels: flag(given.panels, usual.panels),
    goesOn: flag(given.goesOn, usual.goesOn),
    keys: recordOf(given.keys, isWords),
    toured: flag(given.toured, usual.toured),
  };
}

const isRecord = (told: unknown): told is Record<string, unknown> => typeof told === "object" && told !== null && !Array.isArray(told);

const isWords = (told: unknown): told is readonly string[] => Array.isArray(told) && told.every((one) => typeof one === "string");

const flag = (told: unknown, usual: boolean): boolean => (typeof told === "boolean" ? told : usual);

const within = (told: unknown, low: number, high: number, usual: number): number =>
  typeof told === "number" && told >= low && told <= high ? told : usual;

function recordOf<T>(told: unknown, is: (one: unknown) => one is T): Record<string, T> {
  const rows = isRecord(told) ? Object.entries(told) : [];
  return Object.fromEntries(rows.filter((row): row is [string, T] => is(row[1])));
}
