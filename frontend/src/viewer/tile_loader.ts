import { tileKey, type TileAt } from "../domain/tiles";
import type { Tiles } from "../state/tiles";
import { DecodePool } from "../workers/pool";
import type { PixelLoader, Source, Wanted } from "./source";

const PARALLEL = 6;
const TRIES = 4;

/** Brings in the tiles that are asked for, the most urgent first; what nobody wants any more is given up. */
export class TileLoader implements PixelLoader {
  private readonly going = new Map<string, { readonly at: TileAt; readonly stopper: AbortController }>();
  private readonly tries = new Map<string, number>();
  private readonly pool = new DecodePool();
  private stopped = false;

  constructor(
    private readonly state: Pick<Wanted, "topics">,
    private readonly tiles: Tiles,
    private readonly source: Source,
  ) {
    tiles.asked = () => this.fill();
    this.fill();
  }

  get idle(): boolean {
    return this.going.size === 0;
  }

  stop(): void {
    this.stopped = true;
    this.tiles.asked = () => undefined;
    this.going.forEach(({ stopper }) => stopper.abort());
    this.pool.stop();
  }

  retry(): void {
    this.tries.clear();
    this.fill();
  }

  private fill(): void {
    for (const [key, { at, stopper }] of this.going) {
      if (this.tiles.isWanted(at)) continue;
      stopper.abort();
      this.going.delete(key);
    }
    for (const at of this.tiles.missing()) {
      if (this.going.size >= PARALLEL) return;
      const key = tileKey(at);
      if (!this.going.has(key) && (this.tries.get(key) ?? 0) < TRIES) void this.load(key, at);
    }
  }

  private async load(key: string, at: TileAt): Promise<void> {
    const stopper = new AbortController();
    this.going.set(key, { at, stopper });
    try {
      const bytes = await this.source.fetchTile(at, stopper.signal);
      const samples = await this.pool.decode(bytes, this.tiles.type);
      if (this.stopped) return;
      this.tiles.put(at, samples);
      this.state.topics.tell("picture");
    } catch (error) {
      if (this.stopped || stopper.signal.aborted) return;
      const tries = (this.tries.get(key) ?? 0) + 1;
      this.tries.set(key, tries);
      if (tries >= TRIES) this.source.failed(0, error);
      else await new Promise((resolve) => setTimeout(resolve, 400 * 3 ** tries));
    }
    if (this.going.get(key)?.stopper === stopper) this.going.delete(key);
    if (!this.stopped) this.fill();
  }
}
