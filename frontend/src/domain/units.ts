/** What a length in this image may be called; null spacing stays in pixels, never an invented millimetre. */
export type Calibration = {
  readonly spacingZyx: readonly [number, number, number] | null;
  readonly source: "patient" | "detector" | "pixel_size" | null;
};

export type Measure = { readonly value: number; readonly unit: string };

/** Three significant figures, without an exponent for everyday sizes. */
export function threeFigures(value: number): string {
  if (value === 0 || !Number.isFinite(value)) return String(value);
  const places = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return Number(value.toPrecision(3)).toFixed(Math.min(places, 6));
}

export const inWords = (measure: Measure): string => `${threeFigures(measure.value)} ${measure.unit}`;

export function length(du: number, dv: number, spacing: readonly [number, number] | null): Measure {
  if (!spacing) return { value: Math.hypot(du, dv), unit: "px" };
  return scaleLength(Math.hypot(du * spacing[0], dv * spacing[1]), isMicroscopic(spacing));
}

/** Area of pixels in one axial slice. */
export function pixelArea(pixels: number, { spacingZyx }: Calibration): Measure {
  if (!spacingZyx) return { value: pixels, unit: "px²" };
  const areaMm2 = pixels * spacingZyx[1] * spacingZyx[2];
  return isMicroscopic(spacingZyx) ? { value: areaMm2 * 1e6, unit: "µm²" } : { value: areaMm2, unit: "mm²" };
}

export function voxelVolume(voxels: number, { spacingZyx }: Calibration): Measure {
  if (!spacingZyx) return { value: voxels, unit: "voxels" };
  const volumeMm3 = voxels * spacingZyx[0] * spacingZyx[1] * spacingZyx[2];
  if (isMicroscopic(spacingZyx)) return { value: volumeMm3 * 1e9, unit: "µm³" };
  return volumeMm3 >= 100 ? { value: volumeMm3 / 1000, unit: "mL" } : { value: volumeMm3, unit: "mm³" };
}

// Pixels below 20 micrometres come from a microscope.
const MICROSCOPIC_MM = 0.02;

export const isMicroscopic = (spacing: readonly number[]): boolean => spacing[spacing.length - 1] < MICROSCOPIC_MM;

const scaleLength = (lengthMm: number, microscopic: boolean): Measure =>
  microscopic ? { value: lengthMm * 1000, unit: "µm" } : { value: lengthMm, unit: "mm" };

/** A round length (1, 2 or 5 times a power of ten) that covers at most `longest` canvas pixels. */
export function scaleBar(canvasPerUnit: number, longest: number): { length: number; pixels: number } {
  const most = longest / canvasPerUnit;
  const power = 10 ** Math.floor(Math.log10(most));
  const step = [5, 2, 1].find((factor) => factor * power <= most) ?? 1;
  return { length: step * power, pixels: step * power * canvasPerUnit };
}
