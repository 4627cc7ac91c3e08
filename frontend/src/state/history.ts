import { xor as xorSpans } from "../domain/spans";
import { isEmptyChange, reversed, type CaseDocument, type Change } from "./document";

export type Committed = (change: Change) => void;

/** Every change goes through here: undo and redo are changes too, and are saved like any other. */
export class History {
  private done: Change[] = [];
  private undone: Change[] = [];

  constructor(
    private readonly document: CaseDocument,
    private readonly committed: Committed,
  ) {}

  get undoable(): Change | null {
    return this.done[this.done.length - 1] ?? null;
  }

  get redoable(): Change | null {
    return this.undone[this.undone.length - 1] ?? null;
  }

  commit(change: Change): void {
    if (isEmptyChange(change)) return;
    this.document.apply(change);
    this.record(change);
  }

  /** Takes note of a change that the document has already seen, as a draft. */
  record(change: Change): void {
    if (isEmptyChange(change)) return;
    this.done.push(change);
    this.undone = [];
    this.committed(change);
  }

  undo(): Change | null {
    const change = this.done.pop();
    if (!change) return null;
    this.undone.push(change);
    const back = { ...reversed(change), operation: `undo ${change.operation}` };
    this.document.apply(back);
    this.committed(back);
    return change;
  }

  redo(): Change | null {
    const change = this.undone.pop();
    if (!change) return null;
    this.done.push(change);
    this.document.apply(change);
    this.committed({ ...change, operation: `redo ${change.operation}` });
    return change;
  }

  /** Somebody else's rows came in: steps made on other rows no longer fit. */
  clear(): void {
    this.done = [];
    this.undone = [];
  }
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
    if (change) this.history.record(change);
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
