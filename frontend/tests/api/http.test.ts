import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { ApiError, OfflineError, SignedOutError } from "../../src/api/errors";
import { onSignedOut } from "../../src/api/gate";
import { address, get, guarded, post } from "../../src/api/http";

const json = (status: number, body: unknown) => new Response(JSON.stringify(body), { status });
const fetched = vi.fn<typeof fetch>();

beforeEach(() => {
  fetched.mockReset();
  vi.stubGlobal("fetch", fetched);
  vi.stubGlobal("document", { cookie: "other=1; csrftoken=abc%3D" });
});
afterEach(() => vi.unstubAllGlobals());

describe("a call to the service", () => {
  it("carries the CSRF token when it changes something", async () => {
    fetched.mockResolvedValue(json(201, { id: 1 }));
    await post("projects/", { name: "Nuclei" });
    const [url, init] = fetched.mock.calls[0];
    expect(url).toBe("/api/v1/projects/");
    expect(new Headers(init!.headers).get("X-CSRFToken")).toBe("abc=");
    expect(init!.body).toBe('{"name":"Nuclei"}');
  });

  it("asks for sentences in the app's own language", async () => {
    fetched.mockImplementation(async () => json(200, {}));
    await get("me/");
    await guarded(new Request("http://localhost/api/v1/me/", { headers: { "Accept-Language": "de" } }));
    const [[, init], [request]] = fetched.mock.calls;
    expect(new Headers(init!.headers).get("Accept-Language")).toBe("en");
    expect((request as Request).headers.get("Accept-Language")).toBe("en");
  });

  it("leaves out what was not asked for", () => {
    expect(address("cases/", { q: "", mine: true, after: null, kind: undefined, order: "number" })).toBe(
      "/api/v1/cases/?mine=true&order=number",
    );
  });

  it("throws the service's own sentence, code and fields", async () => {
    fetched.mockResolvedValue(json(400, { code: "invalid", message: "Give a name.", fields: { name: "Missing." } }));
    const error = await post("projects/", {}).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({ status: 400, code: "invalid", message: "Give a name.", fields: { name: "Missing." } });
  });

  it("has a sentence for an answer that is no JSON", async () => {
    fetched.mockResolvedValue(new Response("<html>", { status: 502 }));
    const error = await get("me/").catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "http_502" });
    expect((error as Error).message).toMatch(/try again/);
  });

  it("says offline when no answer comes", async () => {
    fetched.mockRejectedValue(new TypeError("failed"));
    await expect(get("me/")).rejects.toBeInstanceOf(OfflineError);
  });
});

describe("a session that ended", () => {
  it("waits for one sign-in for all callers and repeats each call", async () => {
    let signedIn = false;
    const ask = vi.fn(async () => {
      await Promise.resolve();
      signedIn = true;
    });
    const forget = onSignedOut(ask);
    fetched.mockImplementation(async () =>
      signedIn ? json(200, { ok: true }) : json(401, { code: "not_signed_in", message: "Sign in." }),
    );
    const answers = await Promise.all([get("me/"), get("jobs/")]);
    expect(answers).toEqual([{ ok: true }, { ok: true }]);
    expect(ask).toHaveBeenCalledOnce();
    forget();
  });

  it("throws at once for a caller that cannot wait", async () => {
    fetched.mockResolvedValue(json(401, { code: "not_signed_in", message: "Sign in." }));
    await expect(get("me/", {}, { signedOut: "throw" })).rejects.toBeInstanceOf(SignedOutError);
  });
});
