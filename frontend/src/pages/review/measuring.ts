/** Keeps what is measured in step with the service: the latest of each, one after the other. */

import { ApiError, OfflineError, sentence } from "../../api/errors";
import { measurementPut, measurementRemove, measurements } from "../../api/measurements";
import type { CaseDocument } from "../../state/document";
import { PageJournal, type Journal } from "../../state/journal";
import type { MeasureDelta, MeasureFields } from "../../state/measures";
import type { TrailNote } from "../../state/steps";

const AGAIN_MS = 3_000;

export class MeasureDesk {
  private readonly pending = new Map<string, MeasureFields | null>();
  private journal: Journal = new PageJournal();
  private written: Promise<unknown> = Promise.resolve();
  private loading: Promise<void> = Promise.resolve();
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
  load(): Promise<void> {
    return (this.loading = this.read());
  }

  use(journal: Journal): void {
    this.journal = journal;
  }

  /** With the pen in the hand: goes on with what a former page, or this one without it, left unsent. */
  async resume(): Promise<void> {
    await this.loading;
    const left = await this.journal.measures(this.caseId).catch(() => []);
    if (this.stopped) return;
    for (const [id, after] of left) {
      if (this.pending.has(id)) continue;
      this.pending.set(id, after);
      this.document.apply({ operation: "adopt", masks: [], findings: [], measures: [{ id, before: this.document.measures.get(id), after }] });
    }
    void this.send();
  }

  keep(deltas: readonly MeasureDelta[], trail?: TrailNote): void {
    for (const { id, after } of deltas) {
      // The newest goes last, so that one that changes while it is sent is sent once more.
      this.pending.delete(id);
      this.pending.set(id, after);
    }
    // A full disk must not stop what can still be sent.
    this.written = this.journal.measured(this.caseId, deltas.map(({ id, after }) => [id, after]), trail).catch(() => undefined);
    void this.send();
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
  }

  private async read(): Promise<void> {
    try {
      const kept = await measurements(this.caseId);
      if (!this.stopped) this.document.showMeasures([...new Map<string, MeasureFields | null>([...kept, ...this.pending])]);
    } catch (error) {
      this.trouble(sentence(error));
    }
  }

  private async send(): Promise<void> {
    if (this.sending || this.stopped) return;
    this.sending = true;
    clearTimeout(this.timer);
    let refused = false;
    try {
      for (let next = this.first(); next; next = this.first()) {
        const [id, fields] = next;
        await this.written;
        try {
          await this.tell(id, fields);
        } catch (error) {
          if (mayWorkLater(error)) return this.waitAWhile();
          this.trouble(sentence(error));
          if (isPenGone(error)) return;
          // Only the refused one is given up; the others have their own turn.
          refused = true;
        }
        if (this.pending.get(id) !== fields) continue;
        this.pending.delete(id);
        await this.journal.measureKnown(this.caseId, id).catch(() => undefined);
      }
    } finally {
      this.sending = false;
    }
    if (refused) await this.load();
  }

  private async tell(id: string, fields: MeasureFields | null): Promise<void> {
    if (fields) return void (await measurementPut(this.caseId, id, this.tab, fields));
    await measurementRemove(this.caseId, id, this.tab).catch((error: unknown) => {
      // Taken back before the service had heard of it.
      if (!(error instanceof ApiError) || error.status !== 404) throw error;
    });
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

/** Somebody else holds the case now: what waits is kept until this person does again. */
const isPenGone = (error: unknown): boolean =>
  error instanceof ApiError && (error.status === 403 || error.code === "not_holder" || error.code === "state_refused");
