import { ballRows, grown, shrunk, smoothed } from "./margins";
import { parts, together, withoutHoles } from "./parts";
import { area, EMPTY, intersect, SpanBuilder, eachRowPiece, subtract, union, type Spans } from "./spans";
import { statistics, type Field, type Greys, type Statistics } from "./values";

export type Carried = {
  readonly mask: Spans;
  /** Whether the next image had a say: "plain" where it has too little contrast, "ended" where nothing like it is left. */
  readonly how: "adapted" | "plain" | "ended";
};

/** The means must be apart by this share of both deviations together, or the values tell nothing. */
const LEAST_CONTRAST = 0.75;
/** Less than this share of the mask still like its inside: the object has ended. */
const LEAST_LEFT = 0.2;

/**
 * A mask of one slice fitted to the next. Pixels within `margin` of its outline are given to the
 * inside or to the outside by the likelier of two normal distributions, learnt on the first slice
 * from the mask and from a ring around it; then islands that do not touch the old place are
 * dropped, holes filled and the outline smoothed. It follows slow changes of an object that differs
 * from its surroundings in brightness; it knows nothing of texture.
 */
export function carried(mask: Spans, from: Greys, to: Greys, margin: number, field: Field): Carried {
  const grid = { nx: field.width, ny: field.height, nz: 1 };
  const disc = (radius: number): ReturnType<typeof ballRows> => ballRows(radius, [1, 1, 1], 1);
  const flat = (spans: Spans): Map<number, Spans> => new Map([[0, spans]]);
  const wide = grown(flat(mask), disc(margin), grid).get(0) ?? EMPTY;
  const wider = grown(flat(mask), disc(2 * margin + 1), grid).get(0) ?? EMPTY;
  const core = shrunk(flat(mask), disc(margin), grid).get(0) ?? EMPTY;
  const inside = statistics(from, mask, field);
  const around = statistics(from, subtract(wider, mask), field);
  if (!isApart(inside, around)) return { mask, how: "plain" };
  const like = likelier(wide, to, inside, around, field);
  if (area(intersect(like, mask)) < LEAST_LEFT * area(mask)) return { mask: EMPTY, how: "ended" };
  // Deep inside, a dark spot is a spot and no outline.
  const seed = area(core) > 0 ? core : mask;
  const touching = parts(flat(union(like, core)), field.width).filter(({ slices }) => intersect(slices.get(0)!, seed).length > 0);
  const fitted = smoothed(withoutHoles(together(touching), grid), disc(1), grid).get(0) ?? EMPTY;
  return fitted.length > 0 ? { mask: fitted, how: "adapted" } : { mask: EMPTY, how: "ended" };
}

function isApart(a: Statistics, b: Statistics): boolean {
  const spread = a.deviation + b.deviation;
  return b.count > 0 && a.mean !== b.mean && Math.abs(a.mean - b.mean) >= LEAST_CONTRAST * spread;
}

/** Pixels that the first of two normal distributions explains better than the second. */
function likelier(where: Spans, values: Greys, one: Statistics, other: Statistics, { width }: Field): Spans {
  // A flat region has no spread of its own; half the other's keeps the rule from being a knife's edge.
  const floor = Math.max(one.deviation, other.deviation, Math.abs(one.mean - other.mean) / 8) / 2;
  const [a, b] = [Math.max(one.deviation, floor), Math.max(other.deviation, floor)];
  const builder = new SpanBuilder();
  eachRowPiece(where, width, (y, x1, x2) => {
    for (let at = y * width + x1; at < y * width + x2; at++) {
      const cost = ((values[at] - one.mean) / a) ** 2 + 2 * Math.log(a);
      const rival = ((values[at] - other.mean) / b) ** 2 + 2 * Math.log(b);
      if (cost <= rival) builder.add(at, at + 1);
    }
  });
  return builder.done();
}
