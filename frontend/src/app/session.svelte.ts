/** Who is here, and how the page looks to them. */

import { me, preferencesSet, signOut } from "../api/people";
import type { Me, Preferences } from "../api/types";

class Session {
  me = $state.raw<Me | null>(null);
  error = $state.raw<unknown>(null);

  private loading: Promise<void> | null = null;

  load(): Promise<void> {
    return (this.loading = this.read());
  }

  /** Who is here, once that is known; null where nobody could be asked. */
  async person(): Promise<Me | null> {
    await (this.loading ?? this.load());
    return this.me;
  }

  private async read(): Promise<void> {
    try {
      this.me = await me();
      this.error = null;
      applyTheme(this.me.preferences.theme);
    } catch (error) {
      this.error = error;
    }
  }

  async prefer(change: Preferences): Promise<void> {
    if (!this.me) return;
    const preferences = { ...this.me.preferences, ...change };
    this.me = { ...this.me, preferences };
    applyTheme(preferences.theme);
    await preferencesSet(preferences);
  }

  async leave(): Promise<void> {
    await signOut();
    location.assign("/sign-in/");
  }
}

export const session = new Session();

function applyTheme(theme: Preferences["theme"]): void {
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
}
