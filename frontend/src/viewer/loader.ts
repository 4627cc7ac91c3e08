import { DecodePool } from "../workers/pool";
import type { PixelLoader, Source, Wanted } from "./source";

const PARALLEL = 6;
const TRIES = 4;

/** Brings the slices in, always the missing one nearest to what is being looked at. */
export class Loader implements PixelLoader {
  private readonly going = new Set<string>();
  private readonly tries = new Map<string, number>();
  private readonly stopper = new AbortController();
  private readonly pool = new DecodePool();
  private readonly off: () => void;

  constructor(
    private readonly state: Wanted,
    private readonly source: Source,
  ) {
    this.off = state.topics.on(["looks"], () => this.fill());
    this.fill();
  }

  get idle(): boolean {
    return this.going.size === 0;
  }

  stop(): void {
    this.off();
    this.stopper.abort();
    this.pool.stop();
  }

  retry(): void {
    this.tries.clear();
    this.fill();
  }

  private fill(): void {
    while (this.going.size < PARALLEL) {
      const next = this.nearestMissing();
      if (!next) return;
      void this.load(next.z, next.t);
    }
  }

  private nearestMissing(): { z: number; t: number } | null {
    const { looks, facts } = this.state;
    const z = Math.floor(looks.cursor.z);
    for (let later = 0; later < facts.times; later++) {
      const t = (looks.t + later) % facts.times;
      if (later > 0 && facts.grid.nz > 1) return null;
      for (let away = 0; away < facts.grid.nz; away++) {
        if (this.isMissing(z + away, t)) return { z: z + away, t };
        if (this.isMissing(z - away, t)) return { z: z - away, t };
      }
    }
    return null;
  }

  private isMissing(z: number, t: number): boolean {
    if (z < 0 || z >= this.state.facts.grid.nz || this.state.volume.has(t, z)) return false;
    const key = `${t}:${z}`;
    return !this.going.has(key) && (this.tries.get(key) ?? 0) < TRIES;
  }

  private async load(z: number, t: number): Promise<void> {
    const key = `${t}:${z}`;
    this.going.add(key);
    try {
      const bytes = await this.source.fetchSlice(z, t, this.stopper.signal);
      this.state.volume.put(t, z, await this.pool.decodeFor(bytes, this.state.volume));
      this.state.topics.tell("picture");
    } catch (error) {
      if (this.stopper.signal.aborted) return;
      const tries = (this.tries.get(key) ?? 0) + 1;
      this.tries.set(key, tries);
      if (tries >= TRIES) this.source.failed(z, error);
      else await new Promise((resolve) => setTimeout(resolve, 400 * 3 ** tries));
    } finally {
      this.going.delete(key);
    }
    if (!this.stopper.signal.aborted) this.fill();
  }
}
