/** Two series of a case side by side: what is done to one shows on the other, in the patient's millimetres. */

import { clampToGrid, imageToCanvas, voxelToImage, voxelToWorld, worldToVoxel, type Plane, type View, type Voxel } from "../domain/coordinates";
import type { ReviewState } from "./review_state";

type Extent = { readonly width: number; readonly height: number };
export type LinkedSide = {
  readonly state: ReviewState;
  /** The canvas of a plane in CSS pixels; none before it was drawn for the first time. */
  readonly sizeOf: (plane: Plane) => Extent | undefined;
};

const PLANES: readonly Plane[] = ["axial", "coronal", "sagittal"];

/** Whether a place can be found again at all: both files say where in the patient they lie. */
export const mayLink = (a: ReviewState, b: ReviewState): boolean => a.facts.affineLps !== null && b.facts.affineLps !== null;

/** The crosshair of one in the other, inside its grid or not. */
function placeIn(from: ReviewState, to: ReviewState): Voxel | null {
  if (!from.facts.affineLps || !to.facts.affineLps) return null;
  return worldToVoxel(voxelToWorld(from.looks.cursor, from.facts.affineLps), to.facts.affineLps);
}

/** Whether the crosshair of one lies where the other has no picture. */
export function isOutside(from: ReviewState, to: ReviewState): boolean {
  const at = placeIn(from, to);
  const { nx, ny, nz } = to.facts.grid;
  return at !== null && !(at.x >= 0 && at.y >= 0 && at.z >= 0 && at.x < nx && at.y < ny && at.z < nz);
}

/** Keeps crosshair, zoom, place in sight, layout, tool and selection in step, from now until it is stopped. */
export function linkStates(a: LinkedSide, b: LinkedSide): () => void {
  let passing = false;
  let known = new Map<ReviewState, Voxel>([
    [a.state, a.state.looks.cursor],
    [b.state, b.state.looks.cursor],
  ]);
  const pass = (from: LinkedSide, to: LinkedSide, act: () => void): void => {
    // What follows must not lead.
    if (passing) return;
    passing = true;
    act();
    known = new Map([from, to].map(({ state }) => [state, state.looks.cursor]));
    passing = false;
  };
  const looked = (from: LinkedSide, to: LinkedSide): void =>
    pass(from, to, () => {
      const isMoved = known.get(from.state) !== from.state.looks.cursor;
      passLayout(from.state, to.state);
      if (isMoved) passCursor(from.state, to.state);
      PLANES.forEach((plane) => passView(plane, from, to));
    });
  const handed = (): void =>
    pass(a, b, () => {
      if (b.state.tools.tool !== a.state.tools.tool) b.state.setTools({ tool: a.state.tools.tool });
      if (b.state.document === a.state.document) b.state.select(a.state.selected);
    });
  const offs = [
    a.state.topics.on(["looks"], () => looked(a, b)),
    b.state.topics.on(["looks"], () => looked(b, a)),
    a.state.topics.on(["tool", "selection"], handed),
  ];
  pass(a, b, () => {
    passLayout(a.state, b.state);
    passCursor(a.state, b.state);
    // The other takes this one's size for its own until it knows better, and so never fits itself.
    PLANES.forEach((plane) => passView(plane, a, { state: b.state, sizeOf: (one) => b.sizeOf(one) ?? a.sizeOf(one) }));
  });
  handed();
  return () => offs.forEach((off) => off());
}

function passLayout({ looks: from }: ReviewState, to: ReviewState): void {
  const { layout, plane, crosshair, masksHidden } = to.looks;
  const isFlat = to.facts.grid.nz === 1;
  const wanted = { layout: isFlat ? ("one" as const) : from.layout, plane: isFlat ? plane : from.plane, crosshair: from.crosshair, masksHidden: from.masksHidden };
  const isSame = wanted.layout === layout && wanted.plane === plane && wanted.crosshair === crosshair && wanted.masksHidden === masksHidden;
  if (!isSame) to.look(wanted);
}

function passCursor(from: ReviewState, to: ReviewState): void {
  const at = placeIn(from, to);
  if (at) to.look({ cursor: clampToGrid(at, to.facts.grid) });
}

/** The same millimetres per pixel, and the crosshair as far from the middle of the canvas. */
function passView(plane: Plane, from: LinkedSide, to: LinkedSide): void {
  const view = from.state.views[plane];
  const [here, there] = [from.sizeOf(plane), to.sizeOf(plane)];
  const at = placeIn(from.state, to.state);
  const [own, other] = [finest(plane, from.state), finest(plane, to.state)];
  if (view.scale === 0 || !here || !there || !at || !own || !other) return;
  const cursor = imageToCanvas(view, voxelToImage(plane, from.state.looks.cursor, from.state.facts.grid));
  const before = to.state.views[plane];
  const scale = (view.scale / own) * other;
  const image = voxelToImage(plane, at, to.state.facts.grid);
  const after: View = {
    ...before,
    scale,
    offsetX: cursor.x - here.width / 2 + there.width / 2 - image.u * scale * before.stretchU,
    offsetY: cursor.y - here.height / 2 + there.height / 2 - image.v * scale * before.stretchV,
  };
  if (!alike(before, after)) to.state.setView(plane, after);
}

/** Millimetres per image pixel at scale 1: a view's scale counts the finer side of its pixels. */
function finest(plane: Plane, { facts: { spacingZyx } }: ReviewState): number | null {
  if (!spacingZyx) return null;
  const [z, y, x] = spacingZyx;
  return plane === "axial" ? Math.min(x, y) : Math.min(z, plane === "coronal" ? x : y);
}

/** Nothing that could be seen: what only rounding changed goes no further, so a fitted plane stays fitted. */
const alike = (a: View, b: View): boolean =>
  Math.abs(a.scale / b.scale - 1) < 1e-6 && Math.abs(a.offsetX - b.offsetX) < 0.01 && Math.abs(a.offsetY - b.offsetY) < 0.01;
