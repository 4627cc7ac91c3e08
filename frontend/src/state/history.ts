import { xor as xorSpans } from "../domain/spans";
import { isEmptyChange, reversed, type CaseDocument, type Change } from "./document";

export type Committed = (change: Change) => void;

/** Where a history stands: steps are numbered, `floor` is the oldest that can still be undone. */
export type Trail = {
  readonly floor: number;
  readonly position: number;
  /** The step that has just been made; null where somebody went back or forth. */
  readonly fresh: Change | null;
};

// What can be undone stays in memory up to this; the oldest steps are let go, the newest never.
const MOST_BYTES = 48 * 2 ** 20;

/** Every change goes through here: undo and redo are changes too, and are saved like any other. */
export class History {
  private done: Change[] = [];
  private undone: Change[] = [];
  private floor = 0;
  private bytes = 0;
  private fresh: Change | null = null;

  constructor(
    private readonly document: CaseDocument,
    private readonly committed: Committed,
    private readonly mostBytes = MOST_BYTES,
  ) {}

  get undoable(): Change | null {
    return this.done[this.done.length - 1] ?? null;
  }

  get redoable(): Change | null {
    return this.undone[this.undone.length - 1] ?? null;
  }

  get trail(): Trail {
    return { floor: this.floor, position: this.floor + this.done.length, fresh: this.fresh };
  }

  commit(change: Change): void {
    if (isEmptyChange(change)) return;
    this.document.apply(change);
    this.record(change);
  }

  /** Takes note of a change that the document has already seen, as a draft. */
  record(change: Change): void {
    if (isEmptyChange(change)) return;
    this.take(change);
    this.committed(change);
  }

  /** Takes note of a change that the document has seen and that is saved already. */
  take(change: Change): void {
    this.bytes += sizeOf(change) - this.undone.reduce((sum, one) => sum + sizeOf(one), 0);
    this.done.push(change);
    this.undone = [];
    this.fresh = change;
    while (this.bytes > this.mostBytes && this.done.length > 1) {
      this.bytes -= sizeOf(this.done.shift()!);
      this.floor++;
    }
  }

  undo(): Change | null {
    const change = this.done.pop();
    if (!change) return null;
    this.undone.push(change);
    this.fresh = null;
    const back = { ...reversed(change), operation: `undo ${change.operation}` };
    this.document.apply(back);
    this.committed(back);
    return change;
  }

  redo(): Change | null {
    const change = this.undone.pop();
    if (!change) return null;
    this.done.push(change);
    this.fresh = null;
    this.document.apply(change);
    this.committed({ ...change, operation: `redo ${change.operation}` });
    return change;
  }

  /** Somebody else's rows came in: steps made on other rows no longer fit. */
  clear(): void {
    this.restore(0, [], []);
  }

  /** Goes on with the steps of a former page; `undone` begins with the one that comes first. */
  restore(floor: number, done: readonly Change[], undone: readonly Change[]): void {
    this.floor = floor;
    this.done = [...done];
    this.undone = [...undone].reverse();
    this.fresh = null;
    this.bytes = [...done, ...undone].reduce((sum, one) => sum + sizeOf(one), 0);
  }
}

/** About what a change takes in memory, in bytes. */
function sizeOf({ masks, findings, measures }: Change): number {
  const rows = masks.reduce((sum, { toggled }) => sum + toggled.byteLength + 120, 0);
  return rows + findings.length * 500 + (measures?.length ?? 0) * 500;
}

/**
 * A change in the making, seen on the document at once and put in the history when it ends: a
 * stroke, a box being dragged, a slider being moved.
 */
export class Draft {
  private current: Change | null = null;

  constructor(
    private readonly document: CaseDocument,
    private readonly history: History,
    /** Hears what is in the making, so that it can be written down; null when it was called off. */
    private readonly drafted: (change: Change | null) => void = () => undefined,
  ) {}

  get active(): boolean {
    return this.current !== null;
  }

  /** Shows `change` instead of what the draft showed before; it is meant against the state without the draft. */
  show(make: () => Change): void {
    this.cancel();
    const change = make();
    this.document.apply(change);
    this.current = change;
    this.drafted(change);
  }

  /** Shows `more` on top of the draft. */
  extend(more: Change): void {
    this.document.apply(more);
    this.current = this.current ? joined(this.current, more, this.document) : more;
    this.drafted(this.current);
  }

  commit(operation?: string): Change | null {
    const change = this.current && { ...this.current, operation: operation ?? this.current.operation };
    this.current = null;
    // What came to nothing is as good as called off.
    if (change && isEmptyChange(change)) this.drafted(null);
    else if (change) this.history.record(change);
    return change;
  }

  cancel(): void {
    if (!this.current) return;
    this.document.apply(reversed(this.current));
    this.current = null;
    this.drafted(null);
  }
}

function joined(first: Change, second: Change, document: CaseDocument): Change {
  const masks = new Map<string, Change["masks"][number]>();
  for (const delta of [...first.masks, ...second.masks]) {
    const key = `${delta.finding}:${delta.z}`;
    const known = masks.get(key);
    masks.set(key, known ? { ...delta, toggled: xorSpans(known.toggled, delta.toggled) } : delta);
  }
  const findings = new Map(first.findings.map((delta) => [delta.finding, delta]));
  for (const delta of second.findings) {
    const before = findings.has(delta.finding) ? findings.get(delta.finding)!.before : delta.before;
    findings.set(delta.finding, { ...delta, before, after: document.finding(delta.finding) });
  }
  return {
    operation: first.operation,
    masks: [...masks.values()].filter((delta) => delta.toggled.length > 0),
    findings: [...findings.values()].filter(({ before, after }) => before !== after),
  };
}
