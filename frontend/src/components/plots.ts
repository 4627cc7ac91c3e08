/** The arithmetic of a plot: ticks, scales, paths and the table behind it. */

export type Point = { readonly x: number; readonly y: number; readonly low?: number; readonly high?: number };
export type Series = { readonly name: string; readonly colour: string; readonly points: readonly Point[] };
export type Extent = readonly [number, number];

const NICE = [1, 2, 2.5, 5, 10];

/** The span of all points and bands; an empty or flat one is widened so that it can be drawn. */
export function extent(series: readonly Series[], of: "x" | "y"): Extent {
  const values = series.flatMap(({ points }) =>
    points.flatMap((point) => (of === "x" ? [point.x] : [point.y, point.low ?? point.y, point.high ?? point.y])),
  );
  const finite = values.filter(Number.isFinite);
  if (!finite.length) return [0, 1];
  const low = finite.reduce((a, b) => Math.min(a, b));
  const high = finite.reduce((a, b) => Math.max(a, b));
  if (low === high) return [low - Math.max(0.5, Math.abs(low) * 0.1), high + Math.max(0.5, Math.abs(high) * 0.1)];
  return [low, high];
}

/** Round values inside the span, about `count` of them (Heckbert's nice numbers). */
export function ticks([low, high]: Extent, count = 5): number[] {
  const rough = (high - low) / count;
  const magnitude = 10 ** Math.floor(Math.log10(rough));
  const step = magnitude * (NICE.find((nice) => nice * magnitude >= rough) ?? 10);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, index) => Number(((first + index) * step).toPrecision(12)));
}

export function scale([low, high]: Extent, from_px: number, to_px: number): (value: number) => number {
  return (value) => from_px + ((value - low) / (high - low)) * (to_px - from_px);
}

/** An SVG path through the points; it is broken where a value is missing. */
export function path(points: readonly Point[], x: (v: number) => number, y: (v: number) => number): string {
  let pen = "M";
  let text = "";
  for (const point of points) {
    if (!Number.isFinite(point.y)) {
      pen = "M";
      continue;
    }
    text += `${pen}${x(point.x).toFixed(1)} ${y(point.y).toFixed(1)}`;
    pen = "L";
  }
  return text;
}

/** The closed outline of the band between low and high. */
export function band(points: readonly Point[], x: (v: number) => number, y: (v: number) => number): string {
  const with_band = points.filter(({ low, high }) => low !== undefined && high !== undefined);
  if (with_band.length < 2) return "";
  const upper = with_band.map((point) => `${x(point.x).toFixed(1)} ${y(point.high!).toFixed(1)}`);
  const lower = with_band.map((point) => `${x(point.x).toFixed(1)} ${y(point.low!).toFixed(1)}`).reverse();
  return `M${[...upper, ...lower].join("L")}Z`;
}

/** Comma-separated values in long form, one line per point. */
export function table(series: readonly Series[], x_name: string, y_name: string): string {
  const lines = series.flatMap(({ name, points }) =>
    points.map(({ x, y, low, high }) => [quote(name), x, y, low ?? "", high ?? ""].join(",")),
  );
  return [["series", quote(x_name), quote(y_name), "low", "high"].join(","), ...lines].join("\n") + "\n";
}

function quote(text: string): string {
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
