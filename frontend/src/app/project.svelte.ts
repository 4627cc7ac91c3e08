/** The project whose pages are open; its pages share one copy. */

import { project } from "../api/projects";
import type { Project } from "../api/types";

class OpenProject {
  current = $state.raw<Project | null>(null);
  error = $state.raw<unknown>(null);
  private id = "";

  /** Reads the project unless it is the one that is open already. */
  async open(id: string): Promise<void> {
    if (id === this.id && this.current) return;
    this.id = id;
    this.current = null;
    await this.refresh();
  }

  async refresh(): Promise<void> {
    const id = this.id;
    try {
      const answer = await project(id);
      if (id === this.id) this.replace(answer);
    } catch (error) {
      if (id === this.id) this.error = error;
    }
  }

  replace(changed: Project): void {
    this.current = changed;
    this.error = null;
  }

  can(verb: string): boolean {
    return this.current?.verbs.includes(verb) ?? false;
  }
}

export const openProject = new OpenProject();
