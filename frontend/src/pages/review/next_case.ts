/** The case that comes next, read while this one is looked at. Reading takes nobody's pen. */

import { nextCase } from "../../api/projects";
import { reviewCase, type ReviewCase } from "../../api/review";
import { ReviewTransport } from "../../api/review_transport";
import type { CaseContent } from "../../state/transport";
import { Volume } from "../../state/volume";
import { bringAhead } from "../../viewer/ahead";
import { factsOf, pixelsOf, referenceOf } from "./opening";

export type Ahead = { readonly about: ReviewCase; readonly content: CaseContent; readonly volume: Volume };
type Connection = { readonly saveData?: boolean; readonly effectiveType?: string };

const MOST_BYTES = 64 * 2 ** 20;
const LOOK_AGAIN_MS = 250;

export class NextCase {
  private kept: Ahead | null = null;
  private stopper = new AbortController();

  /** Reads what comes after `current`, whenever `isIdle` lets it. */
  async prepare(project: string, current: string, isIdle: () => boolean): Promise<void> {
    this.drop();
    if (!isAffordable((navigator as Navigator & { connection?: Connection }).connection)) return;
    const { signal } = this.stopper;
    const idle = (): Promise<void> => untilIdle(isIdle, signal);
    try {
      await idle();
      const { id } = await nextCase(project, current);
      if (!id || signal.aborted) return;
      const about = await reviewCase(id);
      const image = referenceOf(about);
      if (!image || signal.aborted) return;
      await idle();
      const content = await new ReviewTransport(id).load();
      const volume = new Volume(factsOf(image));
      if (signal.aborted) return;
      this.kept = { about, content, volume };
      await bringAhead(volume, MOST_BYTES, { ...pixelsOf(image.id), signal, idle });
    } catch {
      // Whoever opens the case asks again, and hears then what is wrong.
    }
  }

  /** What is here of a case, once; anything else that was read is let go. */
  take(id: string): Ahead | null {
    const { kept } = this;
    this.drop();
    return kept?.about.id === id && kept.volume.count(0) > 0 ? kept : null;
  }

  drop(): void {
    this.stopper.abort();
    this.stopper = new AbortController();
    this.kept = null;
  }
}

/** One at a time: pages come and go, what was read for the next one stays. */
export const nextUp = new NextCase();

/** Whether a page made for one of them suits the other: the same picture under the same labels. */
export function sameFrame(one: ReviewCase, other: ReviewCase): boolean {
  const frame = (about: ReviewCase): string => JSON.stringify([referenceOf(about), about.project.task, about.project.labels]);
  return frame(one) === frame(other);
}

/** Nothing is read ahead where the person saves data or the connection is slow. */
export function isAffordable(connection: Connection | undefined): boolean {
  return !connection?.saveData && !["slow-2g", "2g", "3g"].includes(connection?.effectiveType ?? "");
}

async function untilIdle(isIdle: () => boolean, signal: AbortSignal): Promise<void> {
  while (!signal.aborted && !isIdle()) await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
}
