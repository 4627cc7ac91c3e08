import type { CaseContent } from "../state/transport";
import { get } from "./http";
import type { ReviewCase } from "./review";

/** What a case's page needs first. */
export type Early = { readonly id: string; readonly about: Promise<ReviewCase>; readonly content: Promise<CaseContent> };

let asked: Early | null = null;

/** Asks while the page's scripts are still on their way. */
export function askEarly(id: string): void {
  asked = ask(id);
}

/** What was asked early, once; else it is asked now. */
export function takeEarly(id: string): Early {
  const found = asked?.id === id ? asked : ask(id);
  asked = null;
  return found;
}

function ask(id: string): Early {
  const early = { id, about: get<ReviewCase>(`cases/${id}/`), content: get<CaseContent>(`cases/${id}/state/`) };
  // Whoever takes them hears what went wrong.
  for (const promise of [early.about, early.content]) promise.catch(() => undefined);
  return early;
}
