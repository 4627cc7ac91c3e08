import { colourMap, type ColourMap } from "./colourmap";
import type { Pixels, PixelType } from "./slicecodec";

/** Grey window over stored values: everything at or below low is black, at or above high white. */
export type Window = { readonly low: number; readonly high: number };

export const windowOf = (centre: number, width: number): Window => ({ low: centre - width / 2, high: centre + width / 2 });
export const centreOf = (window: Window): number => (window.low + window.high) / 2;
export const widthOf = (window: Window): number => window.high - window.low;

/** Packed opaque RGBA per stored value, indexed by the value's unsigned bits. */
export type GreyTable = Uint32Array;

export function greyTable(type: PixelType, window: Window, inverted: boolean, colours: ColourMap = "grey"): GreyTable {
  const shades = colourMap(colours);
  const size = type === "uint8" ? 256 : 65536;
  const table = new Uint32Array(size);
  const width = Math.max(window.high - window.low, 1e-6);
  for (let code = 0; code < size; code++) {
    const value = type === "int16" && code > 32767 ? code - 65536 : code;
    const shade = Math.round(Math.min(255, Math.max(0, ((value - window.low) * 255) / width)));
    const grey = inverted ? 255 - shade : shade;
    table[code] = (0xff000000 | (shades[3 * grey + 2] << 16) | (shades[3 * grey + 1] << 8) | shades[3 * grey]) >>> 0;
  }
  return table;
}

/** Fills packed RGBA from grey samples. */
export function paintGrey(out: Uint32Array, samples: Pixels, table: GreyTable): void {
  const codes = samples instanceof Int16Array ? new Uint16Array(samples.buffer, samples.byteOffset, samples.length) : samples;
  for (let k = 0; k < out.length; k++) out[k] = table[codes[k]];
}

/** Fills packed RGBA from three planes, one after the other, each through the same table. */
export function paintColour(out: Uint32Array, samples: Pixels, table: GreyTable): void {
  const codes = samples instanceof Int16Array ? new Uint16Array(samples.buffer, samples.byteOffset, samples.length) : samples;
  const count = out.length;
  for (let k = 0; k < count; k++) {
    const red = table[codes[k]] & 0xff;
    const green = table[codes[count + k]] & 0xff00;
    const blue = table[codes[2 * count + k]] & 0xff0000;
    out[k] = (0xff000000 | blue | green | red) >>> 0;
  }
}

export type WindowPreset = { readonly name: string; readonly window: Window };

// Usual CT windows in Hounsfield units (centre, width).
const CT_PRESETS: readonly (readonly [string, number, number])[] = [
  ["soft", 40, 400],
  ["lung", -600, 1500],
  ["bone", 400, 1800],
  ["brain", 40, 80],
  ["liver", 80, 150],
];

/** CT presets, turned from Hounsfield units into stored values. */
export function ctPresets(slope: number, intercept: number): WindowPreset[] {
  return CT_PRESETS.map(([name, centre, width]) => ({
    name,
    window: windowOf((centre - intercept) / slope, width / slope),
  }));
}
