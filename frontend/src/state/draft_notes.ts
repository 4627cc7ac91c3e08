import type { Change } from "./document";
import { newId } from "./identity";

const EVERY_MS = 250;
// A slider moves thousands of masks at once; what it does can be moved again, a stroke cannot.
const MOST_MASKS = 64;

/** Writes down, now and then, what is still being drawn: a crash in the middle of a stroke keeps it. */
export class DraftNotes {
  private key: string | null = null;
  private latest: Change | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly write: (change: Change, key: string) => void,
    private readonly erase: (key: string) => void,
  ) {}

  get isOpen(): boolean {
    return this.latest !== null;
  }

  /** Hears the draft as it grows; null when it was called off. */
  note(change: Change | null): void {
    if (!change) return this.forget();
    this.latest = change;
    if (change.masks.length <= MOST_MASKS) this.timer ??= setTimeout(() => this.writeDown(), EVERY_MS);
  }

  /** The key under which the finished change takes the draft's place. */
  finish(): string {
    const key = this.key ?? newId();
    this.stop();
    return key;
  }

  stop(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.key = null;
    this.latest = null;
  }

  private forget(): void {
    if (this.key) this.erase(this.key);
    this.stop();
  }

  private writeDown(): void {
    this.timer = undefined;
    this.key ??= newId();
    if (this.latest) this.write(this.latest, this.key);
  }
}
