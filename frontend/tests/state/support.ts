import { fromBase64, fromBytes } from "../../src/domain/rle";
import { sha256 } from "../../src/domain/sha256";
import { toBitmap, type Spans } from "../../src/domain/spans";
import { ReviewState } from "../../src/state/review_state";
import {
  ConflictError,
  type CaseContent,
  type FindingMessage,
  type RowMessage,
  type SaveAnswer,
  type SaveRequest,
  type Theirs,
  type Transport,
} from "../../src/state/transport";
import type { ImageFacts, Label, Task } from "../../src/state/types";
import { Volume } from "../../src/state/volume";
import type { Change } from "../../src/state/document";

export const LABELS: Label[] = [
  { index: 1, name: "nucleus", colour: "#0072b2", key: "1", overlapAllowed: false, isIgnore: false },
  { index: 2, name: "lesion", colour: "#e69f00", key: "2", overlapAllowed: false, isIgnore: false },
  { index: 3, name: "organ", colour: "#009e73", key: "3", overlapAllowed: true, isIgnore: false },
];

export function facts(more: Partial<ImageFacts> = {}): ImageFacts {
  return {
    id: "image",
    grid: { nx: 40, ny: 30, nz: 1 },
    times: 1,
    channels: 1,
    type: "uint8",
    affineLps: null,
    acquisitionAxis: "z",
    modality: "SM",
    photometric: "MONOCHROME2",
    window: null,
    slope: 1,
    intercept: 0,
    valueUnit: "",
    spacingZyx: null,
    source: null,
    ...more,
  };
}

export function review(task: Task = "instances", more: Partial<ImageFacts> = {}, committed: (change: Change) => void = () => {}, drafted?: (change: Change | null) => void): ReviewState {
  const about = facts(more);
  const state = new ReviewState({ task, labels: LABELS, facts: about, volume: new Volume(about), committed, drafted });
  state.editable = true;
  return state;
}

type Stored = { id: string; sequence: number; request: SaveRequest };

/** A service in memory that keeps the contract: parents, keys, conflicts, side revisions. */
export class ServiceInMemory implements Transport {
  readonly line: Stored[] = [];
  readonly aside: Stored[] = [];
  readonly keys = new Map<string, SaveAnswer>();
  /** Thrown instead of answering, before or after the change was stored. */
  failBefore: Error | null = null;
  failAfter: Error | null = null;
  requests = 0;

  get head(): Stored | null {
    return this.line[this.line.length - 1] ?? null;
  }

  async save(parent: string | null, key: string, request: SaveRequest): Promise<SaveAnswer> {
    this.requests++;
    if (this.failBefore) throw this.failBefore;
    const answer = this.keys.get(key) ?? this.store(parent, request);
    this.keys.set(key, answer);
    if (this.failAfter) throw this.failAfter;
    return answer;
  }

  async load(): Promise<CaseContent> {
    const { findings, slices } = this.content(0);
    const next_finding = Math.max(0, ...findings.map((one) => one.finding)) + 1;
    return { head: this.head && { id: this.head.id, sequence: this.head.sequence }, next_finding, findings, slices };
  }

  async at(revision: string): Promise<Theirs> {
    return this.content(0, this.line.findIndex(({ id }) => id === revision) + 1);
  }

  /** Somebody else's change, straight onto the line. */
  other(slices: RowMessage[], findings: FindingMessage[] = []): void {
    this.put({ operation: "brush", sitting: "other", tab: "other", slices, findings });
  }

  private store(parent: string | null, request: SaveRequest): SaveAnswer {
    const at = this.line.findIndex((stored) => stored.id === parent);
    if ((this.head?.id ?? null) !== parent) {
      this.aside.push({ id: `aside${this.aside.length}`, sequence: 0, request });
      throw new ConflictError("Somebody else has changed this case.", this.head!, this.content(at + 1));
    }
    const stored = this.put(request);
    const accepted = request.slices.map(({ finding, z, runs }) => ({ finding, z, digest: sha256(fromBase64(runs)) }));
    return { id: stored.id, sequence: stored.sequence, accepted };
  }

  private put(request: SaveRequest): Stored {
    const stored = { id: `r${this.line.length + 1}`, sequence: this.line.length + 1, request };
    this.line.push(stored);
    return stored;
  }

  private content(from: number, to = this.line.length): Theirs {
    const slices = new Map<string, RowMessage>();
    const findings = new Map<number, FindingMessage>();
    for (const { request } of this.line.slice(from, to)) {
      request.slices.forEach((row) => slices.set(`${row.finding}:${row.z}`, row));
      request.findings.forEach((one) => findings.set(one.finding, one));
    }
    return { slices: [...slices.values()], findings: [...findings.values()] };
  }
}

export const spansOf = (row: RowMessage | undefined): number[] => [...fromBytes(fromBase64(row?.runs ?? ""))];

/** The voxels of a mask on the usual picture. */
export const voxels = (mask: Spans): number[] => [...toBitmap(mask, 40 * 30).entries()].filter(([, on]) => on === 1).map(([k]) => k);

/** Lets promises and IndexedDB come to rest. */
export async function settle(): Promise<void> {
  for (let round = 0; round < 30; round++) await new Promise((resolve) => setImmediate(resolve));
}
