import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { askEarly, takeEarly } from "../../src/api/early";

const fetched = vi.fn<typeof fetch>();
const addresses = (): unknown[] => fetched.mock.calls.map(([url]) => url);

beforeEach(() => {
  fetched.mockReset();
  fetched.mockImplementation(async () => new Response("{}", { status: 200 }));
  vi.stubGlobal("fetch", fetched);
  vi.stubGlobal("document", { cookie: "" });
});
afterEach(() => vi.unstubAllGlobals());

describe("what a case's page needs first", () => {
  it("is asked once, and taken once", async () => {
    askEarly("a");
    expect(addresses()).toEqual(["/api/v1/cases/a/", "/api/v1/cases/a/state/"]);
    await takeEarly("a").about;
    expect(fetched).toHaveBeenCalledTimes(2);
    await takeEarly("a").about;
    expect(fetched).toHaveBeenCalledTimes(4);
  });

  it("of another case is of no use", async () => {
    askEarly("a");
    await takeEarly("b").content;
    expect(addresses().slice(2)).toEqual(["/api/v1/cases/b/", "/api/v1/cases/b/state/"]);
  });

  it("may fail: whoever takes it hears why", async () => {
    fetched.mockImplementation(async () => new Response('{"code":"not_found","message":"There is no such case."}', { status: 404 }));
    askEarly("a");
    await new Promise((resolve) => setTimeout(resolve));
    await expect(takeEarly("a").about).rejects.toThrow("There is no such case.");
  });
});
