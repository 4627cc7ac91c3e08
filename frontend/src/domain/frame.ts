import type { Affine } from "./coordinates";

type Facts = { readonly affineLps: Affine | null; readonly spacingZyx: readonly [number, number, number] | null };

/**
 * An affine in which right angles and lengths are as true as the file allows: its own; else its
 * spacing along the grid's axes, in mm but nowhere in the patient; else voxels, which are no mm.
 */
export function frameOf({ affineLps, spacingZyx }: Facts): Affine {
  if (affineLps) return affineLps;
  const [z, y, x] = spacingZyx ?? [1, 1, 1];
  return [
    [x, 0, 0, 0],
    [0, y, 0, 0],
    [0, 0, z, 0],
    [0, 0, 0, 1],
  ];
}
