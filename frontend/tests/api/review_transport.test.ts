import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { ReviewTransport } from "../../src/api/review_transport";
import {
  ConflictError,
  ReadOnlyError,
  RefusedError,
  SignedOutError,
  UnreachableError,
  type SaveRequest,
} from "../../src/state/transport";

const REQUEST: SaveRequest = { operation: "brush", sitting: "s", tab: "t", slices: [{ finding: 1, z: 0, runs: "AAE=" }], findings: [] };

let asked: { url: string; init: RequestInit }[] = [];

function answers(status: number, body: unknown): void {
  vi.stubGlobal("fetch", async (url: string, init: RequestInit) => {
    asked.push({ url, init });
    return new Response(JSON.stringify(body), { status, headers: { "Content-Type": "application/json" } });
  });
}

const save = (parent: string | null = "head"): Promise<unknown> => new ReviewTransport("case").save(parent, "key", REQUEST);

beforeEach(() => {
  asked = [];
  vi.stubGlobal("document", { cookie: "csrftoken=abc" });
});

afterEach(() => vi.unstubAllGlobals());

describe("saving over REST", () => {
  test("names its parent, its key and the anti-forgery token", async () => {
    answers(201, { id: "next", sequence: 2, accepted: [] });
    await expect(save()).resolves.toMatchObject({ id: "next" });
    const { url, init } = asked[0];
    const headers = new Headers(init.headers);
    expect(url).toBe("/api/v1/cases/case/revisions/");
    expect(headers.get("If-Match")).toBe('"head"');
    expect(headers.get("Idempotency-Key")).toBe("key");
    expect(headers.get("X-CSRFToken")).toBe("abc");
    expect(JSON.parse(init.body as string)).toEqual(REQUEST);
  });

  test("of a case without any revision says so", async () => {
    answers(201, { id: "first", sequence: 1, accepted: [] });
    await save(null);
    expect(new Headers(asked[0].init.headers).get("If-Match")).toBe('"none"');
  });

  test("that collides tells what the others have", async () => {
    const head = { id: "theirs", sequence: 9 };
    const theirs = { slices: [{ finding: 1, z: 0, runs: "" }], findings: [] };
    answers(409, { code: "conflict", message: "Somebody else changed this case.", head, theirs });
    const error = await save().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ConflictError);
    expect(error).toMatchObject({ head, theirs });
  });

  test.each([
    [409, "not_holder", ReadOnlyError],
    [409, "state_refused", ReadOnlyError],
    [403, "not_permitted", ReadOnlyError],
    [401, "not_signed_in", SignedOutError],
    [400, "invalid_input", RefusedError],
    [409, "key_reused", RefusedError],
    [413, "too_large", RefusedError],
    [429, "too_many", UnreachableError],
    [500, "failed", UnreachableError],
    [503, "busy", UnreachableError],
  ])("answered with %i %s is told apart", async (status, code, kind) => {
    answers(status, { code, message: "A sentence." });
    const error = await save().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(kind);
    expect((error as Error).message).toBe("A sentence.");
  });

  test("without an answer is worth another try", async () => {
    vi.stubGlobal("fetch", async () => Promise.reject(new TypeError("network")));
    await expect(save()).rejects.toBeInstanceOf(UnreachableError);
  });
});
