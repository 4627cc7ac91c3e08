import { addSlices } from "../../domain/brush";
import { planeDepth, planeSize, sliceOf, type Grid, type Plane } from "../../domain/coordinates";
import { maskOnPlane, piecesToSlices } from "../../domain/planes";
import { eachRowPiece, EMPTY, type Spans } from "../../domain/spans";
import { put, type Slices } from "../../domain/stack";
import type { ReviewState } from "../review_state";
import { spacingIn, type Reach } from "../shaping";

/** A piece of a finding that an operation sees as a whole: a plane of one slice, or all slices of the moment. */
export type Layer = {
  readonly slices: Slices;
  readonly grid: Grid;
  /** In the unit that radii are given in. */
  readonly spacingZyx: readonly [number, number, number];
  /** The layer's own masks as masks by z. */
  readonly back: (slices: Slices) => Slices;
};

/** The layers of a finding that have voxels, at the moment that is looked at. */
export function layersOf(state: ReviewState, finding: number, reach: Reach): Layer[] {
  const { facts, looks } = state;
  const all = state.ofMoment(state.document.slices(finding));
  if (reach === "volume") {
    return all.size > 0 ? [{ slices: all, grid: facts.grid, spacingZyx: spacingIn(state.tools.unit, facts), back: (slices) => slices }] : [];
  }
  const { plane } = looks;
  const here = sliceOf(plane, looks.cursor);
  const wanted = reach === "slice" ? [here] : Array.from({ length: planeDepth(plane, facts.grid) }, (_, slice) => slice);
  return wanted
    .map((slice) => ({ slice, spans: maskOnPlane(all, plane, slice, facts.grid) }))
    .filter(({ spans }) => spans.length > 0)
    .map(({ slice, spans }) => layerOn(state, plane, slice, spans));
}

function layerOn(state: ReviewState, plane: Plane, slice: number, spans: Spans): Layer {
  const { width, height } = planeSize(plane, state.facts.grid);
  const [z, y, x] = spacingIn(state.tools.unit, state.facts);
  return {
    slices: new Map([[0, spans]]),
    grid: { nx: width, ny: height, nz: 1 },
    spacingZyx: plane === "axial" ? [1, y, x] : [1, z, plane === "coronal" ? x : y],
    back: (slices) => ontoSlices(slices.get(0) ?? EMPTY, plane, slice, state.facts.grid),
  };
}

/** A mask of a plane as masks of the stored slices. */
export function ontoSlices(spans: Spans, plane: Plane, slice: number, grid: Grid): Map<number, Spans> {
  const out = new Map<number, Spans>();
  if (plane === "axial") put(out, slice, spans);
  if (plane === "axial") return out;
  const pieces: [number, number, number][] = [];
  eachRowPiece(spans, planeSize(plane, grid).width, (v, u1, u2) => pieces.push([v, u1, u2]));
  return piecesToSlices(pieces, plane, slice, grid);
}

/** A finding's voxels within reach, by z. */
export function maskWithin(state: ReviewState, finding: number, reach: Reach): Slices {
  if (reach !== "slice") return state.ofMoment(state.document.slices(finding));
  const out = new Map<number, Spans>();
  for (const layer of layersOf(state, finding, reach)) addSlices(out, layer.back(layer.slices));
  return out;
}
