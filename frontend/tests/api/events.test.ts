import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { follow, type Source } from "../../src/api/events";

class FakeSource extends EventTarget implements Source {
  readyState = 0;
  closed = false;

  constructor(readonly url: string) {
    super();
  }

  close(): void {
    this.readyState = 2;
    this.closed = true;
  }

  opened(): void {
    this.readyState = 1;
    this.dispatchEvent(new Event("open"));
  }

  broke(readyState: number): void {
    this.readyState = readyState;
    this.dispatchEvent(new Event("error"));
  }

  push(name: string, event: unknown): void {
    this.dispatchEvent(new MessageEvent(name, { data: JSON.stringify(event) }));
  }
}

const sources: FakeSource[] = [];
let hidden = false;
let visibility = () => {};

const fresh = () => ({
  open: (url: string) => {
    sources.push(new FakeSource(url));
    return sources.at(-1)!;
  },
  isHidden: () => hidden,
  onVisibility: (listener: () => void) => {
    visibility = listener;
    return () => (visibility = () => {});
  },
});
let surroundings = fresh();

beforeEach(() => {
  vi.useFakeTimers();
  sources.length = 0;
  surroundings = fresh();
  hidden = false;
});
afterEach(() => vi.useRealTimers());

describe("following events", () => {
  it("asks for its scope and delivers each kind to its handler", () => {
    const jobs: unknown[] = [];
    const stop = follow({ project: "p1" }, { job: (event) => jobs.push(event) }, surroundings);
    expect(sources[0].url).toBe("/api/v1/events/?project=p1");
    sources[0].opened();
    sources[0].push("job", { id: "j", progress: 0.5 });
    sources[0].push("case", { id: "c" });
    expect(jobs).toEqual([{ id: "j", progress: 0.5 }]);
    stop();
    expect(sources[0].closed).toBe(true);
  });

  it("leaves a broken connection to the browser and says so, then asks to read again", () => {
    const told: unknown[] = [];
    follow({}, { resync: () => told.push("resync"), connection: (is) => told.push(is) }, surroundings);
    sources[0].opened();
    sources[0].broke(0);
    vi.advanceTimersByTime(60_000);
    expect(sources).toHaveLength(1);
    sources[0].opened();
    expect(told).toEqual([true, false, true, "resync"]);
  });

  it("opens again with growing waits where the browser gave up", () => {
    follow({}, {}, surroundings);
    for (const longest_ms of [1_250, 2_500, 5_000, 10_000]) {
      const count = sources.length;
      sources.at(-1)!.broke(2);
      vi.advanceTimersByTime(longest_ms * 0.55);
      expect(sources).toHaveLength(count);
      vi.advanceTimersByTime(longest_ms * 0.45 + 1);
      expect(sources).toHaveLength(count + 1);
    }
  });

  it("does not ask to read again on the first connection", () => {
    const resync = vi.fn();
    follow({}, { resync }, surroundings);
    sources[0].opened();
    expect(resync).not.toHaveBeenCalled();
  });

  it("gives the connection back in a hidden tab, and reads again when seen", () => {
    const resync = vi.fn();
    follow({}, { resync }, surroundings);
    sources[0].opened();
    hidden = true;
    visibility();
    vi.advanceTimersByTime(19_000);
    expect(sources[0].closed).toBe(false);
    vi.advanceTimersByTime(2_000);
    expect(sources[0].closed).toBe(true);
    hidden = false;
    visibility();
    sources[1].opened();
    expect(resync).toHaveBeenCalledOnce();
  });

  it("keeps the connection through a short glance at another tab", () => {
    follow({}, {}, surroundings);
    sources[0].opened();
    hidden = true;
    visibility();
    vi.advanceTimersByTime(5_000);
    hidden = false;
    visibility();
    vi.advanceTimersByTime(60_000);
    expect(sources).toHaveLength(1);
    expect(sources[0].closed).toBe(false);
  });

  it("shares one connection between those who follow the same scope", () => {
    const seen: string[] = [];
    const first = follow({ project: "p" }, { job: () => seen.push("first") }, surroundings);
    const second = follow({ project: "p" }, { job: () => seen.push("second") }, surroundings);
    follow({ project: "other" }, {}, surroundings);
    expect(sources).toHaveLength(2);
    sources[0].push("job", {});
    expect(seen).toEqual(["first", "second"]);
    first();
    expect(sources[0].closed).toBe(false);
    second();
    expect(sources[0].closed).toBe(true);
    follow({ project: "p" }, {}, surroundings);
    expect(sources).toHaveLength(3);
  });
});
