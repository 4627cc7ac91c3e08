/** The only place that fetches. Adds the CSRF header, types errors, waits for a sign-in. */

import { type ApiError, errorFrom, OfflineError, SignedOutError } from "./errors";
import { signedInAgain } from "./gate";

export const ROOT = "/api/v1/";

/** The app speaks English; so must the sentences it shows, whatever the browser would ask for. */
const LANGUAGE = "en";

export type Method = "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";
export type Query = Readonly<Record<string, string | number | boolean | null | undefined>>;
export type Options = {
  readonly query?: Query;
  readonly json?: unknown;
  readonly bytes?: Blob | ArrayBuffer;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  /** What to do when nobody is signed in: wait for the sign-in over the page, or throw. */
  readonly signedOut?: "wait" | "throw";
  /** Lets the request outlive the page; the browser limits it to 64 kB. */
  readonly keepalive?: boolean;
};

export async function get<T>(path: string, query?: Query, options: Options = {}): Promise<T> {
  return body<T>(await send("GET", path, { ...options, query }));
}

export async function post<T>(path: string, json?: unknown, options: Options = {}): Promise<T> {
  return body<T>(await send("POST", path, { ...options, json }));
}

/** The answer of a request that went well; anything else is thrown as a typed error. */
export function send(method: Method, path: string, options: Options = {}): Promise<Response> {
  return checked(() => attempt(method, path, options), options.signal, options.signedOut);
}

/** A fetch for the generated client: the same token, the same errors, the same wait for a sign-in. */
export function guarded(request: Request): Promise<Response> {
  const again = () => {
    const copy = request.clone();
    copy.headers.set("Accept-Language", LANGUAGE);
    if (copy.method !== "GET") copy.headers.set("X-CSRFToken", csrfToken());
    return fetch(copy);
  };
  return checked(again, request.signal, "wait");
}

export function address(path: string, query: Query = {}): string {
  const pairs = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== "");
  const search = new URLSearchParams(pairs.map(([name, value]) => [name, String(value)])).toString();
  const base = path.startsWith("/") ? path : ROOT + path;
  return search ? `${base}?${search}` : base;
}

async function checked(
  call: () => Promise<Response>,
  signal: AbortSignal | undefined,
  signedOut: Options["signedOut"],
): Promise<Response> {
  const response = await call().catch((error: unknown) => {
    throw signal?.aborted ? error : new OfflineError();
  });
  if (response.ok) return response;
  const error = await errorFrom(response);
  if (!isSignedOut(error)) throw error;
  if (signedOut === "throw") throw new SignedOutError(error.status, error.code, error.message, error.fields);
  await signedInAgain();
  return checked(call, signal, signedOut);
}

function attempt(method: Method, path: string, options: Options): Promise<Response> {
  const headers = new Headers(options.headers);
  headers.set("Accept", "application/json");
  headers.set("Accept-Language", LANGUAGE);
  if (options.json !== undefined) headers.set("Content-Type", "application/json");
  if (method !== "GET" && method !== "HEAD") headers.set("X-CSRFToken", csrfToken());
  return fetch(address(path, options.query), {
    method,
    headers,
    body: options.json === undefined ? options.bytes : JSON.stringify(options.json),
    signal: options.signal,
    keepalive: options.keepalive,
    credentials: "same-origin",
  });
}

async function body<T>(response: Response): Promise<T> {
  if (response.status === 204) return undefined as T;
  return (await response.json()) as T;
}

function isSignedOut(error: ApiError): boolean {
  return error.status === 401 || error.code === "not_signed_in";
}

function csrfToken(): string {
  const pair = document.cookie.split("; ").find((one) => one.startsWith("csrftoken="));
  return pair ? decodeURIComponent(pair.slice("csrftoken=".length)) : "";
}
