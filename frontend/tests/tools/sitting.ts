import { canvasPoint, canvasToImage, imageToVoxel, planeSize, type Plane } from "../../src/domain/coordinates";
import { toBase64, toBytes } from "../../src/domain/rle";
import { fromBox, type Box, type Spans } from "../../src/domain/spans";
import { runShape } from "../../src/pages/review/shape_commands";
import { keepCutoffs, tryCutoffs } from "../../src/state/actions/cutoffs";
import { interpolate } from "../../src/state/actions/gaps";
import { setImageLabel } from "../../src/state/actions/imagelabels";
import { acceptAll, discard, judge, relabel, revive } from "../../src/state/actions/judge";
import { changeMeasure } from "../../src/state/actions/measures";
import { reviewAll, reviewSlices } from "../../src/state/actions/reviewed";
import { stepSlice } from "../../src/state/actions/step";
import { Candidates, type CandidateMessage } from "../../src/state/candidates";
import type { Change } from "../../src/state/document";
import type { PromptFound, PromptRequest } from "../../src/state/prompting";
import type { NeighbourRule, ReviewState, ToolName } from "../../src/state/review_state";
import type { Reach } from "../../src/state/shaping";
import { suppressedHere } from "../../src/state/suppressed";
import type { ImageFacts, Task } from "../../src/state/types";
import { ToolController } from "../../src/tools/controller";
import type { ShapeCommand } from "../../src/tools/keys";
import type { ThresholdTool } from "../../src/tools/threshold";
import type { ToolEvent } from "../../src/tools/tool";
import { random } from "../vectors";
import { review } from "../state/support";

type Keys = Partial<Pick<ToolEvent, "shift" | "alt" | "ctrl">>;

const WIDTH = 40;
const HEIGHT = 30;
const PLANES: readonly Plane[] = ["axial", "coronal", "sagittal"];
const SHAPES: readonly ShapeCommand[] = [
  ..."grow shrink smooth largest small holes split duplicate join subtract intersect merge copyUp copyDown carryUp carryDown".split(" "),
] as ShapeCommand[];

/** Pictures of every kind: a flat one, a volume, a cine, a volume with moments. */
const FRAMES: readonly { readonly task: Task; readonly facts: Partial<ImageFacts> }[] = [
  { task: "instances", facts: {} },
  { task: "semantic", facts: { grid: { nx: WIDTH, ny: HEIGHT, nz: 4 }, spacingZyx: [3, 1, 1], source: "patient" } },
  { task: "boxes", facts: { times: 3 } },
  { task: "labels", facts: { grid: { nx: WIDTH, ny: HEIGHT, nz: 2 }, times: 2 } },
  { task: "instances", facts: { grid: { nx: WIDTH, ny: HEIGHT, nz: 4 } } },
];

/** A person at a page who does everything that can be done to a case, drawn by lot. */
export class Sitting {
  readonly state: ReviewState;
  /** How many steps each kind of act has made. */
  readonly made = new Map<string, number>();
  private readonly controller: ToolController;
  private readonly lot: () => number;
  private readonly acts: readonly (readonly [string, () => unknown])[];

  constructor(seed: number, committed: (change: Change) => void) {
    const { task, facts } = FRAMES[seed % FRAMES.length];
    this.lot = random(seed);
    this.state = review(task, facts, committed);
    this.controller = new ToolController(this.state, () => undefined);
    this.state.prompter = { ask: async (request) => this.found(request) };
    this.paintPicture();
    this.propose();
    this.acts = this.everything();
  }

  get steps(): number {
    return this.state.history.trail.position;
  }

  async act(): Promise<void> {
    const [name, act] = this.one(this.acts);
    const before = this.steps;
    await act();
    if (this.steps > before) this.made.set(name, (this.made.get(name) ?? 0) + 1);
  }

  private everything(): (readonly [string, () => unknown])[] {
    const { state } = this;
    const strokes = (["brush", "eraser", "ball", "gated", "brush", "eraser"] as const).map((tool) => [tool, () => this.stroke(tool)] as const);
    const shapes = SHAPES.map((command) => [`shape ${command}`, () => this.shaping(command)] as const);
    return [
      ...strokes,
      ...shapes,
      ["polygon", () => this.polygon()],
      ["lasso", () => this.drag("polygon", 8, 60)],
      ["fill", () => this.fill()],
      ["box", () => this.box()],
      ["scissors", () => this.scissors()],
      ["threshold", () => this.threshold()],
      ["reviewed", () => this.drag("reviewed", 2, 20, { alt: this.lot() < 0.3 }, "axial")],
      ["reviewed slices", () => (this.lot() < 0.2 ? reviewAll(state, this.lot() < 0.5) : reviewSlices(state, this.below(4), this.below(4), this.lot() < 0.7))],
      ["prompt", () => this.prompt()],
      ["ruler", () => this.drag("ruler", 2, 30)],
      ["angle", () => this.angle()],
      ["measure", () => this.remeasure()],
      ["interpolate", () => state.target() !== null && interpolate(state, state.target()!)],
      ["cut-offs", () => this.slide()],
      ["accept", () => this.each((finding) => judge(state, [finding], "accepted"))],
      ["reject", () => this.each((finding) => judge(state, [finding], "rejected"))],
      ["accept all", () => acceptAll(state)],
      ["relabel", () => this.each((finding) => relabel(state, [finding], 1 + this.below(3)))],
      ["delete", () => this.each((finding) => discard(state, [finding]))],
      ["revive", () => this.revive()],
      ["image label", () => setImageLabel(state, 1 + this.below(3), this.lot() < 0.5 ? "accepted" : "rejected")],
      ["select", () => (this.lot() < 0.3 ? state.select(null) : this.each((finding) => state.select(finding)))],
      ["look", () => this.look()],
      ["settings", () => this.set()],
      ["called off", () => this.callOff()],
      ["back", () => this.back()],
    ];
  }

  private stroke(tool: ToolName): void {
    this.state.setTools({ radius: 1 + this.lot() * 5 });
    this.drag(tool, 4, 14, { shift: this.lot() < 0.2, alt: this.lot() < 0.15 });
  }

  private polygon(): void {
    this.controller.choose("polygon");
    const plane = this.plane();
    const keys = { shift: this.lot() < 0.2, alt: this.lot() < 0.3 };
    for (let corner = 0; corner < 3 + this.below(3); corner++) this.click(this.somewhere(plane, keys));
    this.controller.finish();
  }

  private fill(): void {
    this.state.setTools({ fillBy: this.lot() < 0.5 ? "hole" : "likeness", tolerance: 2 + this.lot() * 20 });
    this.controller.choose("fill");
    this.click(this.somewhere("axial", { shift: this.lot() < 0.3 }));
  }

  /** Drawn on free ground, or the selected one moved by its middle or sized by a corner. */
  private box(): void {
    const fields = this.state.selected === null ? null : this.state.document.finding(this.state.selected);
    if (!fields?.box || this.lot() < 0.5) return this.drag("box", 2, 30, { shift: this.lot() < 0.5 }, "axial");
    const [x1, y1, x2, y2] = fields.box;
    const [x, y] = this.lot() < 0.5 ? [(x1 + x2) / 2, (y1 + y2) / 2] : [x2, y2];
    this.controller.choose("box");
    this.press([this.at("axial", x, y), this.at("axial", x + this.lot() * 12 - 6, y + this.lot() * 12 - 6)]);
  }

  private async scissors(): Promise<void> {
    this.drag("scissors", 3, 60);
    await soon();
  }

  private threshold(): void {
    this.controller.choose("threshold");
    if (this.lot() < 0.6) this.drag("threshold", 2, 30);
    const tool = this.controller.tools.threshold as ThresholdTool;
    tool.nudge(this.lot() < 0.5 ? "low" : "high", this.below(40) - 20);
    if (this.lot() < 0.8) this.controller.finish();
  }

  private async prompt(): Promise<void> {
    this.controller.choose("prompt");
    for (let stroke = 0; stroke <= this.below(3); stroke++) {
      const keys = { alt: this.lot() < 0.3, shift: this.lot() < 0.3 };
      if (this.lot() < 0.5) this.click(this.somewhere("axial", keys));
      else this.drag("prompt", 3, 16, keys, "axial");
      await soon();
    }
    if (this.lot() < 0.8) this.controller.finish();
    else this.controller.cancel();
  }

  private angle(): void {
    this.controller.choose("angle");
    const plane = this.plane();
    for (let point = 0; point < 3; point++) this.click(this.somewhere(plane));
  }

  /** A note, a moved point, or taken away. */
  private remeasure(): void {
    const all = [...this.state.document.measures.all()];
    if (all.length === 0) return;
    const [id, fields] = this.one(all);
    if (this.lot() < 0.4) return changeMeasure(this.state, id, null);
    if (this.lot() < 0.5) return changeMeasure(this.state, id, { ...fields, note: `note ${this.below(99)}` });
    this.controller.choose(fields.kind === "length" ? "ruler" : "angle");
    const { plane, points } = fields;
    const image = points[0];
    this.press([this.at(plane, image.x, image.y), this.somewhere(plane)]);
  }

  private slide(): void {
    for (let move = 0; move < 3; move++) tryCutoffs(this.state, { score: this.lot(), overlap: this.lot() });
    keepCutoffs(this.state);
  }

  private revive(): void {
    const found = suppressedHere(this.state);
    if (found.length > 0) revive(this.state, this.one(found).candidate);
  }

  private shaping(command: ShapeCommand): void {
    this.each((finding) => {
      this.state.select(finding);
      const others = [...this.state.document.findings().keys()].filter((other) => other !== finding);
      if (others.length > 0) this.state.pair(this.one(others));
      runShape(this.state, command);
    });
  }

  private look(): void {
    const { state } = this;
    stepSlice(state, "axial", this.below(5) - 2);
    state.look({ t: this.below(state.facts.times), plane: this.plane() });
  }

  private set(): void {
    const rules: readonly NeighbourRule[] = ["replace", "protect", "allow"];
    const reaches: readonly Reach[] = ["slice", "slices", "volume"];
    this.state.setTools({
      label: 1 + this.below(3),
      neighbours: this.one(rules),
      reach: this.one(reaches),
      unit: this.lot() < 0.5 ? "px" : "length",
      margin: 1 + this.below(3),
      smallest: 5 + this.below(30),
    });
  }

  /** Escape in the middle of a stroke, of a moved box, of a slider. */
  private callOff(): void {
    this.controller.choose(this.one(["brush", "eraser", "ball", "box", "reviewed"] as const));
    this.controller.down(this.somewhere("axial"), 0, 1);
    this.controller.move(this.somewhere("axial"), 1);
    this.controller.cancel();
    tryCutoffs(this.state, { score: this.lot(), overlap: this.lot() });
    this.state.draft.cancel();
  }

  /** Some steps back, most of them forth again: what is done then ends the others. */
  private back(): void {
    const steps = this.below(6);
    for (let step = 0; step < steps; step++) this.state.history.undo();
    for (let step = 0; step < this.below(6); step++) this.state.history.redo();
  }

  private drag(tool: ToolName, moves: number, reach: number, keys: Keys = {}, plane = this.plane()): void {
    this.controller.choose(tool);
    const from = this.somewhere(plane, keys);
    const events = [from];
    for (let move = 0; move < moves; move++) {
      events.push(this.at(plane, from.image.u + (this.lot() - 0.5) * reach, from.image.v + (this.lot() - 0.5) * reach, keys));
    }
    this.press(events);
  }

  private press(events: readonly ToolEvent[]): void {
    this.controller.down(events[0], 0, 1);
    events.slice(1).forEach((event) => this.controller.move(event, 1));
    this.controller.up(events[events.length - 1], 1);
  }

  private click(at: ToolEvent): void {
    this.press([at]);
  }

  private somewhere(plane: Plane, keys: Keys = {}): ToolEvent {
    const { width, height } = planeSize(plane, this.state.facts.grid);
    return this.at(plane, this.lot() * width, this.lot() * height, keys);
  }

  /** Ten canvas pixels lie on one of the image. */
  private at(plane: Plane, u: number, v: number, keys: Keys = {}): ToolEvent {
    const { state } = this;
    state.views[plane] = { ...state.views[plane], scale: 10, stretchU: 1, stretchV: 1 };
    const canvas = canvasPoint(u * 10, v * 10);
    const image = canvasToImage(state.views[plane], canvas);
    const { x, y, z } = state.looks.cursor;
    const slice = Math.floor(plane === "axial" ? z : plane === "coronal" ? y : x);
    const voxel = imageToVoxel(plane, image, slice, state.facts.grid);
    return { plane, slice, canvas, image, voxel, shift: false, alt: false, ctrl: false, ...keys };
  }

  private each(act: (finding: number) => void): void {
    const known = [...this.state.document.findings().keys()];
    if (known.length > 0) act(this.one(known));
  }

  private plane(): Plane {
    return this.state.facts.grid.nz > 1 ? this.one([...PLANES, "axial"] as const) : "axial";
  }

  private one<T>(among: readonly T[]): T {
    return among[this.below(among.length)];
  }

  private below(limit: number): number {
    return Math.floor(this.lot() * limit);
  }

  private found({ z, strokes, box }: PromptRequest): PromptFound {
    const [x, y] = strokes.find(({ positive }) => positive)?.points[0] ?? [20, 15];
    const mask = fromBox(box ?? [x - 4, y - 3, x + 5, y + 4], WIDTH, HEIGHT);
    return { score: 0.9, method: "contour", network: null, slices: [{ z, runs: runsOf(mask) }] };
  }

  /** Bright blocks on dark, a little different on every plane. */
  private paintPicture(): void {
    const { facts, volume } = this.state;
    for (let t = 0; t < facts.times; t++) {
      for (let z = 0; z < facts.grid.nz; z++) {
        const bright = (x: number, y: number): boolean => (x + z) % 16 < 9 && (y + t) % 12 < 7;
        volume.put(t, z, new Uint8Array(WIDTH * HEIGHT).map((_, k) => (bright(k % WIDTH, Math.floor(k / WIDTH)) ? 190 : 40) + (k % 7)));
      }
    }
  }

  /** What a network would have left: candidates, and the findings that the usual cut-offs make of them. */
  private propose(): void {
    const messages: CandidateMessage[] = [];
    for (let k = 0; k < 24; k++) {
      const [x, y] = [this.below(WIDTH - 8), this.below(HEIGHT - 8)];
      const box: Box = [x, y, x + 4 + this.below(5), y + 4 + this.below(5)];
      messages.push({ label: 1 + this.below(3), score: this.lot(), box, slices: { [this.below(this.state.planes)]: runsOf(fromBox(box, WIDTH, HEIGHT)) } });
    }
    const pairs = messages.slice(1).map((_, k) => [k, k + 1, this.lot()] as const);
    this.state.candidates = new Candidates("run", 100, messages, pairs);
    const usual = { score: 0.5, overlap: 0.5 };
    this.state.document.apply(this.state.candidates.change(this.state.document, usual));
  }
}

const runsOf = (mask: Spans): string => toBase64(toBytes(mask));

/** Lets a lazy chunk or an answer arrive, all of which is here. */
const soon = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
