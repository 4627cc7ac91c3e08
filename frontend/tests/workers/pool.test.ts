import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { decodePlane } from "../../src/domain/slicecodec";
import type { DecodeRequest } from "../../src/workers/decode";
import { DecodePool } from "../../src/workers/pool";

/** Node has no workers of the web: this one answers when it is told to, with what the real script computes. */
class WorkerHere {
  static readonly all: WorkerHere[] = [];
  onmessage: ((event: { data: unknown }) => void) | null = null;
  ended = false;
  readonly open: DecodeRequest[] = [];

  constructor() {
    WorkerHere.all.push(this);
  }

  postMessage(request: DecodeRequest): void {
    this.open.push(request);
  }

  terminate(): void {
    this.ended = true;
  }

  answer(): void {
    for (const { id, bytes, type } of this.open.splice(0)) this.onmessage?.({ data: { id, samples: decodePlane(new Uint8Array(bytes), type) } });
  }
}

const MEGABYTES = 2 ** 20;

beforeEach(() => {
  WorkerHere.all.length = 0;
  vi.stubGlobal("Worker", WorkerHere);
});
afterEach(() => vi.unstubAllGlobals());

describe("a pool of decoders", () => {
  test("puts a fresh worker in the place of one that has had its bytes, which first ends what it has", async () => {
    const pool = new DecodePool(1);
    const first = pool.decode(new ArrayBuffer(33 * MEGABYTES), "uint8");
    const second = pool.decode(Uint8Array.of(10, 1).buffer, "uint8");
    const [worn, fresh] = WorkerHere.all;
    expect(WorkerHere.all).toHaveLength(2);
    expect(worn.ended).toBe(false);
    fresh.answer();
    expect([...(await second)]).toEqual([5, 4]);
    worn.answer();
    expect(await first).toHaveLength(33 * MEGABYTES);
    expect([worn.ended, fresh.ended]).toEqual([true, false]);
  });

  test("gives work to whoever has least of it", () => {
    const pool = new DecodePool(2);
    void pool.decode(new ArrayBuffer(4), "uint8");
    void pool.decode(new ArrayBuffer(4), "uint8");
    expect(WorkerHere.all.map(({ open }) => open.length)).toEqual([1, 1]);
    WorkerHere.all[1].answer();
    void pool.decode(new ArrayBuffer(4), "uint8");
    expect(WorkerHere.all.map(({ open }) => open.length)).toEqual([1, 1]);
    pool.stop();
    expect(WorkerHere.all.map(({ ended }) => ended)).toEqual([true, true]);
  });

  test("says when a plane cannot be decoded", async () => {
    const pool = new DecodePool(1);
    const asked = pool.decode(new ArrayBuffer(3), "uint16");
    WorkerHere.all[0].onmessage?.({ data: { id: 0, failure: "odd" } });
    await expect(asked).rejects.toThrow("odd");
  });
});
