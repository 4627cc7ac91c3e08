import type { Box } from "../domain/spans";

// Half a frame at 60 Hz: the other half is the browser's.
const FRAME_MS = 8;
const BAND_ROWS = 128;

/** What one frame may spend on a crowd; the rest of it is drawn by the frames after. */
export class Budget {
  exceeded = false;
  private left_ms = FRAME_MS;

  constructor(private readonly now: () => number = () => performance.now()) {}

  /** Does the work while there is time left, the first piece in any case; false where it must wait. */
  spend(work: () => void): boolean {
    if (this.left_ms <= 0) this.exceeded = true;
    if (this.exceeded) return false;
    const begun = this.now();
    work();
    this.left_ms -= this.now() - begun;
    return true;
  }
}

/** A picture in bands of rows, those in sight first. */
export function bands({ width, height }: { readonly width: number; readonly height: number }, [, top, , bottom]: Box): Box[] {
  const all: Box[] = [];
  for (let y = 0; y < height; y += BAND_ROWS) all.push([0, y, width, Math.min(height, y + BAND_ROWS)]);
  const isSeen = ([, y1, , y2]: Box): boolean => y1 < bottom && top < y2;
  return [...all.filter(isSeen), ...all.filter((box) => !isSeen(box))];
}
