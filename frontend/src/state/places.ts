import { clampToGrid, voxelToWorld, worldToVoxel, type Placed, type Voxel } from "../domain/coordinates";

export { sameGrid } from "../domain/coordinates";

/** The place in another image that shows the same anatomy, as near as that image comes to it. */
export function samePlace(at: Voxel, from: Placed, to: Placed): Voxel | null {
  if (!from.affineLps || !to.affineLps) return null;
  const found = worldToVoxel(voxelToWorld(at, from.affineLps), to.affineLps);
  return found && clampToGrid(found, to.grid);
}
