import { levelSize, tilesIn, type TileAt } from "../domain/tiles";
import { firstLooks } from "../state/view_state";
import type { Volume } from "../state/volume";
import type { Tiles } from "../state/tiles";
import { DecodePool } from "../workers/pool";
import type { Pixelled } from "./source";

export type AheadSource = Pixelled & {
  readonly signal: AbortSignal;
  /** Resolves when the page has nothing better to do. */
  readonly idle: () => Promise<void>;
};

// A slice that takes longer than this is in the way of the case that is open.
const SLOW_MS = 2_000;

/**
 * Brings the slices of a case that is not open yet into `volume`: the one that it opens with first,
 * then outwards, while they fit in `mostBytes`; of a large picture the levels that fit a screen.
 * Ends early where the network proves slow.
 */
export async function bringAhead(volume: Volume, mostBytes: number, source: AheadSource): Promise<void> {
  const pool = new DecodePool(1);
  const { signal } = source;
  const { tiles, facts } = volume;
  const tile = async (at: TileAt): Promise<void> => tiles?.put(at, await pool.decode(await source.fetchTile(at, signal), facts.type));
  const slice = async (z: number): Promise<void> => volume.put(0, z, await pool.decodeFor(await source.fetchSlice(z, 0, signal), volume));
  const steps = tiles ? overview(tiles).map((at) => () => tile(at)) : slicesWithin(volume, mostBytes).map((z) => () => slice(z));
  try {
    for (const step of steps) {
      await source.idle();
      if (signal.aborted) return;
      const asked = performance.now();
      await step();
      if (performance.now() - asked > SLOW_MS) return;
    }
  } finally {
    pool.stop();
  }
}

// What a whole picture is shown with when it opens.
const SCREEN_PX = 2048;

/** The tiles of the levels that are no larger than a screen, the coarsest first. */
export function overview({ layout }: Tiles): TileAt[] {
  const levels = Array.from({ length: layout.levels }, (_, up) => layout.levels - 1 - up);
  const fits = (level: number): boolean => Math.max(...Object.values(levelSize(layout, level))) <= SCREEN_PX;
  return levels.filter(fits).flatMap((level) => tilesIn(layout, level, [0, 0, layout.width, layout.height]));
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
