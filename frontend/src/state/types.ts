import type { Affine, Grid } from "../domain/coordinates";
import type { PixelType } from "../domain/slicecodec";
import type { Box } from "../domain/spans";
import type { TileCut } from "../domain/tiles";
import type { Calibration } from "../domain/units";

export type Task = "instances" | "semantic" | "boxes" | "labels";
export type FindingState = "proposed" | "suppressed" | "accepted" | "rejected";

/** The region that a person has looked at; its mask has rows, it is no finding. */
export const REVIEWED = 0;

export type FindingFields = {
  readonly label: number;
  readonly state: FindingState;
  readonly score: number | null;
  readonly box: Box | null;
  /** The plane of the box, see domain/moments. */
  readonly z: number | null;
  readonly candidate: number | null;
  readonly run: string | null;
  readonly source: "network" | "person" | "import";
  readonly note: string;
  readonly suppressed_by: number | null;
};

export function sameFields(a: FindingFields | null, b: FindingFields | null): boolean {
  if (a === null || b === null) return a === b;
  const names = Object.keys(a) as (keyof FindingFields)[];
  return names.every((name) => a[name] === b[name] || (name === "box" && a.box?.join() === b.box?.join()));
}

export type Label = {
  readonly index: number;
  readonly name: string;
  readonly colour: string;
  readonly key: string;
  readonly overlapAllowed: boolean;
  readonly isIgnore: boolean;
};

export type Cutoffs = { readonly score: number; readonly overlap: number };

/** The image whose grid the masks share. */
export type ImageFacts = Calibration & {
  readonly id: string;
  readonly grid: Grid;
  readonly times: number;
  readonly channels: number;
  readonly type: PixelType;
  /** How a picture is cut that is too large to be held whole. */
  readonly tiles?: TileCut | null;
  readonly affineLps: Affine | null;
  readonly acquisitionAxis: "x" | "y" | "z";
  readonly modality: string;
  readonly photometric: string;
  readonly window: readonly [centre: number, width: number] | null;
  readonly slope: number;
  readonly intercept: number;
  readonly valueUnit: string;
};
