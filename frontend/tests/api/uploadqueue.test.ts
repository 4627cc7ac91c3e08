import { describe, expect, it } from "vitest";

import { ApiError, OfflineError } from "../../src/api/errors";
import type { Created, TusDoor } from "../../src/api/tus";
import { StoredUploads } from "../../src/api/uploadmemory";
import { UploadQueue } from "../../src/api/uploadqueue";

class Shelf {
  readonly kept = new Map<string, string>();
  getItem = (key: string) => this.kept.get(key) ?? null;
  setItem = (key: string, value: string) => void this.kept.set(key, value);
  removeItem = (key: string) => void this.kept.delete(key);
}

/** A service in memory that keeps bytes as tus asks, and fails where it is told to. */
class Service implements TusDoor {
  readonly received = new Map<string, Uint8Array>();
  readonly lengths = new Map<string, number>();
  appends = 0;
  fault: ((append: number) => Error | null) | null = null;
  hold: Promise<void> | null = null;

  async create(_session: string, length: number): Promise<Created> {
    const position = this.received.size;
    const url = `/files/${position}`;
    this.received.set(url, new Uint8Array());
    this.lengths.set(url, length);
    return { url, position };
  }

  async offset(url: string): Promise<number | null> {
    return this.received.get(url)?.length ?? null;
  }

  async append(url: string, offset: number, part: Blob, signal: AbortSignal): Promise<number> {
    this.appends += 1;
    const fault = this.fault?.(this.appends);
    if (fault) throw fault;
    if (this.hold) await Promise.race([this.hold, aborted(signal)]);
    const had = this.received.get(url)!;
    if (had.length !== offset) throw new ApiError(409, "offset", "Another offset was expected.");
    const bytes = new Uint8Array(await part.arrayBuffer());
    const all = new Uint8Array(had.length + bytes.length);
    all.set(had);
    all.set(bytes, had.length);
    this.received.set(url, all);
    return all.length;
  }
}

const aborted = (signal: AbortSignal) =>
  new Promise<never>((_, reject) =>
    signal.addEventListener("abort", () => reject(new DOMException("stopped", "AbortError"))),
  );

function fileOf(name: string, length: number): { file: File; path: string } {
  const bytes = Uint8Array.from({ length }, (_, index) => (index * 7 + name.length) & 255);
  return { file: new File([bytes], name, { lastModified: 1 }), path: `folder/${name}` };
}

async function until(condition: () => boolean): Promise<void> {
  for (let turn = 0; turn < 1000 && !condition(); turn += 1) await new Promise((resolve) => setTimeout(resolve, 1));
  expect(condition()).toBe(true);
}

function queueOn(service: Service, shelf = new Shelf()) {
  const memory = new StoredUploads("project", shelf);
  if (!memory.session) memory.begin("session");
  const queue = new UploadQueue("session", service, memory, () => {}, {
    partBytes: 10,
    tries: 4,
    wait: () => Promise.resolve(),
  });
  return { queue, memory, shelf };
}

async function expectWhole(service: Service, url: string, { file }: { file: File }): Promise<void> {
  expect(service.received.get(url)).toEqual(new Uint8Array(await file.arrayBuffer()));
}

describe("the upload queue", () => {
  it("sends every byte of many files, in parts, and knows each file's position", async () => {
    const service = new Service();
    const { queue } = queueOn(service);
    const files = Array.from({ length: 9 }, (_, index) => fileOf(`slice${index}.dcm`, 25 + index));
    queue.add(files);
    await until(() => queue.settled);
    expect(queue.transfers.map(({ state }) => state)).toEqual(files.map(() => "sent"));
    for (const transfer of queue.transfers) await expectWhole(service, `/files/${transfer.position}`, transfer);
  });

  it("sends an empty file by creating it", async () => {
    const service = new Service();
    const { queue } = queueOn(service);
    queue.add([fileOf("empty.txt", 0)]);
    await until(() => queue.settled);
    expect(queue.transfers[0].state).toBe("sent");
    expect(service.lengths.get("/files/0")).toBe(0);
  });

  it("takes a file that was chosen twice only once", async () => {
    const { queue } = queueOn(new Service());
    queue.add([fileOf("a.png", 5)]);
    queue.add([fileOf("a.png", 5)]);
    await until(() => queue.settled);
    expect(queue.transfers).toHaveLength(1);
  });

  it("waits out a lost network and goes on where the service stands", async () => {
    const service = new Service();
    service.fault = (append) => (append === 2 || append === 3 ? new OfflineError() : null);
    const { queue } = queueOn(service);
    const file = fileOf("a.nii.gz", 45);
    queue.add([file]);
    await until(() => queue.settled);
    expect(queue.transfers[0].state).toBe("sent");
    await expectWhole(service, "/files/0", file);
    expect(service.received.size).toBe(1);
  });

  it("gives up on a refusal with the service's sentence, and on nothing else", async () => {
    const service = new Service();
    service.fault = (append) => (append === 1 ? new ApiError(413, "too_large", "This is too large.") : null);
    const { queue } = queueOn(service);
    queue.add([fileOf("a.png", 5)]);
    queue.add([fileOf("b.png", 5)]);
    await until(() => queue.settled);
    expect(queue.transfers.map(({ state, error }) => [state, error])).toEqual([
      ["failed", "This is too large."],
      ["sent", ""],
    ]);
    queue.retryFailed();
    await until(() => queue.settled);
    expect(queue.transfers[0].state).toBe("sent");
  });

  it("gives up after the last try when the service stays away", async () => {
    const service = new Service();
    service.fault = () => new OfflineError();
    const { queue } = queueOn(service);
    queue.add([fileOf("a.png", 5)]);
    await until(() => queue.settled);
    expect(queue.transfers[0].state).toBe("failed");
    expect(service.appends).toBe(4);
  });

  it("stops within a part when paused and resumes without loss", async () => {
    const service = new Service();
    const { queue } = queueOn(service);
    service.hold = new Promise(() => {});
    const file = fileOf("a.tiff", 35);
    queue.add([file]);
    await until(() => service.appends === 1);
    queue.pause();
    await until(() => queue.transfers[0].state === "paused");
    expect(queue.settled).toBe(false);
    service.hold = null;
    queue.resume();
    await until(() => queue.settled);
    await expectWhole(service, "/files/0", file);
  });

  it("survives pausing and resuming at once", async () => {
    const service = new Service();
    const { queue } = queueOn(service);
    service.hold = new Promise(() => {});
    queue.add([fileOf("a.tiff", 35)]);
    await until(() => service.appends === 1);
    queue.pause();
    service.hold = null;
    queue.resume();
    await until(() => queue.settled);
    expect(queue.transfers[0].state).toBe("sent");
  });
});

describe("resuming after a reload", () => {
  it("sends only what is missing, to the same upload", async () => {
    const service = new Service();
    const first = queueOn(service);
    service.fault = (append) => (append === 3 ? new ApiError(400, "stop", "Stop.") : null);
    const file = fileOf("a.nii", 50);
    first.queue.add([file]);
    await until(() => first.queue.settled);
    first.memory.write();
    service.fault = null;
    const appendsBefore = service.appends;

    const second = queueOn(service, first.shelf);
    expect(second.memory.count).toBe(1);
    second.queue.add([file]);
    await until(() => second.queue.settled);
    expect(service.received.size).toBe(1);
    expect(service.appends - appendsBefore).toBe(3);
    expect(second.queue.transfers[0].position).toBe(0);
    await expectWhole(service, "/files/0", file);
  });

  it("begins again when the service has forgotten the upload", async () => {
    const service = new Service();
    const first = queueOn(service);
    const file = fileOf("a.png", 15);
    first.queue.add([file]);
    await until(() => first.queue.settled);
    first.memory.write();
    service.received.clear();

    const second = queueOn(service, first.shelf);
    second.queue.add([file]);
    await until(() => second.queue.settled);
    await expectWhole(service, "/files/0", file);
  });

  it("writes no name of a file", async () => {
    const { queue, memory, shelf } = queueOn(new Service());
    queue.add([fileOf("Doe^Jane.dcm", 5)]);
    await until(() => queue.settled);
    memory.write();
    expect([...shelf.kept.values()].join()).not.toMatch(/Doe|Jane|folder/);
  });

  it("forgets when asked", () => {
    const { memory, shelf } = queueOn(new Service());
    memory.forget();
    expect(shelf.kept.size).toBe(0);
    expect(memory.session).toBeNull();
  });
});
