/** Sends many files, a few at a time, in parts; pauses, resumes, and survives a lost network. */

import { ApiError, OfflineError, sentence } from "./errors";
import type { TusDoor } from "./tus";
import type { UploadMemory } from "./uploadmemory";

export type TransferState = "waiting" | "sending" | "retrying" | "paused" | "sent" | "failed";
export type Transfer = {
  readonly name: string;
  readonly path: string;
  readonly file: File;
  state: TransferState;
  sent_bytes: number;
  /** Where the service's report names this file. */
  position: number | null;
  error: string;
};
export type QueueSettings = {
  readonly partBytes: number;
  readonly parallel: number;
  readonly tries: number;
  readonly wait: (milliseconds: number) => Promise<void>;
};

const SETTINGS: QueueSettings = {
  partBytes: 8 * 2 ** 20,
  parallel: 4,
  tries: 8,
  wait: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
};

export class UploadQueue {
  readonly transfers: Transfer[] = [];
  private readonly settings: QueueSettings;
  private readonly stops = new Map<Transfer, AbortController>();
  private active = 0;
  private next = 0;
  private isPaused = false;
  private resumeListeners: (() => void)[] = [];

  constructor(
    private readonly session: string,
    private readonly door: TusDoor,
    private readonly memory: UploadMemory,
    private readonly changed: () => void,
    settings: Partial<QueueSettings> = {},
  ) {
    this.settings = { ...SETTINGS, ...settings };
  }

  get paused(): boolean {
    return this.isPaused;
  }

  /** True when each file has either arrived or failed for good. */
  get settled(): boolean {
    return this.transfers.every(({ state }) => state === "sent" || state === "failed");
  }

  add(files: readonly { file: File; path: string }[]): void {
    const known = new Set(this.transfers.map(({ path, file }) => `${path}|${file.size}`));
    for (const { file, path } of files) {
      if (known.has(`${path}|${file.size}`)) continue;
      this.transfers.push({ name: file.name, path, file, state: "waiting", sent_bytes: 0, position: null, error: "" });
    }
    this.pump();
    this.changed();
  }

  pause(): void {
    this.isPaused = true;
    this.stops.forEach((stop) => stop.abort());
    this.changed();
  }

  resume(): void {
    this.isPaused = false;
    const listeners = this.resumeListeners;
    this.resumeListeners = [];
    listeners.forEach((listener) => listener());
    this.pump();
    this.changed();
  }

  retryFailed(): void {
    for (const transfer of this.transfers) if (transfer.state === "failed") transfer.state = "waiting";
    this.next = 0;
    this.pump();
    this.changed();
  }

  private pump(): void {
    while (!this.isPaused && this.active < this.settings.parallel) {
      while (this.transfers[this.next] && this.transfers[this.next].state !== "waiting") this.next += 1;
      const transfer = this.transfers[this.next];
      if (!transfer) return;
      this.active += 1;
      transfer.state = "sending";
      void this.run(transfer).finally(() => {
        this.active -= 1;
        this.pump();
        this.changed();
      });
    }
  }

  /** One file to its end: every fault is waited out with back-off, then asked where it stood. */
  private async run(transfer: Transfer): Promise<void> {
    for (let failures = 0; ; ) {
      const before = transfer.sent_bytes;
      try {
        await this.sendOnce(transfer);
        transfer.state = "sent";
        return;
      } catch (error) {
        if (isAbort(error)) continue;
        failures = transfer.sent_bytes > before ? 1 : failures + 1;
        if (!isPassing(error) || failures >= this.settings.tries) return fail(transfer, error);
        transfer.state = "retrying";
        this.changed();
        await this.settings.wait(Math.min(500 * 2 ** failures, 15_000));
      }
    }
  }

  private async sendOnce(transfer: Transfer): Promise<void> {
    await this.whilePaused(transfer);
    const url = await this.place(transfer);
    const stop = new AbortController();
    this.stops.set(transfer, stop);
    try {
      while (transfer.sent_bytes < transfer.file.size) {
        await this.whilePaused(transfer);
        const part = transfer.file.slice(transfer.sent_bytes, transfer.sent_bytes + this.settings.partBytes);
        transfer.sent_bytes = await this.door.append(url, transfer.sent_bytes, part, stop.signal);
        this.changed();
      }
    } finally {
      this.stops.delete(transfer);
    }
  }

  /** Finds the upload that was begun before, by this page or by one before a reload, or begins it. */
  private async place(transfer: Transfer): Promise<string> {
    const kept = this.memory.find(transfer);
    const offset = kept ? await this.door.offset(kept.url) : null;
    if (kept && offset !== null) {
      transfer.sent_bytes = offset;
      transfer.position = kept.position;
      return kept.url;
    }
    const created = await this.door.create(this.session, transfer.file.size, {
      filename: transfer.name,
      relativePath: transfer.path,
    });
    transfer.sent_bytes = 0;
    transfer.position = created.position;
    this.memory.keep(transfer, created);
    return created.url;
  }

  private async whilePaused(transfer: Transfer): Promise<void> {
    while (this.isPaused) {
      transfer.state = "paused";
      this.changed();
      await new Promise<void>((resolve) => this.resumeListeners.push(resolve));
    }
    transfer.state = "sending";
  }
}

function fail(transfer: Transfer, error: unknown): void {
  transfer.state = "failed";
  transfer.error = sentence(error);
}

function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}

function isPassing(error: unknown): boolean {
  if (error instanceof OfflineError) return true;
  // 409: the service stands elsewhere than we thought; asking again for the offset mends it.
  return error instanceof ApiError && (error.status >= 500 || [408, 409, 423, 429].includes(error.status));
}
