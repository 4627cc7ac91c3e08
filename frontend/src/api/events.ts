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
export type CaseEvent = {
  readonly id: string;
  readonly state: CaseState;
  readonly head: string | null;
  /** How many images the case has, told when one came in. */
  readonly series?: number;
  /** The image that became the reference. */
  readonly reference?: string;
};
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

const shared = new WeakMap<Surroundings, Map<string, Stream>>();

/** Follows what happens in a scope until the returned function is called; equal scopes share one connection. */
export function follow(scope: Scope, handlers: Handlers, surroundings: Surroundings = browser): () => void {
  const url = address("events/", scope);
  const streams = shared.get(surroundings) ?? new Map<string, Stream>();
  shared.set(surroundings, streams);
  const stream = streams.get(url) ?? new Stream(url, surroundings);
  streams.set(url, stream);
  stream.join(handlers);
  return () => {
    if (stream.leave(handlers)) streams.delete(url);
  };
}

class Stream {
  private readonly followers = new Set<Handlers>();
  private source: Source | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private wait = FIRST_WAIT_MS;
  private wasOpen = false;
  private forgetVisibility = () => {};

  constructor(
    private readonly url: string,
    private readonly surroundings: Surroundings,
  ) {}

  join(handlers: Handlers): void {
    this.followers.add(handlers);
    if (this.followers.size === 1) this.start();
  }

  /** True when the last one left and the connection is closed. */
  leave(handlers: Handlers): boolean {
    this.followers.delete(handlers);
    if (this.followers.size) return false;
    this.stop();
    return true;
  }

  private start(): void {
    this.forgetVisibility = this.surroundings.onVisibility(() => this.visibilityChanged());
    this.connect();
  }

  private stop(): void {
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
    this.tell((handlers) => handlers.connection?.(true));
    if (this.wasOpen) this.tell((handlers) => handlers.resync?.());
    this.wasOpen = true;
  }

  private failed(source: Source): void {
    if (source !== this.source) return;
    this.tell((handlers) => handlers.connection?.(false));
    // While it is not closed, the browser itself tries again.
    if (source.readyState !== CLOSED) return;
    this.timer = setTimeout(() => this.connect(), this.wait * (0.75 + Math.random() / 2));
    this.wait = Math.min(this.wait * 2, LONGEST_WAIT_MS);
  }

  private deliver(name: Name, text: string): void {
    const event: unknown = JSON.parse(text);
    this.tell((handlers) => (handlers[name] as ((event: unknown) => void) | undefined)?.(event));
  }

  private tell(act: (handlers: Handlers) => void): void {
    [...this.followers].forEach(act);
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
