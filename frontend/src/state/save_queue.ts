import { fromBase64, toBase64, toBytes } from "../domain/rle";
import { sha256 } from "../domain/sha256";
import type { CaseDocument, Change } from "./document";
import { DraftNotes } from "./draft_notes";
import { newId } from "./identity";
import type { Journal, JournalEntry } from "./journal";
import { folded, isRow, mergedEntry, rowName, stateAt } from "./merging";
import type { TrailNote } from "./steps";
import {
  ConflictError,
  ReadOnlyError,
  RefusedError,
  SignedOutError,
  type FindingMessage,
  type Head,
  type SaveAnswer,
  type SaveRequest,
  type Theirs,
  type Transport,
} from "./transport";
import { REVIEWED } from "./types";

export type Conflict = {
  readonly head: Head;
  /** The revision that both sides began from; null where there was none. */
  readonly before: string | null;
  readonly theirs: Theirs;
  /** Rows ("finding:z") and findings ("finding") that both sides changed. */
  readonly both: readonly string[];
  /** Only masks: both sides can be put together voxel by voxel. */
  readonly mergeable: boolean;
  readonly mineOnly: number;
  readonly theirsOnly: number;
};
export type SaveStatus =
  | { readonly kind: "saved" }
  | { readonly kind: "saving" | "unsynced" | "signed_out"; readonly pending: number }
  | { readonly kind: "read_only" | "refused"; readonly pending: number; readonly message: string }
  | { readonly kind: "conflict"; readonly pending: number; readonly conflict: Conflict };

export type Surroundings = {
  readonly caseId: string;
  readonly sitting: string;
  readonly tab: string;
  readonly transport: Transport;
  readonly journal: Journal;
  readonly document: CaseDocument;
  /** Where the history stands with the change that has just been made. */
  readonly trail: () => TrailNote;
  /** Puts somebody else's rows under ours; `except` names those where ours stay. */
  readonly adopt: (theirs: Theirs, except: ReadonlySet<string>) => void;
  readonly reload: () => Promise<Head | null>;
  readonly changed: () => void;
};

const WAITS_MS = [1_000, 2_000, 4_000, 8_000, 15_000, 30_000];

/**
 * Carries changes to the service, one revision each, oldest first. Each is in the journal before it
 * is sent, under a key that makes sending it twice harmless, and leaves the journal only when the
 * service has answered with the same digest for every row.
 */
export class SaveQueue {
  status: SaveStatus = { kind: "saved" };
  head: string | null = null;
  /** How far along the line the head stands that this page knows. */
  sequence = 0;
  /** How many changes this page has made. */
  made = 0;
  private pending: { entry: JournalEntry; journaled: Promise<void> }[] = [];
  private order = Date.now();
  private running = false;
  private failures = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;

  /** What is still being drawn; it shares the journal, and the key of what it becomes. */
  readonly drafts: DraftNotes;

  constructor(private readonly around: Surroundings) {
    const { journal } = around;
    this.drafts = new DraftNotes(
      (change, key) => void journal.append({ ...this.entryOf(change, key), isDraft: true }).catch(() => undefined),
      (key) => void journal.remove(key).catch(() => undefined),
    );
  }

  get size(): number {
    return this.pending.length;
  }

  /** Begins from the service's head with what a former page of this browser left unsent. */
  start(head: Head | null, left: readonly JournalEntry[], leftHead: string | null): void {
    this.head = left.length > 0 ? (leftHead ?? left[0].parent) : (head?.id ?? null);
    this.sequence = head?.sequence ?? 0;
    this.pending = left.map((entry) => ({ entry, journaled: Promise.resolve() }));
    this.order = Math.max(this.order, ...left.map((entry) => entry.order + 1));
    if (left.length === 0) return;
    this.report({ kind: "saving", pending: left.length });
    void this.send();
  }

  add(change: Change): void {
    this.made++;
    const entry = this.entryOf(change, this.drafts.finish());
    const { journal } = this.around;
    // Where there is no room for both, the change itself comes before the step that undoes it.
    const journaled = journal.append(entry, this.around.trail()).catch(() => journal.append(entry));
    // A full disk must not stop the save: the network is then the only way out, and is still tried.
    this.pending.push({ entry, journaled: journaled.catch(() => undefined) });
    if (this.status.kind === "saved") this.report({ kind: "saving", pending: this.pending.length });
    else if ("pending" in this.status) this.report({ ...this.status, pending: this.pending.length });
    void this.send();
  }

  /** Tries again now: after a sign-in, a take-over, or when the network is back. */
  retry(): void {
    if (this.status.kind === "conflict" || this.status.kind === "refused") return;
    this.failures = 0;
    this.report(this.pending.length > 0 ? { kind: "saving", pending: this.pending.length } : { kind: "saved" });
    void this.send();
  }

  /** Somebody has signed in: what waited for that goes on, and nothing else does. */
  signedIn(): void {
    if (this.status.kind === "signed_out") this.retry();
  }

  /** Puts mine on top of theirs: rows changed by both become mine, their other rows stay. */
  async keepMine(): Promise<void> {
    if (this.status.kind !== "conflict") return;
    await this.rebase(this.status.conflict.head, this.status.conflict.theirs, this.pending.map(({ entry }) => entry));
  }

  /** Puts mine and theirs together where both changed the same masks, as one change on top of theirs. */
  async keepBoth(): Promise<void> {
    if (this.status.kind !== "conflict" || !this.status.conflict.mergeable) return;
    const { head, before, theirs, both } = this.status.conflict;
    const was = await stateAt(this.around.transport, before);
    const entry = mergedEntry(folded(this.pending.map((one) => one.entry), "merge"), was, theirs, both);
    await this.rebase(head, theirs, [entry]);
    this.around.adopt({ slices: entry.request.slices, findings: [] }, new Set());
  }

  /** Leaves mine as a version beside the line and goes on from theirs. */
  async keepTheirs(): Promise<void> {
    if (this.status.kind !== "conflict") return;
    const all = this.pending.map(({ entry }) => entry);
    if (all.length > 1) await this.putAside(all);
    await this.dropAll();
  }

  /** Gives up a change that the service refuses, and shows what it holds. */
  async dropAll(): Promise<void> {
    this.pending = [];
    const head = await this.around.reload();
    await this.around.journal.replace(this.around.caseId, [], head?.id ?? null);
    this.moveTo(head);
    this.report({ kind: "saved" });
  }

  stop(): void {
    this.drafts.stop();
    clearTimeout(this.timer);
  }

  private async send(): Promise<void> {
    if (this.running || STOPPED.has(this.status.kind)) return;
    this.running = true;
    clearTimeout(this.timer);
    const trouble = await this.sendAll().then(
      () => null,
      (error: unknown) => ({ error }),
    );
    this.running = false;
    if (trouble) await this.refused(trouble.error);
    else if (this.pending.length > 0) void this.send();
  }

  private async sendAll(): Promise<void> {
    while (this.pending.length > 0) {
      const { entry, journaled } = this.pending[0];
      await journaled;
      const answer = await this.around.transport.save(this.head, entry.key, this.wireOf(entry));
      checkDigests(entry, answer);
      await this.around.journal.acknowledge(this.around.caseId, entry.key, answer.id);
      this.moveTo(answer);
      this.failures = 0;
      this.pending.shift();
      const pending = this.pending.length;
      this.report(pending > 0 ? { kind: "saving", pending } : { kind: "saved" });
    }
    if (this.status.kind !== "saved") this.report({ kind: "saved" });
  }

  private async refused(error: unknown): Promise<void> {
    const pending = this.pending.length;
    if (error instanceof ConflictError) {
      const conflict = compare(this.pending.map(({ entry }) => entry), this.head, error.head, error.theirs);
      if (conflict.both.length === 0) await this.rebase(error.head, error.theirs, this.pending.map(({ entry }) => entry));
      else this.report({ kind: "conflict", pending, conflict });
    } else if (error instanceof SignedOutError) this.report({ kind: "signed_out", pending });
    else if (error instanceof ReadOnlyError) this.report({ kind: "read_only", pending, message: error.message });
    else if (error instanceof RefusedError) this.report({ kind: "refused", pending, message: error.message });
    else {
      this.report({ kind: "unsynced", pending });
      const wait = WAITS_MS[Math.min(this.failures++, WAITS_MS.length - 1)];
      this.timer = setTimeout(() => void this.send(), wait);
    }
  }

  /** The refused revision keeps its key on the service, so what is sent again needs new ones. */
  private async rebase(head: Head, theirs: Theirs, mine: readonly JournalEntry[]): Promise<void> {
    const entries = mine.map((entry) => ({ ...entry, key: newId(), parent: head.id }));
    await this.around.journal.replace(this.around.caseId, entries, head.id);
    this.pending = entries.map((entry) => ({ entry, journaled: Promise.resolve() }));
    this.around.adopt(theirs, touchedBy(entries));
    this.moveTo(head);
    this.report({ kind: "saving", pending: entries.length });
    void this.send();
  }

  private async putAside(entries: readonly JournalEntry[]): Promise<void> {
    try {
      await this.around.transport.save(this.head, newId(), this.wireOf(folded(entries, "set aside")));
    } catch (error) {
      // Being refused is how the service keeps it beside the line.
      if (!(error instanceof ConflictError)) throw error;
    }
  }

  private entryOf(change: Change, key: string): JournalEntry {
    const { caseId, sitting, document } = this.around;
    // A finding that goes takes its rows with it; naming them would give them no owner.
    const kept = change.masks.filter(({ finding }) => finding === REVIEWED || document.finding(finding));
    const slices = kept.map(({ finding, z }) => {
      const bytes = toBytes(document.mask(finding, z));
      return { finding, z, runs: toBase64(bytes), digest: sha256(bytes) };
    });
    const findings: FindingMessage[] = change.findings.map(({ finding, after }) =>
      after ? { finding, ...after } : { finding, removed: true },
    );
    const cutoffs = change.cutoffs && { cutoffs: change.cutoffs.after };
    const request = { operation: change.operation, sitting, slices, findings, ...cutoffs };
    return { key, caseId, order: this.order++, parent: this.head, request };
  }

  /** What another tab of this browser left behind is sent in this tab's name: it has the pen. */
  private wireOf({ request }: JournalEntry): SaveRequest {
    const slices = request.slices.map(({ finding, z, runs }) => ({ finding, z, runs }));
    return { ...request, tab: this.around.tab, slices };
  }

  private moveTo(head: Head | null): void {
    this.head = head?.id ?? null;
    this.sequence = head?.sequence ?? 0;
  }

  private report(status: SaveStatus): void {
    this.status = status;
    this.around.changed();
  }
}

const STOPPED: ReadonlySet<SaveStatus["kind"]> = new Set(["conflict", "signed_out", "read_only", "refused"]);

/** An answer that names another digest, or none, is no acknowledgement. */
function checkDigests(entry: JournalEntry, answer: SaveAnswer): void {
  const stored = new Map(answer.accepted.map((row) => [rowName(row), row.digest]));
  for (const { finding, z, digest } of entry.request.slices) {
    if (stored.get(rowName({ finding, z })) !== digest) {
      throw new RefusedError(`The service stored other voxels than were sent (finding ${finding}, slice ${z + 1}).`);
    }
  }
}

function touchedBy(entries: readonly JournalEntry[]): Set<string> {
  return new Set(entries.flatMap(({ request }) => keysOf(request)));
}

function keysOf({ slices, findings }: Theirs): string[] {
  return [...slices.map(rowName), ...findings.map(({ finding }) => String(finding))];
}

function compare(entries: readonly JournalEntry[], before: string | null, head: Head, theirs: Theirs): Conflict {
  const mine = touchedBy(entries);
  const other = new Set(keysOf(theirs));
  const last = new Map(entries.flatMap(({ request }) => request.slices.map((row) => [rowName(row), row.digest])));
  const same = new Set(
    theirs.slices
      .filter((row) => last.get(rowName(row)) === sha256(fromBase64(row.runs)))
      .map(rowName),
  );
  const both = [...mine].filter((key) => other.has(key) && !same.has(key));
  return { head, before, theirs, both, mergeable: both.every(isRow), mineOnly: mine.size - both.length, theirsOnly: other.size - both.length };
}
