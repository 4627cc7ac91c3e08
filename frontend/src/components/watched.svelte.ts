import { createSubscriber } from "svelte/reactivity";

import type { Topics } from "../state/topics";

/**
 * A reader of plain state: called where a value is derived, it derives it again when a topic is
 * told. Topics of the pointer come many times a frame, and are heard once per frame.
 */
export function watched<Name extends string>(topics: Topics<Name>, names: readonly Name[], perFrame = false): () => void {
  return createSubscriber((update) => {
    let asked = 0;
    const off = topics.on(names, () => {
      if (!perFrame) update();
      else if (!asked) asked = requestAnimationFrame(() => ((asked = 0), update()));
    });
    return () => {
      cancelAnimationFrame(asked);
      off();
    };
  });
}
