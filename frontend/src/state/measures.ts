import { sliceOf, type Plane, type Voxel } from "../domain/coordinates";
import { angleInWords, lengthInWords, type Spacing } from "../domain/measures";

export type MeasureKind = "length" | "angle";

/** A length or an angle on one plane of the image, at one moment. */
export type MeasureFields = {
  readonly kind: MeasureKind;
  readonly plane: Plane;
  readonly moment: number;
  readonly points: readonly Voxel[];
  readonly note: string;
};

/** One measurement made, changed or taken away; a part of a step that can be undone. */
export type MeasureDelta = { readonly id: string; readonly before: MeasureFields | null; readonly after: MeasureFields | null };

export const POINTS_OF: Readonly<Record<MeasureKind, number>> = { length: 2, angle: 3 };

/** What is measured in a case, in the order in which it was. */
export class Measures {
  private readonly kept = new Map<string, MeasureFields>();

  get size(): number {
    return this.kept.size;
  }

  get(id: string): MeasureFields | null {
    return this.kept.get(id) ?? null;
  }

  all(): ReadonlyMap<string, MeasureFields> {
    return this.kept;
  }

  apply(deltas: readonly MeasureDelta[]): void {
    for (const { id, after } of deltas) {
      if (after) this.kept.set(id, after);
      else this.kept.delete(id);
    }
  }

  reset(rows: Iterable<readonly [string, MeasureFields]>): void {
    this.kept.clear();
    for (const [id, fields] of rows) this.kept.set(id, fields);
  }

  /** Those that lie on a slice of a plane at a moment. */
  on(plane: Plane, slice: number, moment: number): (readonly [string, MeasureFields])[] {
    return [...this.kept].filter(([, one]) => one.plane === plane && one.moment === moment && sliceOfMeasure(one) === slice);
  }
}

/** The slice of its plane on which a measurement lies. */
export const sliceOfMeasure = ({ plane, points }: Pick<MeasureFields, "plane" | "points">): number => sliceOf(plane, points[0]);

export const measureInWords = ({ kind, points }: Pick<MeasureFields, "kind" | "points">, spacing: Spacing): string =>
  kind === "length" ? lengthInWords(points, spacing) : angleInWords(points, spacing);
