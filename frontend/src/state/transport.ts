import type { Cutoffs, FindingFields } from "./types";

/** What the page saves through. The pages hand over the real one. */
export type RowMessage = { readonly finding: number; readonly z: number; readonly runs: string };
export type FindingMessage =
  | ({ readonly finding: number } & FindingFields)
  | { readonly finding: number; readonly removed: true };
export type SaveRequest = {
  readonly operation: string;
  readonly sitting: string;
  readonly tab: string;
  readonly slices: readonly RowMessage[];
  readonly findings: readonly FindingMessage[];
  readonly cutoffs?: Cutoffs;
};
export type Head = { readonly id: string; readonly sequence: number };
export type SaveAnswer = Head & {
  readonly accepted: readonly { readonly finding: number; readonly z: number; readonly digest: string }[];
};
export type Theirs = { readonly slices: readonly RowMessage[]; readonly findings: readonly FindingMessage[] };
export type CaseContent = Theirs & { readonly head: Head | null; readonly next_finding: number };

export interface Transport {
  save(parent: string | null, key: string, request: SaveRequest): Promise<SaveAnswer>;
  load(): Promise<CaseContent>;
  /** The case as it stood after a revision. */
  at(revision: string): Promise<Theirs>;
}

/** The service could not be asked, or failed by itself: worth another try. */
export class UnreachableError extends Error {}

/** Nobody is signed in any more; the same request goes through after a sign-in. */
export class SignedOutError extends Error {}

/** Somebody else holds the case, or this person may not change it. */
export class ReadOnlyError extends Error {
  constructor(
    message: string,
    readonly code: "not_holder" | "not_permitted",
  ) {
    super(message);
  }
}

/** Another revision came first; the refused one was kept beside the line. */
export class ConflictError extends Error {
  constructor(
    message: string,
    readonly head: Head,
    readonly theirs: Theirs,
  ) {
    super(message);
  }
}

/** The service refuses the change itself; trying again would not help. */
export class RefusedError extends Error {}
