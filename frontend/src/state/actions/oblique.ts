import type { Vector } from "../../domain/camera";
import { clampToGrid, voxelToWorld, worldToVoxel, type World } from "../../domain/coordinates";
import { frameOf } from "../../domain/frame";
import { levelTilt, normalOf, tilted } from "../../domain/oblique";
import type { ReviewState } from "../review_state";

/** Opens the tilted plane level with the slices, or closes it. */
export function toggleOblique(state: ReviewState): void {
  if (state.facts.grid.nz > 1) state.look({ oblique: state.looks.oblique ? null : levelTilt(frameOf(state.facts)) });
}

export function levelOblique(state: ReviewState): void {
  state.look({ oblique: levelTilt(frameOf(state.facts)) });
}

/** Turns the tilted plane around its own axis across or upwards, or within itself. */
export function turnOblique(state: ReviewState, around: "right" | "up" | "normal", angle: number): void {
  const { oblique } = state.looks;
  if (!oblique) return;
  const axis: Vector = around === "normal" ? normalOf(oblique) : oblique[around];
  state.look({ oblique: tilted(oblique, axis, angle) });
}

/**
 * Moves the crosshair, and the tilted plane with it, by so many steps at right angles to the plane:
 * away from the one who looks, which on a level plane is up as on the slices.
 */
export function stepOblique(state: ReviewState, by: number): void {
  const { oblique, cursor } = state.looks;
  if (!oblique) return;
  const affine = frameOf(state.facts);
  const [nx, ny, nz] = normalOf(oblique);
  // As far as the finest spacing: no voxel is stepped over.
  const step = -by * Math.min(...(state.facts.spacingZyx ?? [1, 1, 1]));
  const { x, y, z } = voxelToWorld(cursor, affine);
  const at = worldToVoxel({ x: x + nx * step, y: y + ny * step, z: z + nz * step } as World, affine);
  if (at) state.look({ cursor: clampToGrid(at, state.facts.grid) });
}
