/** What the person at this page likes, from case to case. */

import { session } from "../../app/session.svelte";
import { FIRST_PREFERENCES, PreferenceShelf, type Preferences } from "../../state/preferences";
import { applyPreferences, remember } from "../../state/remember";
import type { ReviewState } from "../../state/review_state";
import { useKeys, type Command } from "../../tools/keys";

export class Likes {
  now = $state.raw<Preferences>(FIRST_PREFERENCES);
  /** Nothing is asked of a newcomer before it is known who is here. */
  known = $state(false);
  person = "nobody";
  private shelf = new PreferenceShelf(this.person);

  /** Takes up the preferences of whoever is signed in. */
  async open(): Promise<void> {
    const me = await session.person();
    this.person = String(me?.id ?? "nobody");
    this.shelf = new PreferenceShelf(me?.id ?? "nobody");
    this.now = this.shelf.all;
    this.known = true;
    useKeys(this.now.keys);
  }

  change(part: Partial<Preferences>): void {
    this.shelf.change(part);
    this.now = this.shelf.all;
  }

  /** One key in place of all that the command had. */
  setKey(command: Command, key: string): void {
    this.change({ keys: { ...this.shelf.all.keys, [command]: [key] } });
    useKeys(this.now.keys);
  }

  resetKeys(): void {
    this.change({ keys: {} });
    useKeys({});
  }

  /** Gives a new state the person's looks, and keeps from then on what they change of them. */
  take(state: ReviewState): () => void {
    applyPreferences(state, this.shelf.all);
    return remember(state, this.shelf);
  }
}
