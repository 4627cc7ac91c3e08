/** Two states of the case, one over the other: what a person changed, or what changed between two versions. */

import { sentence } from "../../api/errors";
import { history, revisionState, type HistoryEntry } from "../../api/review";
import { toasts } from "../../components/toasts.svelte";
import { t } from "../../messages";
import type { CaseDocument } from "../../state/document";
import { Difference } from "../../state/difference";
import { documentOf } from "../../state/sync";
import type { Opened } from "./series";

/** `to` is null where the earlier state is held against what is worked on now. */
export type Compared = { readonly from: HistoryEntry; readonly to: HistoryEntry | null };

export class CompareDesk {
  shown = $state.raw<Compared | null>(null);
  busy = $state(false);
  private wanted = 0;

  constructor(
    private readonly caseId: string,
    private readonly opened: Opened,
  ) {}

  /** Shows what became of the network's masks, or of the imported ones where no network was asked; or hides it. */
  async toggle(): Promise<void> {
    if (this.shown) return this.hide();
    await this.attempt(async () => {
      const first = await this.firstMasks();
      if (first) await this.between(first, null);
      else toasts.show(t("review.difference.nothing"));
    });
  }

  show(from: HistoryEntry, to: HistoryEntry | null): Promise<void> {
    return this.attempt(() => this.between(from, to));
  }

  hide(): void {
    this.wanted++;
    this.shown = null;
    this.lay(null);
  }

  /** What the network found last, else what was imported. */
  private async firstMasks(): Promise<HistoryEntry | null> {
    let imported: HistoryEntry | null = null;
    for (let after = ""; ; ) {
      const { results, next } = await history(this.caseId, after);
      const predicted = results.find(({ kind, on_head: isOnHead }) => kind === "predicted" && isOnHead);
      imported = results.find(({ kind }) => kind === "imported") ?? imported;
      if (predicted || !next) return predicted ?? imported;
      after = next;
    }
  }

  private async between(from: HistoryEntry, to: HistoryEntry | null): Promise<void> {
    const wanted = ++this.wanted;
    const { state } = this.opened;
    const [before, after] = await Promise.all([stateOf(from), to ? stateOf(to) : state.document]);
    if (wanted !== this.wanted) return;
    this.lay(new Difference(before, after, state.facts.grid.nx));
    this.shown = { from, to };
  }

  private lay(difference: Difference | null): void {
    const { state } = this.opened;
    state.difference?.stop();
    state.difference = difference;
    state.topics.tell("looks");
  }

  private async attempt(act: () => Promise<void>): Promise<void> {
    this.busy = true;
    try {
      await act();
    } catch (error) {
      toasts.show(sentence(error), "bad");
    } finally {
      this.busy = false;
    }
  }
}

const stateOf = async ({ id }: HistoryEntry): Promise<CaseDocument> => documentOf(await revisionState(id));
