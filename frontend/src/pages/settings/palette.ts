/** Label colours that people with colour-vision deficiency can tell apart. */

/** Okabe and Ito, "Color Universal Design" (2008), without black. */
export const OKABE_ITO = ["#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7"] as const;
export const IGNORE_COLOUR = "#999999";

const GOLDEN_ANGLE_DEG = 137.508;

/** The first colour of the palette that is free; beyond it, hues spread by the golden angle. */
export function nextColour(used: readonly string[]): string {
  const taken = new Set(used.map((colour) => colour.toLowerCase()));
  const free = OKABE_ITO.find((colour) => !taken.has(colour));
  if (free) return free;
  for (let step = 0; ; step += 1) {
    const colour = hex((step * GOLDEN_ANGLE_DEG) % 360, 0.6, step % 2 ? 0.68 : 0.5);
    if (!taken.has(colour)) return colour;
  }
}

/** The first free digit, then letter, that is no tool's key. */
export function nextKey(used: readonly string[]): string {
  return [..."123456789"].find((key) => !used.includes(key)) ?? "";
}

function hex(hue_deg: number, saturation: number, lightness: number): string {
  const reach = saturation * Math.min(lightness, 1 - lightness);
  const channel = (offset: number) => {
    const k = (offset + hue_deg / 30) % 12;
    const value = lightness - reach * Math.max(-1, Math.min(k - 3, 9 - k, 1));
    return Math.round(value * 255)
      .toString(16)
      .padStart(2, "0");
  };
  return `#${channel(0)}${channel(8)}${channel(4)}`;
}
