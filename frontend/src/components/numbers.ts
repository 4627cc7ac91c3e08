/** Figures as precise as they are honest. */

const KILO = 1024;
const SIZES = ["B", "kB", "MB", "GB", "TB"];

export function bytes(count: number): string {
  let value = count;
  let step = 0;
  while (value >= 1000 && step < SIZES.length - 1) {
    value /= KILO;
    step += 1;
  }
  return `${step === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${SIZES[step]}`;
}

export function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

/** Scores to two places; three where a difference is the point. An absent one is a dash. */
export function score(value: number | null | undefined, places = 2): string {
  return value === null || value === undefined || Number.isNaN(value) ? "–" : value.toFixed(places);
}

export function signed(value: number | null | undefined, places = 3): string {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  return `${value > 0 ? "+" : value < 0 ? "−" : "±"}${Math.abs(value).toFixed(places)}`;
}
