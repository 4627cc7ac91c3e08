/** Colours in place of grey, for images that are read by their values rather than by their shapes. */

export type ColourMap = "grey" | "hot" | "bone" | "viridis";
export const COLOUR_MAPS: readonly ColourMap[] = ["grey", "hot", "bone", "viridis"];

type Stop = readonly [at: number, red: number, green: number, blue: number];

// Viridis (Smith and van der Walt, CC0) at 17 even places; linear between them it is within 6 of 255.
const VIRIDIS: readonly (readonly [number, number, number])[] = [
  [68, 1, 84],
  [72, 24, 106],
  [71, 45, 123],
  [66, 64, 134],
  [59, 82, 139],
  [51, 99, 141],
  [44, 114, 142],
  [38, 129, 142],
  [33, 144, 140],
  [31, 159, 136],
  [40, 174, 128],
  [62, 188, 116],
  [93, 201, 99],
  [130, 211, 76],
  [171, 220, 50],
  [213, 226, 26],
  [253, 231, 37],
];

// Linear between these, by share of the window; "hot" and "bone" are matplotlib's own segments, after MATLAB's.
const STOPS: Readonly<Record<ColourMap, readonly Stop[]>> = {
  grey: [
    [0, 0, 0, 0],
    [1, 255, 255, 255],
  ],
  hot: [
    [0, 10.6, 0, 0],
    [0.365079, 255, 0, 0],
    [0.746032, 255, 255, 0],
    [1, 255, 255, 255],
  ],
  bone: [
    [0, 0, 0, 0],
    [0.365079, 81.458, 81.458, 113.333],
    [0.746032, 166.458, 198.333, 198.333],
    [1, 255, 255, 255],
  ],
  viridis: VIRIDIS.map((colour, k) => [k / (VIRIDIS.length - 1), ...colour]),
};

/** The colour of each of 256 shades, red, green and blue in turn. */
export function colourMap(name: ColourMap): Uint8Array {
  const stops = STOPS[name];
  const out = new Uint8Array(3 * 256);
  for (let shade = 0, k = 0; shade < 256; shade++) {
    const at = shade / 255;
    while (k < stops.length - 2 && at > stops[k + 1][0]) k++;
    const [low, high] = [stops[k], stops[k + 1]];
    const share = (at - low[0]) / (high[0] - low[0]);
    for (const part of [1, 2, 3] as const) out[3 * shade + part - 1] = Math.round(low[part] + (high[part] - low[part]) * share);
  }
  return out;
}
