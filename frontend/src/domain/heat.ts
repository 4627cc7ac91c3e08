/** Colours for a map of uncertainty: lighter and denser the less a network knows. */

/** Inferno (Smith and van der Walt, CC0) without its dark end, which would vanish on black. */
const STOPS: readonly (readonly [number, number, number])[] = [
  [87, 16, 110],
  [136, 34, 106],
  [187, 55, 84],
  [227, 89, 51],
  [249, 140, 10],
  [249, 201, 50],
  [252, 255, 164],
];

/** Below this level a pixel stays clear: nothing a person would look for. */
export const CLEAR_BELOW = 26;

export function heatColour(share: number): readonly [number, number, number] {
  const at = Math.min(1, Math.max(0, share)) * (STOPS.length - 1);
  const low = Math.min(STOPS.length - 2, Math.floor(at));
  const mix = (k: 0 | 1 | 2): number => Math.round(STOPS[low][k] + (STOPS[low + 1][k] - STOPS[low][k]) * (at - low));
  return [mix(0), mix(1), mix(2)];
}

/** The pixel of each of the 256 levels, as canvases hold them (red lowest, alpha highest). */
export function heatTable(opacity: number): Uint32Array {
  return Uint32Array.from({ length: 256 }, (_, level) => {
    if (level < CLEAR_BELOW) return 0;
    const [red, green, blue] = heatColour(level / 255);
    // Density rises with the level, so that faint doubt does not veil the picture.
    const alpha = Math.round(255 * opacity * Math.sqrt(level / 255));
    return ((alpha << 24) | (blue << 16) | (green << 8) | red) >>> 0;
  });
}

/** The same colours for a legend. */
export function heatGradient(): string {
  return `linear-gradient(to right, ${STOPS.map((stop) => `rgb(${stop.join(" ")})`).join(", ")})`;
}
