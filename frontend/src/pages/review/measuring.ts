/** Keeps what is measured in step with the service: the latest of each, one after the other. */

import { ApiError, OfflineError, sentence } from "../../api/errors";
import { measurementPut, measurementRemove, measurements } from "../../api/measurements";
import type { CaseDocument } from "../../state/document";
import type { MeasureDelta, MeasureFields } from "../../state/measures";

const AGAIN_MS = 3_000;

export class MeasureDesk {
  private readonly pending = new Map<string, MeasureFields | null>();
  private sending = false;
  private stopped = false;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly caseId: string,
    private readonly tab: string,
    private readonly document: CaseDocument,
    private readonly trouble: (sentence: string) => void,
  ) {}

  /** How many wait to be kept. */
  get size(): number {
    return this.pending.size;
  }

  /** Reads what is kept; what still waits here stays on top of it. */
  async load(): Promise<void> {
    try {
      const kept = await measurements(this.caseId);
      if (!this.stopped) this.document.showMeasures([...new Map<string, MeasureFields | null>([...kept, ...this.pending])]);
    } catch (error) {
      this.trouble(sentence(error));
    }
  }

  keep(deltas: readonly MeasureDelta[]): void {
    for (const { id, after } of deltas) {
      // The newest goes last, so that one that changes while it is sent is sent once more.
      this.pending.delete(id);
      this.pending.set(id, after);
    }
    void this.send();
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
  }

  private async send(): Promise<void> {
    if (this.sending || this.stopped) return;
    this.sending = true;
    clearTimeout(this.timer);
    let refused = false;
    try {
      for (let next = this.first(); next; next = this.first()) {
        const [id, fields] = next;
        try {
          await (fields ? measurementPut(this.caseId, id, this.tab, fields) : measurementRemove(this.caseId, id, this.tab));
        } catch (error) {
          if (mayWorkLater(error)) return this.waitAWhile();
          // Only the refused one is given up; the others have their own turn.
          this.trouble(sentence(error));
          refused = true;
        }
        if (this.pending.get(id) === fields) this.pending.delete(id);
      }
    } finally {
      this.sending = false;
    }
    if (refused) await this.load();
  }

  private first(): readonly [string, MeasureFields | null] | undefined {
    return this.pending.entries().next().value;
  }

  private waitAWhile(): void {
    if (!this.stopped) this.timer = setTimeout(() => void this.send(), AGAIN_MS);
  }
}

function mayWorkLater(error: unknown): boolean {
  return error instanceof OfflineError || (error instanceof ApiError && (error.status >= 500 || error.status === 429));
}
