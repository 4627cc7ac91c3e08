/** A training's curve as plots: the loss, and each validation figure. */

import type { CurvePoint } from "../../api/types";
import type { Series } from "../../components/plots";
import { figureName } from "./words";

const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"] as const;

export function lossSeries(curve: readonly CurvePoint[], name: string): Series[] {
  const points = curve.flatMap(({ step, loss }) => (loss === null ? [] : [{ x: step, y: loss }]));
  return points.length ? [{ name, colour: COLOURS[0], points }] : [];
}

export function validationSeries(curve: readonly CurvePoint[]): Series[] {
  const names = [...new Set(curve.flatMap(({ validation }) => Object.keys(validation ?? {})))];
  return names.slice(0, COLOURS.length).map((name, at) => ({
    name: figureName(name),
    colour: COLOURS[at],
    points: curve.flatMap(({ step, validation }) => {
      const value = validation?.[name];
      return typeof value === "number" && Number.isFinite(value) ? [{ x: step, y: value }] : [];
    }),
  }));
}

/** A pushed point takes the place of what was told before for the same and later steps. */
export function withPoint(curve: readonly CurvePoint[], point: CurvePoint): CurvePoint[] {
  return [...curve.filter(({ step }) => step < point.step), point];
}

/** At most `most` points, the last one and every validation always among them. */
export function thinned(curve: readonly CurvePoint[], most = 600): readonly CurvePoint[] {
  if (curve.length <= most) return curve;
  const every = Math.ceil(curve.length / most);
  return curve.filter((point, at) => at % every === 0 || point.validation !== null || at === curve.length - 1);
}
