import type { CanvasPoint, Plane, View, Voxel } from "../domain/coordinates";
import { atMoment, planeNumber, toPlanes } from "../domain/moments";
import type { Box, Spans } from "../domain/spans";
import type { Candidates } from "./candidates";
import type { Difference } from "./difference";
import { CaseDocument, type Change } from "./document";
import { Draft, History } from "./history";
import { HitIndex } from "./hit_index";
import { firstShapeSettings, type Band, type Outcome, type ShapeSettings } from "./shaping";
import { Topics } from "./topics";
import type { Prompter, PromptNote } from "./prompting";
import type { FindingFields, ImageFacts, Label, Task } from "./types";
import type { Heat, Uncertainty } from "./uncertainty";
import { firstLooks, freshView, type Looks } from "./view_state";
import type { Volume } from "./volume";

export type Topic = "masks" | "findings" | "looks" | "picture" | "tool" | "selection" | "save" | "presence" | "pointer" | "case" | "measures";
export type ToolName =
  | "pan"
  | "window"
  | "select"
  | "brush"
  | "eraser"
  | "ball"
  | "polygon"
  | "fill"
  | "box"
  | "prompt"
  | "gated"
  | "scissors"
  | "threshold"
  | "reviewed"
  | "ruler"
  | "angle";

/** What painting does to neighbours that may not overlap. */
export type NeighbourRule = "replace" | "protect" | "allow";
export type ToolSettings = {
  readonly tool: ToolName;
  readonly radius: number;
  readonly label: number;
  readonly neighbours: NeighbourRule;
  readonly fillBy: "hole" | "likeness";
  readonly tolerance: number;
} & ShapeSettings;
export type Pointer = { readonly plane: Plane; readonly at: CanvasPoint; readonly voxel: Voxel };

export type ReviewSetup = {
  readonly task: Task;
  readonly labels: readonly Label[];
  readonly facts: ImageFacts;
  readonly volume: Volume;
  /** Masks of another state, for an image on the same grid. */
  readonly document?: CaseDocument;
  readonly committed: (change: Change) => void;
  readonly drafted?: (change: Change | null) => void;
};

const FIRST_TOOL: Record<Task, ToolName> = { instances: "select", semantic: "brush", boxes: "box", labels: "window" };

/** Everything the review page shows and changes; tools and actions work on it, the viewer draws it. */
export class ReviewState {
  readonly topics = new Topics<Topic>();
  readonly document: CaseDocument;
  readonly history: History;
  readonly draft: Draft;
  readonly hits: HitIndex;
  readonly task: Task;
  readonly labels: readonly Label[];
  readonly facts: ImageFacts;
  readonly volume: Volume;
  readonly views: Record<Plane, View>;
  readonly fitted = new Set<Plane>();
  /** The pixels of each open plane that its canvas shows, as it was drawn last. */
  readonly sights: Partial<Record<Plane, Box>> = {};
  candidates: Candidates | null = null;
  looks: Looks;
  tools: ToolSettings;
  selected: number | null = null;
  pointer: Pointer | null = null;
  /** Two states of the case that are held against each other. */
  difference: Difference | null = null;
  editable = false;
  uncertainty: Uncertainty | null = null;
  heat: Heat | null = null;
  /** Who finds masks that a person points at; the page hands it over. */
  prompter: Prompter | null = null;
  /** What stands as a preview, not yet part of the case. */
  prompted: PromptNote | null = null;
  /** The grey values that are offered as a mask. */
  band: Band | null = null;
  /** The finding that the selected one is joined with, or cut by. */
  other: number | null = null;
  /** Hears what an operation has to say; the page hands it over. */
  told: (outcome: Outcome) => void = () => undefined;

  constructor(setup: ReviewSetup) {
    this.document = setup.document ?? new CaseDocument();
    this.task = setup.task;
    this.labels = setup.labels;
    this.facts = setup.facts;
    this.volume = setup.volume;
    this.history = new History(this.document, (change) => {
      setup.committed(change);
      this.topics.tell("findings");
    });
    this.draft = new Draft(this.document, this.history, setup.drafted);
    this.hits = new HitIndex(this.document, setup.facts.grid.nx, (finding) => this.isShown(finding));
    this.looks = firstLooks(setup.facts);
    this.tools = {
      tool: FIRST_TOOL[setup.task],
      radius: 6,
      label: setup.labels.find((label) => !label.isIgnore)?.index ?? 1,
      neighbours: "replace",
      fillBy: "hole",
      tolerance: 12,
      ...firstShapeSettings(setup.facts),
    };
    this.views = {
      axial: freshView("axial", setup.facts),
      coronal: freshView("coronal", setup.facts),
      sagittal: freshView("sagittal", setup.facts),
    };
    this.document.onMeasured(() => this.topics.tell("measures", "tool"));
    this.document.onTouched((touched, findings) => {
      if (touched.length > 0 || findings.length === 0) this.topics.tell("masks");
      if (findings.length > 0 || touched.length === 0) this.topics.tell("findings", "masks");
    });
  }

  /** How many planes masks may lie on, over all moments. */
  get planes(): number {
    return this.facts.times * this.facts.grid.nz;
  }

  /** The plane of slice `z` at the moment that is looked at. */
  here(z: number): number {
    return planeNumber(this.looks.t, z, this.facts.grid.nz);
  }

  /** Of masks by plane, those of the moment that is looked at, by z. */
  ofMoment(planes: ReadonlyMap<number, Spans>): ReadonlyMap<number, Spans> {
    return this.facts.times === 1 ? planes : atMoment(planes, this.looks.t, this.facts.grid.nz);
  }

  /** Masks by z, laid on the planes of the moment that is looked at. */
  onMoment(slices: ReadonlyMap<number, Spans>): ReadonlyMap<number, Spans> {
    return this.facts.times === 1 ? slices : toPlanes(slices, this.looks.t, this.facts.grid.nz);
  }

  /** Whether a stroke may begin: it needs the pen, and one slice to fall on. */
  get drawable(): boolean {
    return this.editable && this.looks.slab === null;
  }

  look(change: Partial<Looks>): void {
    this.looks = { ...this.looks, ...change };
    this.topics.tell("looks");
  }

  setTools(change: Partial<ToolSettings>): void {
    this.tools = { ...this.tools, ...change };
    this.topics.tell("tool");
  }

  /** `fitted` tells that the view shows the whole plane and should go on doing so. */
  setView(plane: Plane, view: View, fitted = false): void {
    this.views[plane] = view;
    if (fitted) this.fitted.add(plane);
    else this.fitted.delete(plane);
    this.topics.tell("looks");
  }

  select(finding: number | null): void {
    if (finding === this.selected) return;
    this.selected = finding;
    this.other = null;
    const label = finding === null ? null : this.document.finding(finding)?.label;
    if (label !== null && label !== undefined) this.tools = { ...this.tools, label };
    this.topics.tell("selection", "tool");
  }

  pair(other: number | null): void {
    this.other = other === this.selected ? null : other;
    this.topics.tell("selection", "tool");
  }

  offer(band: Band | null): void {
    this.band = band;
    this.topics.tell("tool");
  }

  point(pointer: Pointer | null): void {
    this.pointer = pointer;
    this.topics.tell("pointer");
  }

  label(index: number): Label | null {
    return this.labels.find((label) => label.index === index) ?? null;
  }

  isShown(finding: number): boolean {
    return this.document.isShown(finding);
  }

  /** The finding drawn on: the selected one, or in semantic tasks the one of the current label. */
  target(): number | null {
    const { label } = this.tools;
    const chosen = this.selected === null ? null : this.document.finding(this.selected);
    if (chosen && chosen.label === label) return this.selected;
    if (this.task !== "semantic") return null;
    for (const [number, fields] of this.document.findings()) if (fields.label === label && this.isShown(number)) return number;
    return null;
  }

  /** A finding that this person makes; it needs nobody's acceptance. */
  newFields(more: Partial<FindingFields> = {}): FindingFields {
    return {
      label: this.tools.label,
      state: "accepted",
      score: null,
      box: null,
      z: null,
      candidate: null,
      run: null,
      source: "person",
      note: "",
      suppressed_by: null,
      ...more,
    };
  }
}
