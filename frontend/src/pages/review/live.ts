/** What the service tells a page while it is open, and what the page asks of it. */

import { sentence } from "../../api/errors";
import { follow } from "../../api/events";
import { prompt } from "../../api/prompts";
import type { ReviewCase } from "../../api/review";
import type { Prompter } from "../../state/prompting";

export type Heard = {
  readonly again: () => void;
  readonly job: (isOver: boolean) => void;
  readonly case: (isNews: (known: ReviewCase | null) => boolean) => void;
  readonly presence: () => void;
  readonly online: () => void;
};

/** Follows one case; the answer ends it. */
export function followCase(id: string, heard: Heard): () => void {
  const off = follow(
    { case: id },
    {
      job: (event) => heard.job(["succeeded", "failed", "cancelled"].includes(event.state)),
      case: (event) =>
        heard.case((known) => event.state !== known?.state || (event.series ?? known.images.length) !== known.images.length || event.reference !== undefined),
      presence: heard.presence,
      resync: heard.again,
    },
  );
  addEventListener("online", heard.online);
  return () => {
    off();
    removeEventListener("online", heard.online);
  };
}

/** Asks the service for the mask that a person points at; what went wrong is told in a sentence. */
export function prompterOf(id: string, told: (trouble: string) => void): Prompter {
  return {
    ask: async (request) => {
      try {
        const found = await prompt(id, request);
        told("");
        return found;
      } catch (error) {
        told(sentence(error));
        return null;
      }
    },
  };
}
