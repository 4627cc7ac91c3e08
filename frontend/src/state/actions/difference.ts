import { voxel } from "../../domain/coordinates";
import { momentAndZ } from "../../domain/moments";
import type { ReviewState } from "../review_state";
import { bringIntoSight } from "./step";

/** Goes to the next finding that differs, the largest difference first and around the end. */
export function nextChange(state: ReviewState, by: 1 | -1, viewport?: { width: number; height: number }): void {
  const { difference } = state;
  const changes = difference?.findings() ?? [];
  if (!difference || changes.length === 0) return;
  const before = changes.findIndex(({ finding }) => finding === difference.at);
  const from = before >= 0 ? before : by === 1 ? -1 : 0;
  const { finding, plane, box } = changes[(from + by + changes.length) % changes.length];
  const { t, z } = momentAndZ(plane, state.facts.grid.nz);
  const cursor = voxel((box[0] + box[2]) / 2, (box[1] + box[3]) / 2, z + 0.5);
  difference.at = finding;
  if (state.document.isShown(finding)) state.select(finding);
  state.look({ t, cursor });
  bringIntoSight(state, cursor, viewport);
}
