/** From preferences to the looks of a case, and back. */

import type { PreferenceShelf, Preferences } from "./preferences";
import type { ReviewState } from "./review_state";
import { presets, type Looks } from "./view_state";

/** Lays over a fresh state what its person likes; a preset only where this image has it. */
export function applyPreferences(state: ReviewState, { windows, layout, opacity, outlines, radius, colours, slabThickness }: Preferences): void {
  const { facts } = state;
  const preset = presets(facts).find(({ name }) => name === windows[facts.modality]);
  state.looks = {
    ...state.looks,
    opacity,
    outlines,
    colours,
    slabThickness,
    ...(preset && { window: preset.window }),
    ...(layout && facts.grid.nz > 1 && { layout }),
  };
  state.tools = { ...state.tools, radius };
}

/** What of the present looks is worth keeping; a window set by hand belongs to its image alone. */
export function preferencesOf(state: ReviewState, known: Preferences): Partial<Preferences> {
  const { looks, facts, tools } = state;
  const name = presetOf(looks, state);
  return {
    opacity: looks.opacity,
    outlines: looks.outlines,
    colours: looks.colours,
    slabThickness: looks.slabThickness,
    radius: tools.radius,
    ...(facts.grid.nz > 1 && { layout: looks.layout }),
    ...(name && { windows: { ...known.windows, [facts.modality]: name } }),
  };
}

/** Keeps what changes, a moment after it has come to rest; ends with the last change kept. */
export function remember(state: ReviewState, shelf: PreferenceShelf): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let before = JSON.stringify(preferencesOf(state, shelf.all));
  const keep = (): void => {
    timer = undefined;
    const known = shelf.all;
    const now = preferencesOf(state, known);
    const words = JSON.stringify(now);
    // What this page did not change, another tab may have.
    if (words !== before) shelf.change(now);
    before = words;
  };
  const off = state.topics.on(["looks", "tool"], () => {
    clearTimeout(timer);
    timer = setTimeout(keep, REST_MS);
  });
  return () => {
    off();
    if (timer === undefined) return;
    clearTimeout(timer);
    keep();
  };
}

const REST_MS = 300;

const presetOf = ({ window }: Looks, { facts }: ReviewState): string | undefined =>
  presets(facts).find((one) => one.window.low === window.low && one.window.high === window.high)?.name;
