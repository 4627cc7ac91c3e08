import type { TileAt } from "../domain/tiles";
import type { ReviewState } from "../state/review_state";

/** Whose pixels are brought in, and what of them is looked at. */
export type Wanted = Pick<ReviewState, "topics" | "facts" | "volume" | "looks">;

/** Where the bytes of an image come from. */
export type Pixelled = {
  readonly fetchSlice: (z: number, t: number, signal: AbortSignal) => Promise<ArrayBuffer>;
  readonly fetchTile: (at: TileAt, signal: AbortSignal) => Promise<ArrayBuffer>;
};
export type Source = Pixelled & { readonly failed: (z: number, error: unknown) => void };

export interface PixelLoader {
  /** Nothing is on its way, and nothing is left to ask for. */
  readonly idle: boolean;
  stop(): void;
  /** Tries again what failed before. */
  retry(): void;
}
