/** One import from the first dropped file to its report. It goes on while other pages are open. */

import { ApiError, sentence } from "../../api/errors";
import { job as readJob } from "../../api/jobs";
import { tus } from "../../api/tus";
import type { Job, UploadReport } from "../../api/types";
import { StoredUploads } from "../../api/uploadmemory";
import { type Transfer, UploadQueue } from "../../api/uploadqueue";
import { upload, uploadClose, uploadOpen } from "../../api/uploads";
import type { Sent } from "./report";
import { zipNames } from "./zip_names";

export type Phase = "choosing" | "sending" | "importing" | "done" | "failed";
type PathFile = { readonly file: File; readonly path: string };

/** Time to drop a second folder before the import begins by itself. */
const CLOSE_AFTER_MS = 1_500;
const LOOK_MS = 1_000;
const DRAW_MS = 150;

export class ImportFlow {
  phase = $state<Phase>("choosing");
  problem = $state("");
  /** Files of an upload that a reload interrupted. */
  unfinished = $state(0);
  job = $state.raw<Job | null>(null);
  report = $state.raw<UploadReport | null>(null);
  transfers = $state.raw<readonly Transfer[]>([]);
  paused = $state(false);
  /** What stands in the zips, by their path: the service keeps no names. Gone with the tab. */
  private entries = $state.raw<ReadonlyMap<string, readonly string[]>>(new Map());
  private queue: UploadQueue | null = null;
  private readonly memory: StoredUploads;
  private drawing: ReturnType<typeof setTimeout> | undefined;
  private closing: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly project: string) {
    this.memory = new StoredUploads(project);
  }

  get failed(): readonly Transfer[] {
    return this.transfers.filter(({ state }) => state === "failed");
  }

  /** The files of this visit, to tell a report's lines by. */
  get sent(): readonly Sent[] {
    return this.transfers.map(({ path, position }) => ({ path, position, entries: this.entries.get(path) }));
  }

  get sent_bytes(): number {
    return this.transfers.reduce((sum, { sent_bytes }) => sum + sent_bytes, 0);
  }

  get total_bytes(): number {
    return this.transfers.reduce((sum, { file }) => sum + file.size, 0);
  }

  /** Finds what an earlier visit left behind. */
  async recall(): Promise<void> {
    const session = this.memory.session;
    if (!session || this.phase !== "choosing") return;
    try {
      const found = await upload(session);
      if (found.state === "open") this.unfinished = this.memory.count;
      else await this.watch(session);
    } catch {
      this.memory.forget();
    }
  }

  async add(files: readonly PathFile[]): Promise<void> {
    if (!files.length) return;
    if (this.phase === "done" || this.phase === "failed") this.restart();
    this.phase = "sending";
    this.problem = "";
    clearTimeout(this.closing);
    void this.readZips(files);
    try {
      this.queue ??= await this.open();
      this.queue.add(files);
    } catch (error) {
      this.phase = "choosing";
      this.problem = sentence(error);
    }
  }

  pause(): void {
    this.queue?.pause();
  }

  resume(): void {
    this.queue?.resume();
  }

  retryFailed(): void {
    this.queue?.retryFailed();
  }

  /** Throws an interrupted upload away and begins with nothing. */
  restart(): void {
    this.memory.forget();
    this.queue = null;
    this.transfers = [];
    this.entries = new Map();
    this.report = null;
    this.job = null;
    this.unfinished = 0;
    this.problem = "";
    this.phase = "choosing";
  }

  /** Imports what arrived; what did not is left out. */
  async close(): Promise<void> {
    clearTimeout(this.closing);
    const session = this.memory.session;
    if (!session) return;
    try {
      await uploadClose(session);
      await this.watch(session);
    } catch (error) {
      this.problem = sentence(error);
    }
  }

  keep(): void {
    this.memory.write();
  }

  private async readZips(files: readonly PathFile[]): Promise<void> {
    for (const { file, path } of files.filter(({ file }) => file.name.toLowerCase().endsWith(".zip"))) {
      const names = await zipNames(file);
      if (names) this.entries = new Map([...this.entries, [path, names]]);
    }
  }

  private async open(): Promise<UploadQueue> {
    if (!this.memory.session) this.memory.begin((await uploadOpen(this.project)).id);
    this.unfinished = 0;
    return new UploadQueue(this.memory.session!, tus, this.memory, () => this.changed());
  }

  private changed(): void {
    this.drawing ??= setTimeout(() => {
      this.drawing = undefined;
      this.draw();
      this.closeWhenSettled();
    }, DRAW_MS);
  }

  private draw(): void {
    if (!this.queue) return;
    // Copies: the queue changes its own in place, and a row is drawn anew for a new one only.
    this.transfers = this.queue.transfers.map((transfer) => ({ ...transfer }));
    this.paused = this.queue.paused;
  }

  private closeWhenSettled(): void {
    clearTimeout(this.closing);
    if (this.phase !== "sending" || !this.queue?.settled || this.failed.length) return;
    this.closing = setTimeout(() => void this.close(), CLOSE_AFTER_MS);
  }

  /** Follows the import to its end; an answer that does not come is waited for. */
  private async watch(session: string): Promise<void> {
    this.phase = "importing";
    while (this.phase === "importing") {
      try {
        await this.look(session);
        this.problem = "";
      } catch (error) {
        this.problem = sentence(error);
        if (error instanceof ApiError && error.status === 404) this.phase = "failed";
      }
      if (this.phase === "importing") await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }

  private async look(session: string): Promise<void> {
    const found = await upload(session);
    if (found.job) this.job = await readJob(found.job);
    if (found.state === "done") this.finish(found.report);
    else if (found.state === "failed" || this.job?.state === "failed" || this.job?.state === "cancelled") {
      this.phase = "failed";
    }
  }

  private finish(report: UploadReport | null): void {
    this.draw();
    this.report = report;
    this.phase = "done";
    this.queue = null;
    this.memory.forget();
  }
}

const flows = new Map<string, ImportFlow>();

/** The import of a project that is going on, or a fresh one. */
export function importFlow(project: string): ImportFlow {
  const found = flows.get(project) ?? new ImportFlow(project);
  flows.set(project, found);
  return found;
}
