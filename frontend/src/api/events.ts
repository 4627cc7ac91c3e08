/** What the service pushes. Reconnects with back-off, and says when a page must read again. */

import { address } from "./http";
import type { CaseState, JobState } from "./types";

export type JobEvent = {
  readonly id: string;
  readonly kind: string;
  readonly state: JobState;
  readonly progress: number;
  readonly message: string;
  readonly case: string | null;
  readonly project: string | null;
};
export type CaseEvent = { readonly id: string; readonly state: CaseState; readonly head: string | null };
export type PresenceEvent = { readonly case: string; readonly [name: string]: unknown };
export type TrainingEvent = {
  readonly run: string;
  readonly step?: number;
  readonly of?: number;
  readonly loss?: number | null;
  readonly seconds?: number;
  readonly validation?: Readonly<Record<string, number>> | null;
  readonly message?: string;
};
export type Handlers = {
  readonly job?: (event: JobEvent) => void;
  readonly case?: (event: CaseEvent) => void;
  readonly presence?: (event: PresenceEvent) => void;
  readonly training?: (event: TrainingEvent) => void;
  /** The stream was away for a while: what was pushed meanwhile is lost, so read again. */
  readonly resync?: () => void;
  readonly connection?: (connected: boolean) => void;
};
export type Scope = { readonly project?: string; readonly case?: string };

type Name = "job" | "case" | "presence" | "training";
export type Source = {
  readonly readyState: number;
  addEventListener(name: string, listener: (event: Event) => void): void;
  close(): void;
};
export type Surroundings = {
  readonly open: (url: string) => Source;
  readonly isHidden: () => boolean;
  readonly onVisibility: (listener: () => void) => () => void;
};

const NAMES: readonly Name[] = ["job", "case", "presence", "training"];
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 30_000;
/** A hidden tab gives its connection back: a browser keeps only six to one service. */
const HIDDEN_MS = 20_000;
const CLOSED = 2;

const browser: Surroundings = {
  open: (url) => new EventSource(url),
  isHidden: () => document.hidden,
  onVisibility: (listener) => {
    document.addEventListener("visibilitychange", listener);
    return () => document.removeEventListener("visibilitychange", listener);
  },
};

/** Follows what happens in a scope until the returned function is called. */
export function follow(scope: Scope, handlers: Handlers, surroundings: Surroundings = browser): () => void {
  const stream = new Stream(address("events/", scope), handlers, surroundings);
  stream.start();
  return () => stream.stop();
}

class Stream {
  private source: Source | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private wait = FIRST_WAIT_MS;
  private wasOpen = false;
  private forgetVisibility = () => {};

  constructor(
    private readonly url: string,
    private readonly handlers: Handlers,
    private readonly surroundings: Surroundings,
  ) {}

  start(): void {
    this.forgetVisibility = this.surroundings.onVisibility(() => this.visibilityChanged());
    this.connect();
  }

  stop(): void {
    clearTimeout(this.timer);
    this.forgetVisibility();
    this.drop();
  }

  private connect(): void {
    clearTimeout(this.timer);
    this.drop();
    const source = this.surroundings.open(this.url);
    this.source = source;
    source.addEventListener("open", () => this.opened());
    source.addEventListener("error", () => this.failed(source));
    for (const name of NAMES) {
      source.addEventListener(name, (event) => this.deliver(name, (event as MessageEvent<string>).data));
    }
  }

  private opened(): void {
    this.wait = FIRST_WAIT_MS;
    this.handlers.connection?.(true);
    if (this.wasOpen) this.handlers.resync?.();
    this.wasOpen = true;
  }

  private failed(source: Source): void {
    if (source !== this.source) return;
    this.handlers.connection?.(false);
    // While it is not closed, the browser itself tries again.
    if (source.readyState !== CLOSED) return;
    this.timer = setTimeout(() => this.connect(), this.wait * (0.75 + Math.random() / 2));
    this.wait = Math.min(this.wait * 2, LONGEST_WAIT_MS);
  }

  private deliver(name: Name, text: string): void {
    const handler = this.handlers[name] as ((event: unknown) => void) | undefined;
    handler?.(JSON.parse(text));
  }

  private visibilityChanged(): void {
    clearTimeout(this.timer);
    if (this.surroundings.isHidden()) this.timer = setTimeout(() => this.drop(), HIDDEN_MS);
    else if (!this.source || this.source.readyState === CLOSED) this.connect();
  }

  private drop(): void {
    this.source?.close();
    this.source = null;
  }
}
