import type { Plane } from "../domain/coordinates";
import type { ReviewState } from "../state/review_state";
import type { Shape } from "../state/shapes";
import { PlaneView } from "./plane_view";

/** Draws every open plane once per frame in which something it shows has changed. */
export class Stage {
  readonly views = new Map<Plane, PlaneView>();
  private frame = 0;
  private readonly offs: (() => void)[];
  private readonly sizes = new ResizeObserver(() => this.ask());

  constructor(
    private readonly state: ReviewState,
    private readonly shapes: (plane: Plane) => readonly Shape[],
  ) {
    this.offs = [
      state.topics.on(["looks", "picture", "selection", "tool", "pointer"], () => this.ask()),
      state.document.onTouched((touched, findings) => {
        this.views.forEach((view) => view.touched(touched, findings));
        this.ask();
      }),
    ];
  }

  open(plane: Plane, canvas: HTMLCanvasElement): () => void {
    const view = new PlaneView(this.state, plane, canvas, this.shapes);
    this.views.set(plane, view);
    this.sizes.observe(canvas);
    this.ask();
    return () => {
      this.sizes.unobserve(canvas);
      if (this.views.get(plane) === view) this.views.delete(plane);
    };
  }

  fit(): void {
    this.views.forEach((view) => view.fit());
  }

  ask(): void {
    if (this.frame) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      if ([...this.views.values()].filter((view) => view.draw()).length > 0) this.ask();
    });
  }

  stop(): void {
    cancelAnimationFrame(this.frame);
    this.sizes.disconnect();
    this.offs.forEach((off) => off());
  }
}
