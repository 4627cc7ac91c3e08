import type { ReviewState } from "../state/review_state";

export type Colour = readonly [red: number, green: number, blue: number];

const FALLBACK: Colour = [160, 160, 160];

export function parseColour(text: string): Colour {
  const hex = /^#?([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(text);
  return hex ? [parseInt(hex[1], 16), parseInt(hex[2], 16), parseInt(hex[3], 16)] : FALLBACK;
}

export const labelColour = (state: ReviewState, label: number): Colour => parseColour(state.label(label)?.colour ?? "");

/** Instances of one label vary in lightness, never in hue. */
export function findingColour(state: ReviewState, finding: number): Colour {
  const fields = state.document.finding(finding);
  const base = fields ? labelColour(state, fields.label) : FALLBACK;
  if (state.task !== "instances") return base;
  const lift = [0, 0.26, -0.18, 0.13, -0.08, 0.36][finding % 6];
  const end = lift > 0 ? 255 : 0;
  const mix = (part: number): number => Math.round(part + (end - part) * Math.abs(lift));
  return [mix(base[0]), mix(base[1]), mix(base[2])];
}

export const css = ([red, green, blue]: Colour, alpha = 1): string => `rgb(${red} ${green} ${blue} / ${alpha})`;
