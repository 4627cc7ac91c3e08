export type Person = { readonly user: number; readonly username: string; readonly full_name?: string };
export type PresenceAnswer = {
  readonly holder: (Person & { readonly since: string }) | null;
  readonly is_me: boolean;
  readonly watchers: readonly Person[];
  readonly expires_in_s: number;
};

/** How the page says that somebody is in the case. */
export interface PresenceTransport {
  beat(tab: string, seconds: number, want: "hold" | "watch"): Promise<PresenceAnswer>;
  take(tab: string): Promise<PresenceAnswer>;
  leave(tab: string): void;
}

const BEAT_MS = 10_000;

/** Keeps the pen while the page is open, and knows who has it when this page does not. */
export class Presence {
  answer: PresenceAnswer | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private last = Date.now();
  private asked = 0;
  private heard = 0;
  private stopped = false;

  constructor(
    private readonly transport: PresenceTransport,
    private readonly tab: string,
    private readonly mayEdit: () => boolean,
    private readonly changed: (held: boolean) => void,
    private readonly isActive: () => boolean,
  ) {}

  get held(): boolean {
    return this.answer?.is_me ?? false;
  }

  /** Resolves after the first answer, so that the page opens knowing whether it may draw. */
  async start(): Promise<void> {
    await this.beat();
  }

  async take(): Promise<void> {
    const question = ++this.asked;
    this.hear(question, await this.transport.take(this.tab));
  }

  /** Asks at once: somebody took the case over, or it has just been opened for work. */
  ask(): Promise<void> {
    return this.beat();
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
    this.transport.leave(this.tab);
  }

  private async beat(): Promise<void> {
    clearTimeout(this.timer);
    const now = Date.now();
    const seconds = this.isActive() ? Math.min(60, Math.round((now - this.last) / 1000)) : 0;
    this.last = now;
    const question = ++this.asked;
    try {
      this.hear(question, await this.transport.beat(this.tab, seconds, this.mayEdit() ? "hold" : "watch"));
    } catch {
      // Out of reach: the lease runs on for a while, and the save queue tells the person.
    }
    clearTimeout(this.timer);
    if (!this.stopped) this.timer = setTimeout(() => void this.beat(), BEAT_MS);
  }

  /** An answer that is overtaken by one to a later question tells of a past that is over. */
  private hear(question: number, answer: PresenceAnswer): void {
    if (this.stopped || question < this.heard) return;
    this.heard = question;
    const known = this.answer;
    this.answer = answer;
    if (known?.is_me !== answer.is_me || known.holder?.user !== answer.holder?.user) this.changed(answer.is_me);
  }
}
