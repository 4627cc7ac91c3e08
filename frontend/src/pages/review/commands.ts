import { goToSlice, nextProposed, stepSlice } from "../../state/actions/step";
import { findingRows } from "../../state/finding_list";
import { interpolate } from "../../state/actions/gaps";
import { imageLabels, setImageLabel } from "../../state/actions/imagelabels";
import { acceptAll, discard, judge, relabel } from "../../state/actions/judge";
import { nextChange } from "../../state/actions/difference";
import { toggleOblique } from "../../state/actions/oblique";
import { nextSlab, resizeSlab } from "../../state/actions/slab";
import { nextUncertain } from "../../state/actions/uncertain";
import { reviewSlices } from "../../state/actions/reviewed";
import type { ToolName } from "../../state/review_state";
import { HELD, chord, commandOf, digitOf, type Command, type ShapeCommand } from "../../tools/keys";
import type { ThresholdTool } from "../../tools/threshold";
import type { ListChoice } from "./list.svelte";
import type { Opened } from "./review.svelte";

/** What the page itself does on a command. */
export type Shell = {
  readonly choice: ListChoice;
  show(finding: number): void;
  nextCase(): void;
  submit(): void;
  stepSeries(by: 1 | -1): void;
  toggleBeside(): void;
  toggleHelp(): void;
  togglePanels(): void;
  openShape(): void;
  toggleBare(): void;
  toggleDifference(): void;
};

const PAGE = 10;

/** Runs commands; those that change the case run only with the pen in the hand. */
export class Commands {
  private readonly table: Readonly<Record<Exclude<Command, `tool.${ToolName}` | `shape.${ShapeCommand}`>, () => void>>;
  private readonly edits: ReadonlySet<Command> = new Set<Command>([
    "undo",
    "redo",
    "accept",
    "reject",
    "acceptAll",
    "delete",
    "interpolate",
    "reviewedSlice",
  ]);

  constructor(
    private readonly opened: Opened,
    private readonly shell: Shell,
  ) {
    const { state, stage } = opened;
    const plane = (): typeof state.looks.plane => state.looks.plane;
    opened.controller.hand.viewport = (at) => stage.views.get(at)?.size;
    this.table = {
      undo: () => void state.history.undo(),
      redo: () => void state.history.redo(),
      accept: () => this.judge("accepted"),
      reject: () => this.judge("rejected"),
      acceptAll: () => void acceptAll(state),
      delete: () => state.selected !== null && discard(state, [state.selected]),
      nextFinding: () => this.step(1),
      previousFinding: () => this.step(-1),
      nextCase: () => shell.nextCase(),
      submit: () => shell.submit(),
      smaller: () => this.size(-1),
      larger: () => this.size(1),
      narrower: () => this.range(-1),
      wider: () => this.range(1),
      reach: () => state.facts.grid.nz > 1 && state.setTools({ reach: AFTER[state.tools.reach] }),
      otherFinding: () => void shapes().then(({ nextOther }) => nextOther(state)),
      shapePanel: () => shell.openShape(),
      sliceUp: () => stepSlice(state, plane(), 1),
      sliceDown: () => stepSlice(state, plane(), -1),
      pageUp: () => stepSlice(state, plane(), PAGE),
      pageDown: () => stepSlice(state, plane(), -PAGE),
      firstSlice: () => goToSlice(state, plane(), 0),
      lastSlice: () => goToSlice(state, plane(), Infinity),
      frameBack: () => this.frame(-1),
      frameOn: () => this.frame(1),
      hideMasks: () => state.look({ masksHidden: !state.looks.masksHidden }),
      outlines: () => state.look({ outlines: !state.looks.outlines }),
      suppressed: () => state.look({ suppressedShown: !state.looks.suppressedShown }),
      uncertainty: () => state.look({ uncertainShown: !state.looks.uncertainShown }),
      nextUncertain: () => nextUncertain(state, 1, stage.views.get(plane())?.size),
      previousUncertain: () => nextUncertain(state, -1, stage.views.get(plane())?.size),
      difference: () => shell.toggleDifference(),
      nextChange: () => nextChange(state, 1, stage.views.get(plane())?.size),
      previousChange: () => nextChange(state, -1, stage.views.get(plane())?.size),
      invert: () => state.look({ inverted: !state.looks.inverted }),
      slab: () => !opened.controller.busy && nextSlab(state),
      slabThinner: () => resizeSlab(state, -1),
      slabThicker: () => resizeSlab(state, 1),
      surfaces: () => state.facts.grid.nz > 1 && state.look({ surfaces: !state.looks.surfaces }),
      oblique: () => !opened.controller.busy && toggleOblique(state),
      fit: () => stage.fit(),
      layout: () => state.look({ layout: state.looks.layout === "one" && state.facts.grid.nz > 1 ? "three" : "one" }),
      interpolate: () => void (state.target() !== null && interpolate(state, state.target()!)),
      reviewedSlice: () => this.reviewed(),
      newFinding: () => state.select(null),
      hand: () => opened.controller.hand.toggle(),
      nextSeries: () => shell.stepSeries(1),
      previousSeries: () => shell.stepSeries(-1),
      beside: () => shell.toggleBeside(),
      panels: () => shell.togglePanels(),
      bare: () => shell.toggleBare(),
      help: () => shell.toggleHelp(),
    };
  }

  run(command: Command): void {
    const { state, controller } = this.opened;
    const isShaping = command.startsWith("shape.");
    if ((isShaping || this.edits.has(command)) && (!state.editable || controller.busy)) return;
    if (isShaping) void shapes().then(({ runShape }) => runShape(state, command.slice("shape.".length) as ShapeCommand));
    else if (command.startsWith("tool.")) controller.choose(command.slice("tool.".length) as ToolName);
    else this.table[command as keyof typeof this.table]();
  }

  /** True when the key meant something here. */
  key(event: KeyboardEvent): boolean {
    const { controller } = this.opened;
    if (event.key === "Escape") return controller.hand.drop() || controller.cancel() || this.deselect() || this.putHandAway();
    if (controller.hand.key(event)) return true;
    if (event.key === "Enter" && !event.shiftKey && !event.ctrlKey && !event.metaKey) {
      controller.finish();
      return true;
    }
    if (HELD[event.key]) {
      controller.borrow(HELD[event.key]);
      return true;
    }
    const label = this.labelOf(event);
    if (label !== null) return this.useLabel(label);
    const command = commandOf(event);
    if (!command) return false;
    if (!event.repeat || REPEATS.has(command)) this.run(command);
    return true;
  }

  private labelOf(event: KeyboardEvent): number | null {
    if (event.ctrlKey || event.metaKey || event.altKey) return null;
    const { labels } = this.opened.state;
    const own = labels.find((label) => label.key !== "" && label.key.toLowerCase() === chord(event));
    const digit = digitOf(event);
    if (own) return own.index;
    return digit === null ? null : (labels[digit - 1]?.index ?? null);
  }

  /** A label's key says something of the image, renames the selected finding, or chooses what to draw. */
  private useLabel(label: number): boolean {
    const { state } = this.opened;
    if (state.task === "labels") {
      if (state.editable && imageLabels(state).some((row) => row.label === label)) setImageLabel(state, label, "accepted");
    } else if (state.selected !== null && state.editable && state.task !== "semantic") relabel(state, [state.selected], label);
    else {
      state.select(null);
      state.setTools({ label });
    }
    return true;
  }

  private judge(verdict: "accepted" | "rejected"): void {
    const { state } = this.opened;
    if (state.selected === null) return this.step(1);
    const judged = state.selected;
    const next = nextProposed(state, this.order(), 1);
    judge(state, [judged], verdict);
    // A verdict leads on to the next doubt, so that one key does the round.
    if (next !== null && next !== judged && state.document.finding(judged)?.state === verdict) this.shell.show(next);
  }

  private step(by: 1 | -1): void {
    const next = nextProposed(this.opened.state, this.order(), by);
    if (next !== null) this.shell.show(next);
  }

  private order(): number[] {
    return findingRows(this.opened.state, "all", this.shell.choice.order).map((row) => row.number);
  }

  /** The bracket keys change what the tool in the hand has: its radius, or the ends of its band. */
  private size(by: 1 | -1): void {
    const { state, controller } = this.opened;
    if (state.tools.tool === "threshold") (controller.tools.threshold as ThresholdTool).nudge("low", by);
    else state.setTools({ radius: Math.min(80, Math.max(0.5, resized(state.tools.radius, by))) });
  }

  private range(by: 1 | -1): void {
    const { state, controller } = this.opened;
    if (state.tools.tool === "threshold") (controller.tools.threshold as ThresholdTool).nudge("high", by);
    else state.setTools({ tolerance: Math.min(50, Math.max(1, state.tools.tolerance + by)) });
  }

  private frame(by: number): void {
    const { state, controller } = this.opened;
    const { times } = state.facts;
    if (times > 1 && !controller.busy) state.look({ t: (state.looks.t + by + times) % times });
  }

  private reviewed(): void {
    const { state } = this.opened;
    const z = Math.floor(state.looks.cursor.z);
    const known = state.document.mask(0, state.here(z));
    const isWhole = known.length === 2 && known[1] - known[0] === state.facts.grid.nx * state.facts.grid.ny;
    reviewSlices(state, z, z, !isWhole);
  }

  private putHandAway(): boolean {
    const { hand } = this.opened.controller;
    const was = hand.active;
    hand.leave();
    return was;
  }

  private deselect(): boolean {
    const { state } = this.opened;
    if (state.other !== null) {
      state.pair(null);
      return true;
    }
    const had = state.selected !== null;
    state.select(null);
    return had;
  }
}

const REPEATS: ReadonlySet<Command> = new Set<Command>([
  "undo",
  "redo",
  "sliceUp",
  "sliceDown",
  "pageUp",
  "pageDown",
  "frameBack",
  "frameOn",
  "smaller",
  "larger",
  "narrower",
  "wider",
  "slabThinner",
  "slabThicker",
]);

/** Operations on findings come with the first of them. */
const shapes = () => import("./shape_commands");

const AFTER = { slice: "slices", slices: "volume", volume: "slice" } as const;

/** Steps that feel even from one pixel to eighty. */
const resized = (radius: number, by: 1 | -1): number => Math.round((radius + by * Math.max(0.5, radius * 0.12)) * 2) / 2;
