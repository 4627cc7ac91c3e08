import { Loader } from "./loader";
import type { PixelLoader, Source, Wanted } from "./source";
import { TileLoader } from "./tile_loader";

/** Brings in what the image consists of, slices or tiles. */
export function loadPixels(state: Wanted, source: Source): PixelLoader {
  const { tiles } = state.volume;
  return tiles ? new TileLoader(state, tiles, source) : new Loader(state, source);
}
