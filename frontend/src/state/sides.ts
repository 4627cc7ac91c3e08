import { voxel, type View } from "../domain/coordinates";
import { momentAndZ } from "../domain/moments";
import { boundingBox, EMPTY, unionOf, type Box } from "../domain/spans";
import { ChangeBuilder, type CaseDocument } from "./document";
import { isRow, masksOf, mergedMask } from "./merging";
import type { ReviewState } from "./review_state";
import type { Conflict } from "./save_queue";
import { documentOf } from "./sync";
import type { Theirs } from "./transport";

export type Size = { readonly width: number; readonly height: number };

const MARGIN = 1.6;
/** Nothing is enlarged beyond this: a single pixel is no picture. */
const LARGEST_SCALE = 24;

/** The case as it would be with both sides of a conflict: `whole` is all of theirs, `before` where they parted. */
export function mergedDocument(mine: CaseDocument, whole: Theirs, before: Theirs, conflict: Conflict): CaseDocument {
  const document = documentOf(whole);
  const [was, theirs] = [masksOf(before), masksOf(conflict.theirs)];
  const builder = new ChangeBuilder(document);
  for (const name of conflict.both.filter(isRow)) {
    const [finding, z] = name.split(":").map(Number);
    builder.row(finding, z, mergedMask(was.get(name) ?? EMPTY, mine.mask(finding, z), theirs.get(name) ?? EMPTY));
  }
  document.apply(builder.done("merge"));
  return document;
}

/** Brings one row ("finding:z") or finding into sight in all states, at the same place and scale. */
export function lookAtSame(states: readonly ReviewState[], name: string, size: Size): void {
  const [finding, row] = name.split(":").map(Number);
  const plane = row ?? firstPlane(states, finding);
  const [{ facts }] = states;
  const box = boundingBox(unionOf(states.map(({ document }) => document.mask(finding, plane))), facts.grid.nx) ?? boxOf(states, finding);
  const { t, z } = momentAndZ(plane, facts.grid.nz);
  for (const state of states) {
    state.select(finding === 0 ? null : finding);
    if (!box) state.look({ t, cursor: { ...state.looks.cursor, z: z + 0.5 } });
    else {
      state.look({ t, cursor: voxel((box[0] + box[2]) / 2, (box[1] + box[3]) / 2, z + 0.5) });
      state.setView("axial", around(box, state.views.axial, size));
    }
  }
}

function firstPlane(states: readonly ReviewState[], finding: number): number {
  const planes = states.flatMap(({ document }) => [...document.slices(finding).keys(), document.finding(finding)?.z ?? []].flat());
  return Math.min(...planes, Infinity) === Infinity ? 0 : Math.min(...planes);
}

const boxOf = (states: readonly ReviewState[], finding: number): Box | null =>
  states.map(({ document }) => document.finding(finding)?.box ?? null).find((box) => box !== null) ?? null;

/** A view of the box with room around it, in the middle. */
function around([x1, y1, x2, y2]: Box, view: View, { width, height }: Size): View {
  const [w, h] = [(x2 - x1) * view.stretchU * MARGIN, (y2 - y1) * view.stretchV * MARGIN];
  const scale = Math.min(LARGEST_SCALE, width / w, height / h);
  const offsetX = width / 2 - ((x1 + x2) / 2) * view.stretchU * scale;
  return { ...view, scale, offsetX, offsetY: height / 2 - ((y1 + y2) / 2) * view.stretchV * scale };
}
