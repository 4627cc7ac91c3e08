/** Holds back calls while nobody is signed in, and lets them go once somebody is. */

type Ask = () => Promise<void>;

let ask: Ask | null = null;
let waiting: Promise<void> | null = null;

/** The shell says how to ask for a sign-in; it resolves when a session exists again. */
export function onSignedOut(handler: Ask): () => void {
  ask = handler;
  return () => {
    if (ask === handler) ask = null;
  };
}

/** Resolves when a person has signed in again; all callers share one question. */
export function signedInAgain(): Promise<void> {
  if (!ask) return Promise.reject(new Error("Nothing on this page can ask for a sign-in."));
  waiting ??= ask().finally(() => (waiting = null));
  return waiting;
}
