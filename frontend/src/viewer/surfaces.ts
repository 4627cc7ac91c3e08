import { frameOf } from "../domain/frame";
import type { Spans } from "../domain/spans";
import type { Mesh } from "../domain/surface";
import type { ReviewState } from "../state/review_state";
import { SurfaceMaker } from "../workers/surfacing";

/** So long after the last change masks are taken to be at rest. */
const REST_MS = 250;
/** The more masks there are, the fewer cells each needs to look right. */
const CELLS = [
  [16, 256],
  [200, 96],
  [Infinity, 48],
] as const;

/** The surfaces of all shown findings at the moment that is looked at, made anew where masks change. */
export class Surfaces {
  readonly meshes = new Map<number, Mesh>();
  private readonly maker = new SurfaceMaker();
  private readonly offs: (() => void)[];
  private readonly stale = new Set<number>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private moment: number;
  private going = 0;
  private round = 0;

  constructor(
    private readonly state: ReviewState,
    private readonly mostCells: number,
    private readonly changed: () => void,
  ) {
    this.moment = state.looks.t;
    this.offs = [
      state.document.onTouched((touched, findings) => {
        if (touched.length + findings.length === 0) return this.everything();
        touched.forEach(({ finding }) => this.stale.add(finding));
        // A verdict shows or hides a mask; its colour is asked for when it is drawn.
        for (const finding of findings) if (this.meshes.has(finding) !== this.state.isShown(finding)) this.stale.add(finding);
        this.soon();
        this.changed();
      }),
      state.topics.on(["looks"], () => {
        if (state.looks.t !== this.moment) this.everything();
      }),
    ];
    this.everything();
    this.begin();
  }

  /** How many surfaces are being made. */
  get pending(): number {
    return this.going + this.stale.size;
  }

  stop(): void {
    clearTimeout(this.timer);
    this.offs.forEach((off) => off());
    this.maker.stop();
  }

  private everything(): void {
    this.moment = this.state.looks.t;
    this.round++;
    this.meshes.clear();
    this.stale.clear();
    for (const finding of this.state.document.findings().keys()) this.stale.add(finding);
    this.soon();
    this.changed();
  }

  private soon(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.begin(), REST_MS);
  }

  private begin(): void {
    clearTimeout(this.timer);
    const { state } = this;
    const asked = [...this.stale];
    this.stale.clear();
    for (const finding of asked) {
      const slices = state.isShown(finding) ? state.ofMoment(state.document.slices(finding)) : new Map<number, Spans>();
      if (slices.size === 0) this.meshes.delete(finding);
      else void this.make(finding, slices);
    }
    this.changed();
  }

  private async make(finding: number, slices: ReadonlyMap<number, Spans>): Promise<void> {
    const { facts, document } = this.state;
    const { round } = this;
    this.going++;
    const many = CELLS.find(([count]) => document.findings().size <= count)![1];
    const mesh = await this.maker.make({
      slices: [...slices],
      grid: facts.grid,
      spacing: facts.spacingZyx,
      affineLps: frameOf(facts),
      most: Math.min(many, this.mostCells),
    });
    this.going--;
    if (round !== this.round) return;
    if (mesh && this.state.isShown(finding)) this.meshes.set(finding, mesh);
    else this.meshes.delete(finding);
    this.changed();
  }
}
