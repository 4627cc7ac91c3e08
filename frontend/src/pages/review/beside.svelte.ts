/** A second series beside the one that is worked on, looked at in step with it. */

import { linkStates, type LinkedSide } from "../../state/linked";
import { isOverview } from "./opening";
import type { ReviewPage } from "./review.svelte";
import type { Opened } from "./series";

export class Beside {
  other = $state.raw<Opened | null>(null);
  private stopLink: (() => void) | null = null;
  private main: Opened | null = null;

  constructor(private readonly page: ReviewPage) {}

  get isOpen(): boolean {
    return this.other !== null;
  }

  /** Opens the next series that is no overview, or closes the one that is open. */
  toggle(): void {
    const { about, shown } = this.page;
    if (this.other) return this.close();
    const images = about?.images ?? [];
    const at = images.findIndex(({ id }) => id === shown?.state.facts.id);
    const others = [...images.slice(at + 1), ...images.slice(0, Math.max(0, at))];
    const next = others.find((image) => !isOverview(image, images)) ?? others[0];
    if (next) this.choose(next.id);
  }

  choose(image: string): void {
    const { about, shown, desk } = this.page;
    const wanted = about?.images.find(({ id }) => id === image);
    if (!wanted || !desk || !shown || image === shown.state.facts.id) return;
    desk.beside = image;
    this.other = desk.open(wanted, shown);
    this.link(shown, this.other);
  }

  /** The page shows another series than before; where it is the one beside, the two change places. */
  follow(shown: Opened): void {
    if (!this.other || shown === this.main) return;
    if (shown !== this.other) this.link(shown, this.other);
    else if (this.main) this.choose(this.main.state.facts.id);
  }

  close(): void {
    this.stopLink?.();
    this.stopLink = this.main = this.other = null;
    if (this.page.desk) this.page.desk.beside = null;
  }

  private link(main: Opened, other: Opened): void {
    this.stopLink?.();
    this.main = main;
    this.stopLink = linkStates(sideOf(main), sideOf(other));
  }
}

const sideOf = ({ state, stage }: Opened): LinkedSide => ({ state, sizeOf: (plane) => stage.views.get(plane)?.size });
