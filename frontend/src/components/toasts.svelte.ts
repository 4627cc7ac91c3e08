/** Short messages at the edge of the page. An action makes what happened undoable. */

export type Toast = {
  readonly id: number;
  readonly text: string;
  readonly tone: "plain" | "good" | "bad";
  readonly action?: { readonly label: string; readonly run: () => void };
};

const SHOWN_MS = 6_000;
let number = 0;

class Toasts {
  all = $state.raw<readonly Toast[]>([]);

  show(text: string, tone: Toast["tone"] = "plain", action?: Toast["action"]): void {
    const id = (number += 1);
    this.all = [...this.all.slice(-3), { id, text, tone, action }];
    // A failure stays until it was read.
    if (tone !== "bad") setTimeout(() => this.dismiss(id), SHOWN_MS);
  }

  dismiss(id: number): void {
    this.all = this.all.filter((one) => one.id !== id);
  }
}

export const toasts = new Toasts();
