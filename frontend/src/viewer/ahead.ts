import { firstLooks } from "../state/view_state";
import type { Volume } from "../state/volume";
import { DecodePool } from "../workers/pool";

export type AheadSource = {
  readonly fetchSlice: (z: number, t: number, signal: AbortSignal) => Promise<ArrayBuffer>;
  readonly signal: AbortSignal;
  /** Resolves when the page has nothing better to do. */
  readonly idle: () => Promise<void>;
};

// A slice that takes longer than this is in the way of the case that is open.
const SLOW_MS = 2_000;

/**
 * Brings the slices of a case that is not open yet into `volume`: the one that it opens with first,
 * then outwards, while they fit in `mostBytes`. Ends early where the network proves slow.
 */
export async function bringAhead(volume: Volume, mostBytes: number, source: AheadSource): Promise<void> {
  const pool = new DecodePool(1);
  try {
    for (const z of slicesWithin(volume, mostBytes)) {
      await source.idle();
      if (source.signal.aborted) return;
      const asked = performance.now();
      const bytes = await source.fetchSlice(z, 0, source.signal);
      const took = performance.now() - asked;
      volume.put(0, z, await pool.decode(bytes, volume.facts.type));
      if (took > SLOW_MS) return;
    }
  } finally {
    pool.stop();
  }
}

/** As many slices as fit, in the order in which they are shown. */
export function slicesWithin({ facts }: Volume, mostBytes: number): number[] {
  const { nx, ny, nz } = facts.grid;
  const bytes = nx * ny * facts.channels * (facts.type === "uint8" ? 1 : 2);
  const most = Math.min(nz, Math.floor(mostBytes / bytes));
  const middle = Math.floor(firstLooks(facts).cursor.z);
  const all = Array.from({ length: nz }, (_, z) => z);
  return all.sort((a, b) => Math.abs(a - middle) - Math.abs(b - middle) || b - a).slice(0, most);
}
