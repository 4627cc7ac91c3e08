import { fromBase64, fromBytes } from "../domain/rle";
import { CaseDocument, ChangeBuilder, isEmptyChange, type Change, type Row } from "./document";
import type { History } from "./history";
import { newId } from "./identity";
import type { Journal, JournalEntry } from "./journal";
import { SaveQueue } from "./save_queue";
import { noteOf, restoreSteps, type KeptTrail, type TrailNote } from "./steps";
import type { CaseContent, FindingMessage, Head, RowMessage, Theirs, Transport } from "./transport";
import type { Cutoffs, FindingFields } from "./types";

export type SyncSetup = {
  readonly caseId: string;
  readonly person: string;
  readonly tab: string;
  readonly document: CaseDocument;
  readonly history: History;
  readonly transport: Transport;
  readonly journal: Journal;
  readonly cutoffs: () => Cutoffs;
  readonly changed: () => void;
  /** What the document shows already, read before anybody asked for the pen; null where that failed. */
  readonly shown?: Promise<CaseContent | null>;
};

/** Keeps the document and the service in step: opens, replays what was left unsent, saves, adopts. */
export class CaseSync {
  readonly queue: SaveQueue;
  /** How many changes of a former page were replayed on opening. */
  replayed = 0;
  private shown: SyncSetup["shown"];

  constructor(private readonly setup: SyncSetup) {
    this.shown = setup.shown;
    this.queue = new SaveQueue({
      caseId: setup.caseId,
      sitting: newId(),
      tab: setup.tab,
      transport: setup.transport,
      journal: setup.journal,
      document: setup.document,
      trail: () => this.trail(),
      adopt: (theirs, except) => this.adopt(theirs, except),
      reload: () => this.load(),
      changed: setup.changed,
    });
  }

  /** Reads the case; a page that may draw goes on with what the last one left in the journal. */
  async open(mayDraw: boolean): Promise<void> {
    const { journal, caseId } = this.setup;
    const head = await this.load();
    const left = mayDraw ? await journal.read(caseId) : { entries: [], head: null, trail: null };
    const finished = left.entries.filter((entry) => !entry.isDraft);
    finished.forEach((entry) => this.overlay(entry));
    if (left.trail) this.goOn(left.trail);
    left.entries.filter((entry) => entry.isDraft).forEach((entry) => this.finish(entry));
    this.replayed = left.entries.length;
    this.queue.start(head, left.entries, left.head);
  }

  /** Where the history stands, to be written down with what has just been done. */
  trail(): TrailNote {
    const { history, document, caseId, person } = this.setup;
    return noteOf(history, document, caseId, person);
  }

  add(change: Change): void {
    this.queue.add(change);
  }

  draft(change: Change | null): void {
    this.queue.drafts.note(change);
  }

  /** Reads again when the service is further along than this page, and nothing of the page is on its way. */
  async refresh(sequence: number): Promise<void> {
    const { queue, setup } = this;
    if (queue.size > 0 || sequence <= queue.sequence) return;
    const { made } = queue;
    const content = await setup.transport.load();
    // What was drawn meanwhile stays: saving it tells what has come from elsewhere.
    if (queue.made !== made || queue.drafts.isOpen) return;
    this.show(content);
    queue.start(content.head, [], null);
  }

  private async load(): Promise<Head | null> {
    const { document, history, cutoffs, transport } = this.setup;
    const [content, shown] = await Promise.all([transport.load(), this.shown]);
    this.shown = undefined;
    // The same again would make every list and picture anew.
    if (shown && isSame(shown, content) && sameCutoffs(document.cutoffs, cutoffs())) history.clear();
    else this.show(content);
    return content.head;
  }

  private show(content: CaseContent): void {
    showContent(this.setup.document, content, this.setup.cutoffs());
    this.setup.history.clear();
  }

  private overlay({ request }: JournalEntry): Change {
    const change = changeTo(this.setup.document, request, new Set());
    const before = this.setup.document.cutoffs;
    const whole = request.cutoffs ? { ...change, cutoffs: { before, after: request.cutoffs } } : change;
    this.setup.document.apply(whole);
    return whole;
  }

  /** Nobody takes back what somebody else has done. */
  private goOn(trail: KeptTrail): void {
    const { history, document, person } = this.setup;
    if (trail.person === person) restoreSteps(history, document, trail);
  }

  /** What was still being drawn when the page went is the newest step. */
  private finish(entry: JournalEntry): void {
    const change = this.overlay(entry);
    if (isEmptyChange(change)) return;
    this.setup.history.take({ ...change, operation: entry.request.operation });
    void this.setup.journal.note(this.trail()).catch(() => undefined);
  }

  private adopt(theirs: Theirs, except: ReadonlySet<string>): void {
    const change = changeTo(this.setup.document, theirs, except);
    if (change.masks.length === 0 && change.findings.length === 0) return;
    this.setup.document.apply(change);
    this.setup.history.clear();
  }
}

/** A state of the case that nobody works on, as it is compared with another. */
export function documentOf(content: Theirs): CaseDocument {
  const document = new CaseDocument();
  showContent(document, { ...content, head: null, next_finding: 1 }, document.cutoffs);
  return document;
}

/** Makes the document what the service holds. */
export function showContent(document: CaseDocument, content: CaseContent, cutoffs: Cutoffs): void {
  const findings = new Map<number, FindingFields>();
  for (const message of content.findings) {
    const fields = fieldsOf(message);
    if (fields) findings.set(message.finding, fields);
  }
  const rows = content.slices.map(rowOf).filter((row) => row.spans.length > 0);
  document.reset(findings, rows, cutoffs, content.next_finding);
}

/** A revision never changes; numbers may be taken beside the line. */
const isSame = (a: CaseContent, b: CaseContent): boolean => a.head?.id === b.head?.id && a.next_finding === b.next_finding;
const sameCutoffs = (a: Cutoffs, b: Cutoffs): boolean => a.score === b.score && a.overlap === b.overlap;

/** What makes the document equal the messages, apart from the rows and findings in `except`. */
function changeTo(document: CaseDocument, { slices, findings }: Theirs, except: ReadonlySet<string>): Change {
  const builder = new ChangeBuilder(document);
  for (const message of slices) {
    const { finding, z, spans } = rowOf(message);
    if (!except.has(`${finding}:${z}`)) builder.row(finding, z, spans);
  }
  for (const message of findings) {
    if (except.has(String(message.finding))) continue;
    const fields = fieldsOf(message);
    if (fields) builder.set(message.finding, fields);
    else builder.remove(message.finding);
  }
  return builder.done("adopt");
}

function rowOf({ finding, z, runs }: RowMessage): Row {
  return { finding, z, spans: fromBytes(fromBase64(runs)) };
}

export function fieldsOf(message: FindingMessage): FindingFields | null {
  if ("removed" in message) return null;
  const { label, state, score, box, z, candidate, run, source, note, suppressed_by } = message;
  return { label, state, score, box, z, candidate, run, source, note: note ?? "", suppressed_by: suppressed_by ?? null };
}
