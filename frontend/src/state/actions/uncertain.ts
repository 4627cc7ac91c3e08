import { voxel } from "../../domain/coordinates";
import { momentAndZ } from "../../domain/moments";
import type { ReviewState } from "../review_state";
import { bringIntoSight } from "./step";

/** Goes to the next of the uncertain places, the largest first and around the end, and shows why. */
export function nextUncertain(state: ReviewState, by: 1 | -1, viewport?: { width: number; height: number }): void {
  const { uncertainty } = state;
  const count = uncertainty?.places.length ?? 0;
  state.look({ uncertainShown: true });
  if (!uncertainty || count === 0) return;
  const before = uncertainty.at ?? (by === 1 ? -1 : 0);
  const at = (before + by + count) % count;
  const [plane, y, x] = uncertainty.places[at];
  const { t, z } = momentAndZ(plane, state.facts.grid.nz);
  const cursor = voxel(x + 0.5, y + 0.5, z + 0.5);
  state.uncertainty = { ...uncertainty, at };
  state.look({ t, cursor });
  bringIntoSight(state, cursor, viewport);
}
