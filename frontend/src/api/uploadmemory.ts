/** Remembers, across reloads, which file was begun where. Names are never written down. */

import type { Created } from "./tus";

export type Fingerprinted = { readonly path: string; readonly file: Pick<File, "size" | "lastModified"> };
export type UploadMemory = {
  find(transfer: Fingerprinted): Created | null;
  keep(transfer: Fingerprinted, created: Created): void;
};
type Kept = { session: string; files: Record<string, [url: string, position: number | null]> };
type Shelf = Pick<Storage, "getItem" | "setItem" | "removeItem">;

const WRITE_EVERY_MS = 1_000;

export class StoredUploads implements UploadMemory {
  private kept: Kept | null;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly project: string,
    private readonly shelf: Shelf = localStorage,
  ) {
    this.kept = JSON.parse(shelf.getItem(this.key) ?? "null") as Kept | null;
  }

  get session(): string | null {
    return this.kept?.session ?? null;
  }

  get count(): number {
    return Object.keys(this.kept?.files ?? {}).length;
  }

  begin(session: string): void {
    this.kept = { session, files: {} };
    this.write();
  }

  forget(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.kept = null;
    this.shelf.removeItem(this.key);
  }

  find(transfer: Fingerprinted): Created | null {
    const found = this.kept?.files[fingerprint(transfer)];
    return found ? { url: found[0], position: found[1] } : null;
  }

  keep(transfer: Fingerprinted, created: Created): void {
    if (!this.kept) return;
    this.kept.files[fingerprint(transfer)] = [created.url, created.position];
    this.timer ??= setTimeout(() => this.write(), WRITE_EVERY_MS);
  }

  /** Writes what waits to be written; call it when the page is about to go. */
  write(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.kept) this.shelf.setItem(this.key, JSON.stringify(this.kept));
  }

  private get key(): string {
    return `medseg.upload.${this.project}`;
  }
}

/** 64 bits of FNV-1a in two lanes: tells files apart without keeping a patient's name. */
export function fingerprint({ path, file }: Fingerprinted): string {
  let low = 0x811c9dc5;
  let high = 0xc9dc5811;
  for (const byte of new TextEncoder().encode(`${path}|${file.size}|${file.lastModified}`)) {
    low = Math.imul(low ^ byte, 0x01000193);
    high = Math.imul(high ^ (byte + 0x5b), 0x01000193);
  }
  return [low, high].map((lane) => (lane >>> 0).toString(16).padStart(8, "0")).join("");
}
