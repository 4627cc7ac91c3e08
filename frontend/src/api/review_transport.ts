import type { CandidatesMessage } from "../state/candidates";
import type { PresenceAnswer, PresenceTransport } from "../state/presence";
import {
  ConflictError,
  ReadOnlyError,
  RefusedError,
  SignedOutError as SignedOut,
  UnreachableError,
  type CaseContent,
  type Head,
  type SaveAnswer,
  type SaveRequest,
  type Theirs,
  type Transport,
} from "../state/transport";
import { ApiError, OfflineError, SignedOutError } from "./errors";
import { get, post } from "./http";
import { revisionState } from "./review";

/** Carries the review page's changes to the service, and says in the page's words how it went. */
export class ReviewTransport implements Transport {
  constructor(private readonly caseId: string) {}

  async save(parent: string | null, key: string, request: SaveRequest): Promise<SaveAnswer> {
    const headers = { "If-Match": `"${parent ?? "none"}"`, "Idempotency-Key": key };
    try {
      return await post<SaveAnswer>(`cases/${this.caseId}/revisions/`, request, { headers, signedOut: "throw" });
    } catch (error) {
      throw translated(error);
    }
  }

  async load(): Promise<CaseContent> {
    return get<CaseContent>(`cases/${this.caseId}/state/`);
  }

  at(revision: string): Promise<Theirs> {
    return revisionState(revision);
  }

  candidates(): Promise<CandidatesMessage> {
    return get<CandidatesMessage>(`cases/${this.caseId}/candidates/`);
  }
}

export class PresenceCalls implements PresenceTransport {
  constructor(private readonly caseId: string) {}

  beat(tab: string, seconds: number, want: "hold" | "watch"): Promise<PresenceAnswer> {
    return post<PresenceAnswer>(`cases/${this.caseId}/presence/`, { tab, seconds, want }, { signedOut: "throw" });
  }

  take(tab: string): Promise<PresenceAnswer> {
    return post<PresenceAnswer>(`cases/${this.caseId}/presence/take/`, { tab });
  }

  leave(tab: string): void {
    const goodbye = { tab, seconds: 0, want: "leave" };
    // Nobody waits for it: the lease ends by itself when it does not arrive.
    post(`cases/${this.caseId}/presence/`, goodbye, { keepalive: true, signedOut: "throw" }).catch(() => undefined);
  }
}

function translated(error: unknown): unknown {
  if (error instanceof OfflineError) return new UnreachableError(error.message);
  if (error instanceof SignedOutError) return new SignedOut(error.message);
  if (!(error instanceof ApiError)) return error;
  if (error.code === "conflict" && isConflict(error.body)) {
    return new ConflictError(error.message, error.body.head, error.body.theirs);
  }
  if (error.code === "not_holder") return new ReadOnlyError(error.message, "not_holder");
  if (error.status === 403 || error.code === "state_refused") return new ReadOnlyError(error.message, "not_permitted");
  if (error.status >= 500 || error.status === 429 || error.status === 408) return new UnreachableError(error.message);
  return new RefusedError(error.message);
}

function isConflict(body: unknown): body is { head: Head; theirs: Theirs } {
  return typeof body === "object" && body !== null && "head" in body && "theirs" in body;
}
