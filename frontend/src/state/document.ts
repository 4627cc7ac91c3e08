import { toBytes } from "../domain/rle";
import { sha256 } from "../domain/sha256";
import { EMPTY, xor, type Spans } from "../domain/spans";
import { Measures, type MeasureDelta, type MeasureFields } from "./measures";
import { REVIEWED, type Cutoffs, type FindingFields } from "./types";

/** Voxels of one finding on one plane (`z`, see domain/moments) that change sides: applying it twice changes nothing. */
export type MaskDelta = { readonly finding: number; readonly z: number; readonly toggled: Spans };
export type FindingDelta = {
  readonly finding: number;
  readonly before: FindingFields | null;
  readonly after: FindingFields | null;
};

/** One step a person can undo. The single source of undo, redo, autosave and journal. */
export type Change = {
  readonly operation: string;
  readonly masks: readonly MaskDelta[];
  readonly findings: readonly FindingDelta[];
  readonly cutoffs?: { readonly before: Cutoffs; readonly after: Cutoffs };
  readonly measures?: readonly MeasureDelta[];
};

export type Row = { readonly finding: number; readonly z: number; readonly spans: Spans };
export type Touched = { readonly finding: number; readonly z: number; readonly before: Spans; readonly after: Spans };

export const isEmptyChange = (change: Change): boolean =>
  isEmptyRevision(change) && (change.measures?.length ?? 0) === 0;

/** Nothing of it belongs into a revision of the masks. */
export const isEmptyRevision = (change: Change): boolean =>
  change.masks.length === 0 && change.findings.length === 0 && change.cutoffs === undefined;

export function reversed(change: Change): Change {
  const { operation, masks, cutoffs } = change;
  const measures = change.measures?.map(({ id, before, after }) => ({ id, before: after, after: before }));
  const findings = change.findings.map(({ finding, before, after }) => ({ finding, before: after, after: before }));
  return { operation, masks, findings, ...(cutoffs && { cutoffs: { before: cutoffs.after, after: cutoffs.before } }), ...(measures && { measures }) };
}

/** The findings of a case and their masks, plane by plane through all moments. Only `apply` changes it. */
export class CaseDocument {
  cutoffs: Cutoffs = { score: 0, overlap: 1 };
  readonly measures = new Measures();
  private freeFrom = 1;
  private readonly fields = new Map<number, FindingFields>();
  private readonly byFinding = new Map<number, Map<number, Spans>>();
  private readonly bySlice = new Map<number, Map<number, Spans>>();
  private readonly watchers = new Set<(touched: readonly Touched[], findings: readonly number[]) => void>();

  private readonly measureWatchers = new Set<() => void>();

  onTouched(watcher: (touched: readonly Touched[], findings: readonly number[]) => void): () => void {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  }

  onMeasured(watcher: () => void): () => void {
    this.measureWatchers.add(watcher);
    return () => this.measureWatchers.delete(watcher);
  }

  /** Shows what is measured; null for what was taken away and still waits to be told. */
  showMeasures(rows: readonly (readonly [string, MeasureFields | null])[]): void {
    this.measures.reset(rows.filter((row): row is readonly [string, MeasureFields] => row[1] !== null));
    this.measureWatchers.forEach((watch) => watch());
  }

  finding(number: number): FindingFields | null {
    return this.fields.get(number) ?? null;
  }

  findings(): ReadonlyMap<number, FindingFields> {
    return this.fields;
  }

  /** Neither rejected nor suppressed; the reviewed region is no finding. */
  isShown(number: number): boolean {
    const fields = this.fields.get(number);
    return number !== REVIEWED && fields !== undefined && fields.state !== "suppressed" && fields.state !== "rejected";
  }

  mask(finding: number, z: number): Spans {
    return this.byFinding.get(finding)?.get(z) ?? EMPTY;
  }

  /** All drawn planes of one finding. */
  slices(finding: number): ReadonlyMap<number, Spans> {
    return this.byFinding.get(finding) ?? NOTHING;
  }

  /** Everything drawn on one plane, by finding. */
  slice(z: number): ReadonlyMap<number, Spans> {
    return this.bySlice.get(z) ?? NOTHING;
  }

  /** Every plane on which something is drawn. */
  drawnSlices(): number[] {
    return [...this.bySlice.keys()].sort((a, b) => a - b);
  }

  /** A number that no finding of this case has, had, or may get. */
  nextNumber(): number {
    return this.freeFrom;
  }

  apply(change: Change): void {
    if (change.measures) {
      this.measures.apply(change.measures);
      this.measureWatchers.forEach((watch) => watch());
      if (isEmptyRevision(change)) return;
    }
    const touched: Touched[] = [];
    for (const { finding, z, toggled } of change.masks) {
      const before = this.mask(finding, z);
      const after = xor(before, toggled);
      this.put(finding, z, after);
      touched.push({ finding, z, before, after });
    }
    for (const { finding, after } of change.findings) {
      if (after) this.enter(finding, after);
      else this.fields.delete(finding);
    }
    if (change.cutoffs) this.cutoffs = change.cutoffs.after;
    const findings = change.findings.map((delta) => delta.finding);
    this.watchers.forEach((watch) => watch(touched, findings));
  }

  /** Replaces everything by what the service holds. */
  reset(findings: ReadonlyMap<number, FindingFields>, rows: readonly Row[], cutoffs: Cutoffs, freeFrom = 1): void {
    this.freeFrom = freeFrom;
    this.fields.clear();
    this.byFinding.clear();
    this.bySlice.clear();
    findings.forEach((fields, number) => this.enter(number, fields));
    rows.forEach(({ finding, z, spans }) => this.put(finding, z, spans));
    this.cutoffs = cutoffs;
    this.watchers.forEach((watch) => watch([], []));
  }

  /** A digest per non-empty slice and finding: equal documents give equal lists. */
  digests(): string[] {
    const lines: string[] = [];
    for (const [finding, slices] of this.byFinding) {
      for (const [z, spans] of slices) lines.push(`s:${finding}:${z}:${sha256(toBytes(spans))}`);
    }
    for (const [finding, fields] of this.fields) lines.push(`f:${finding}:${JSON.stringify(fields)}`);
    return lines.sort();
  }

  private enter(finding: number, fields: FindingFields): void {
    this.fields.set(finding, fields);
    this.freeFrom = Math.max(this.freeFrom, finding + 1);
  }

  private put(finding: number, z: number, spans: Spans): void {
    place(this.byFinding, finding, z, spans);
    place(this.bySlice, z, finding, spans);
  }
}

const NOTHING: ReadonlyMap<number, Spans> = new Map();

function place(table: Map<number, Map<number, Spans>>, outer: number, inner: number, spans: Spans): void {
  const known = table.get(outer);
  if (spans.length > 0) {
    if (known) known.set(inner, spans);
    else table.set(outer, new Map([[inner, spans]]));
  } else if (known) {
    known.delete(inner);
    if (known.size === 0) table.delete(outer);
  }
}

/** Gathers many small deltas into one change: the same row toggled twice is joined. */
export class ChangeBuilder {
  private readonly toggles = new Map<string, MaskDelta>();
  private readonly fields = new Map<number, FindingDelta>();

  constructor(private readonly document: CaseDocument) {}

  toggle(finding: number, z: number, toggled: Spans): this {
    if (toggled.length === 0) return this;
    const key = `${finding}:${z}`;
    const known = this.toggles.get(key);
    this.toggles.set(key, { finding, z, toggled: known ? xor(known.toggled, toggled) : toggled });
    return this;
  }

  /** Makes the row equal `spans`, whatever the document holds. */
  row(finding: number, z: number, spans: Spans): this {
    return this.toggle(finding, z, xor(this.document.mask(finding, z), spans));
  }

  set(finding: number, after: FindingFields | null): this {
    const before = this.fields.get(finding)?.before ?? this.document.finding(finding);
    this.fields.set(finding, { finding, before, after });
    return this;
  }

  /** Ends a finding and erases its rows. */
  remove(finding: number): this {
    for (const [z, spans] of this.document.slices(finding)) this.toggle(finding, z, spans);
    return this.set(finding, null);
  }

  done(operation: string, cutoffs?: Change["cutoffs"]): Change {
    return {
      operation,
      masks: [...this.toggles.values()].filter((delta) => delta.toggled.length > 0),
      findings: [...this.fields.values()].filter(({ before, after }) => before !== after),
      ...(cutoffs && { cutoffs }),
    };
  }
}
