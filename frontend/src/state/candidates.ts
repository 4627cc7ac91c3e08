import { overlapLists, ranking, resolve, type OverlapLists, type OverlapPair, type Ranking, type Resolution } from "../domain/nms";
import { fromBase64, fromBytes } from "../domain/rle";
import type { Box, Spans } from "../domain/spans";
import { ChangeBuilder, type CaseDocument, type Change } from "./document";
import type { Cutoffs, FindingFields } from "./types";

/** Everything a network proposed, kept or not, as the service stores it. */
export type CandidateMessage = {
  readonly label: number;
  readonly score: number;
  readonly box: Box | null;
  /** The plane of a mere box. */
  readonly z?: number | null;
  /** Run lengths by plane. */
  readonly slices: Readonly<Record<string, string>>;
};
export type CandidatesMessage = {
  readonly candidates: readonly CandidateMessage[];
  readonly overlaps: readonly OverlapPair[];
};

/** The kept candidates of the run that made the findings; the cut-offs choose among them, live. */
export class Candidates {
  readonly scores: Float64Array;
  private readonly overlaps: OverlapLists;
  private readonly ranks: Ranking;
  private resolved: { readonly cutoffs: Cutoffs; readonly resolution: Resolution } | null = null;
  private readonly masks = new Map<number, ReadonlyMap<number, Spans>>();

  constructor(
    readonly run: string,
    /** The last finding number before those reserved for this run. */
    private readonly base: number,
    private readonly messages: readonly CandidateMessage[],
    pairs: readonly OverlapPair[],
  ) {
    this.scores = Float64Array.from(messages, (candidate) => candidate.score);
    this.overlaps = overlapLists(messages.length, pairs);
    this.ranks = ranking(this.scores);
  }

  get count(): number {
    return this.messages.length;
  }

  /** Remembers the last answer: a step of a slider is asked for by all that show it. */
  resolve(cutoffs: Cutoffs): Resolution {
    const { score, overlap } = cutoffs;
    const known = this.resolved;
    if (known && known.cutoffs.score === score && known.cutoffs.overlap === overlap) return known.resolution;
    const resolution = resolve(this.scores, this.overlaps, score, overlap, this.ranks);
    this.resolved = { cutoffs, resolution };
    return resolution;
  }

  mask(candidate: number): ReadonlyMap<number, Spans> {
    const known = this.masks.get(candidate);
    if (known) return known;
    const rows = Object.entries(this.messages[candidate].slices);
    const slices = new Map(rows.map(([z, runs]) => [Number(z), fromBytes(fromBase64(runs))] as const));
    this.masks.set(candidate, slices);
    return slices;
  }

  /** What a candidate is as a finding that nobody has judged. */
  fields(candidate: number): FindingFields {
    const { label, score, box, z } = this.messages[candidate];
    const slices = [...this.mask(candidate).keys()];
    return {
      label,
      state: "proposed",
      score,
      box,
      z: slices.length === 1 ? slices[0] : (z ?? null),
      candidate,
      run: this.run,
      source: "network",
      note: "",
      suppressed_by: null,
    };
  }

  /** The finding number that is reserved for a candidate. */
  numberOf(candidate: number): number {
    return this.base + candidate + 1;
  }

  /**
   * Moves the cut-offs: candidates that now stay become proposals, proposals that no longer do are
   * suppressed. What a person has accepted, rejected or drawn on stays as it is.
   */
  change(document: CaseDocument, cutoffs: Cutoffs): Change {
    const { keep, suppressedBy } = this.resolve(cutoffs);
    const builder = new ChangeBuilder(document);
    for (let candidate = 0; candidate < this.count; candidate++) {
      const number = this.numberOf(candidate);
      const fields = document.finding(number);
      if (keep[candidate]) this.propose(builder, number, candidate, fields);
      else if (fields?.state === "proposed" && fields.source === "network") {
        const by = suppressedBy[candidate];
        builder.set(number, { ...fields, state: "suppressed", suppressed_by: by < 0 ? null : this.numberOf(by) });
      }
    }
    return builder.done("cutoffs", { before: document.cutoffs, after: cutoffs });
  }

  /** Brings one suppressed candidate back as an accepted finding. */
  revive(document: CaseDocument, candidate: number): { change: Change; finding: number } {
    const number = this.numberOf(candidate);
    const builder = new ChangeBuilder(document);
    const fields = document.finding(number);
    if (!fields) this.addRows(builder, number, candidate);
    builder.set(number, { ...(fields ?? this.fields(candidate)), state: "accepted", suppressed_by: null });
    return { change: builder.done("revive"), finding: number };
  }

  private propose(builder: ChangeBuilder, number: number, candidate: number, fields: FindingFields | null): void {
    if (!fields) {
      this.addRows(builder, number, candidate);
      builder.set(number, this.fields(candidate));
    } else if (fields.state === "suppressed") {
      builder.set(number, { ...fields, state: "proposed", suppressed_by: null });
    }
  }

  private addRows(builder: ChangeBuilder, number: number, candidate: number): void {
    for (const [z, spans] of this.mask(candidate)) builder.row(number, z, spans);
  }
}
