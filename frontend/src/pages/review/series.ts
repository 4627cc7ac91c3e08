/** The series of a case that are looked at beside the reference: never drawn on. */

import type { ReviewImage } from "../../api/review";
import { sameGrid, samePlace } from "../../state/places";
import { ReviewState } from "../../state/review_state";
import type { Looks } from "../../state/view_state";
import { Volume } from "../../state/volume";
import { ToolController } from "../../tools/controller";
import { loadPixels } from "../../viewer/loading";
import type { PixelLoader } from "../../viewer/source";
import { Stage } from "../../viewer/stage";
import { factsOf, pixelsOf } from "./opening";

export type Opened = { readonly state: ReviewState; readonly controller: ToolController; readonly stage: Stage };
type Looked = Opened & { readonly loader: PixelLoader; readonly forget: () => void };
type Kept = { readonly looks: Looks; readonly views: ReviewState["views"]; readonly fitted: ReadonlySet<keyof ReviewState["views"]> };
type Told = { readonly refused: () => void; readonly failed: () => void; readonly made: (state: ReviewState) => () => void };

/** Pixels of so many series stay at hand; of all others only how they were looked at. */
const MOST_AT_HAND = 2;

export class SeriesDesk {
  private readonly atHand = new Map<string, Looked>();
  private readonly kept = new Map<string, Kept>();
  /** The series that stands beside the page's: it is never put away. */
  beside: string | null = null;

  constructor(
    private readonly reference: Opened,
    private readonly told: Told,
  ) {}

  /** The image as it was last looked at, at the place in the patient that `from` shows. */
  open(image: ReviewImage, from: Opened): Opened {
    const to = image.id === this.reference.state.facts.id ? this.reference : this.looked(image);
    if (to === from) return to;
    from.controller.leave();
    const cursor = samePlace(from.state.looks.cursor, from.state.facts, to.state.facts);
    to.state.look({ masksHidden: from.state.looks.masksHidden, ...(cursor && { cursor }) });
    if (to.state.document === from.state.document) to.state.select(from.state.selected);
    return to;
  }

  retry(): void {
    this.atHand.forEach(({ loader }) => loader.retry());
  }

  stop(): void {
    [...this.atHand.keys()].forEach((image) => this.putAway(image));
  }

  private looked(image: ReviewImage): Opened {
    const known = this.atHand.get(image.id);
    const looked = known ?? this.take(image);
    this.atHand.delete(image.id);
    this.atHand.set(image.id, looked);
    const oldest = [...this.atHand.keys()].find((one) => one !== image.id && one !== this.beside);
    if (this.atHand.size > MOST_AT_HAND && oldest !== undefined) this.putAway(oldest);
    return looked;
  }

  private take(image: ReviewImage): Looked {
    const facts = factsOf(image);
    const { state: own } = this.reference;
    const state = new ReviewState({
      task: own.task,
      labels: own.labels,
      facts,
      volume: new Volume(facts),
      document: sameGrid(facts, own.facts) ? own.document : undefined,
      committed: () => undefined,
    });
    const forget = this.told.made(state);
    const kept = this.kept.get(image.id);
    if (kept) {
      state.looks = kept.looks;
      Object.assign(state.views, kept.views);
      kept.fitted.forEach((plane) => state.fitted.add(plane));
    }
    const controller = new ToolController(state, this.told.refused);
    const loader = loadPixels(state, { ...pixelsOf(facts.id), failed: this.told.failed });
    return { state, controller, stage: new Stage(state, (plane) => controller.shapes(plane)), loader, forget };
  }

  private putAway(image: string): void {
    const { state, stage, loader, forget } = this.atHand.get(image)!;
    forget();
    loader.stop();
    stage.stop();
    this.kept.set(image, { looks: state.looks, views: { ...state.views }, fitted: new Set(state.fitted) });
    this.atHand.delete(image);
  }
}
