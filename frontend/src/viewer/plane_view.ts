import {
  canvasPoint,
  canvasToImage,
  imageToVoxel,
  planeSize,
  sliceOf,
  type CanvasPoint,
  type ImagePoint,
  type Plane,
  type View,
  type Voxel,
} from "../domain/coordinates";
import { boundingBox, xor, type Box, type Spans } from "../domain/spans";
import type { Touched } from "../state/document";
import type { ReviewState } from "../state/review_state";
import type { Shape } from "../state/shapes";
import type { Extent, Sight } from "../state/sight";
import { suppressedHere } from "../state/suppressed";
import { REVIEWED } from "../state/types";
import { meet } from "./blend";
import { Budget } from "./budget";
import { DifferenceLayer } from "./difference_layer";
import { boxInSight } from "./drawing";
import { ImageLayer } from "./image_layer";
import * as marks from "./marks";
import { MaskLayer } from "./mask_layer";
import { isKnown, outlineOf } from "./outlines";
import { css, findingColour, labelColour } from "./palette";
import { PlaneMasks, spansHere, type PlaneMask } from "./plane_masks";
import { WashLayer } from "./wash_layer";

// Below this many screen pixels per image pixel, outlines are drawn into the mask picture.
const VECTOR_SCALE = 1.5;
const NEUTRAL = "rgb(200 202 205 / 0.55)";
// An outline of more pieces than this is not drawn as a line: it would take longer than all else together.
const RAGGED = 200_000;
// From here on, composing everything once is cheaper than box by box.
const MANY = 64;

/** One plane of the case on one canvas. It draws what the state says, and changes nothing but what part of the plane is in sight. */
export class PlaneView {
  private readonly image: ImageLayer;
  private readonly fills: MaskLayer;
  private readonly masks: PlaneMasks;
  private readonly wash: WashLayer;
  private readonly difference: DifferenceLayer;
  private readonly pen: CanvasRenderingContext2D;
  private chosenBefore: number | null = null;
  private extent: Extent = { width: 0, height: 0 };

  constructor(
    private readonly state: ReviewState,
    readonly plane: Plane,
    readonly canvas: HTMLCanvasElement,
    private readonly shapes: (plane: Plane) => readonly Shape[],
  ) {
    this.image = new ImageLayer(state, plane);
    this.fills = new MaskLayer(state, plane);
    this.masks = new PlaneMasks(state, plane);
    this.wash = new WashLayer(state, plane);
    this.difference = new DifferenceLayer(state, plane, this.planeWidth);
    this.pen = canvas.getContext("2d", { alpha: false })!;
  }

  get slice(): number {
    return sliceOf(this.plane, this.state.looks.cursor);
  }

  get size(): Extent {
    return this.extent;
  }

  /** Notes what changed: masks by their voxels, findings by all they show; nothing named means everything. */
  touched(changes: readonly Touched[], findings: readonly number[]): void {
    const everything = changes.length + findings.length === 0 || changes.length + findings.length > MANY;
    if (everything || this.plane !== "axial") this.fills.spoil(null);
    else {
      const here = this.state.here(this.slice);
      for (const { z, before, after } of changes) {
        if (z === here) this.spoil(boundingBox(xor(before, after), this.planeWidth));
      }
      for (const finding of findings) this.spoil(this.masks.of(finding, this.slice)?.box);
    }
    this.masks.forget(everything ? null : changes.map((change) => change.finding));
  }

  /** Shows the whole plane, in the middle. */
  fit(): void {
    const { width, height } = planeSize(this.plane, this.state.facts.grid);
    const view = this.state.views[this.plane];
    const [w, h] = [width * view.stretchU, height * view.stretchV];
    const scale = Math.min(this.extent.width / w, this.extent.height / h) * 0.97;
    const offsetX = (this.extent.width - w * scale) / 2;
    this.state.setView(this.plane, { ...view, scale, offsetX, offsetY: (this.extent.height - h * scale) / 2 }, true);
  }

  /** The image point and the voxel under a canvas point. */
  at(point: CanvasPoint): { image: ImagePoint; voxel: Voxel } {
    const image = canvasToImage(this.state.views[this.plane], point);
    return { image, voxel: imageToVoxel(this.plane, image, this.slice, this.state.facts.grid) };
  }

  pointOf(event: MouseEvent): CanvasPoint {
    const edge = this.canvas.getBoundingClientRect();
    return canvasPoint(event.clientX - edge.left, event.clientY - edge.top);
  }

  /** True where a crowd is not wholly drawn yet: the next frame goes on. */
  draw(): boolean {
    if (!this.resize()) return false;
    const budget = new Budget();
    const { pen, extent, state } = this;
    const ratio = devicePixelRatio;
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.fillStyle = "#1a1b1d";
    pen.fillRect(0, 0, extent.width, extent.height);
    const view = state.views[this.plane];
    const sight: Sight = { pen, view, extent, ratio };
    state.sights[this.plane] = boxInSight(sight);
    if (!this.image.draw(sight, this.slice)) marks.text(pen, "…", extent.width / 2, extent.height / 2, "center");
    if (state.looks.uncertainShown) state.heat?.draw(sight, this.plane, this.slice);
    if (!state.looks.masksHidden) this.drawMasks(sight, budget);
    if (state.facts.grid.nz > 1 && state.looks.crosshair && state.looks.layout === "three") {
      marks.crosshair(pen, state, this.plane, view, extent);
    }
    marks.letters(pen, state, this.plane, extent);
    marks.scale(pen, state, this.plane, view, extent);
    for (const shape of this.shapes(this.plane)) {
      if (shape.kind === "outline") this.preview(shape.mask, view);
      else if (shape.kind === "wash") this.wash.draw(sight, shape.mask, labelColour(state, state.tools.label));
      else marks.shape(pen, view, shape);
    }
    return budget.exceeded;
  }

  private drawMasks(sight: Sight, budget: Budget): void {
    const { state, slice } = this;
    const { view, ratio } = sight;
    const edges = state.looks.outlines && view.scale * ratio < VECTOR_SCALE;
    const shown = this.masks.shown(slice);
    if (state.selected !== this.chosenBefore) {
      for (const finding of [state.selected, this.chosenBefore]) this.spoil(finding === null ? null : this.masks.of(finding, slice)?.box);
      this.chosenBefore = state.selected;
    }
    const within = boxInSight(sight);
    // Two states that are held against each other have colours of their own.
    if (!state.difference) this.fills.draw(sight, shown, slice, edges, budget);
    this.inImage(view, () => {
      if (state.looks.outlines && !edges) this.outlines(shown, within, view, budget);
      if (state.looks.suppressedShown) this.dashed(view, within, "rgb(214 215 217 / 0.85)", suppressedHere(state).map((one) => one.slices));
      this.difference.draw(this.pen, view, slice);
      const chosen = state.selected === null ? null : this.masks.of(state.selected, slice);
      if (chosen && chosen.spans.length < RAGGED) this.chosen(chosen, view);
    });
    if (state.looks.reviewedShown) this.reviewed(view);
    if (this.plane === "axial") this.boxes(view);
    this.difference.drawBoxes(this.pen, view, slice);
  }

  private spoil(box: Box | null | undefined): void {
    if (box) this.fills.spoil(box);
  }

  private outlines(shown: readonly PlaneMask[], within: Box, view: View, budget: Budget): void {
    for (const mask of shown) {
      if (!meet(mask.box, within) || mask.spans.length >= RAGGED) continue;
      if (isKnown(mask.spans)) this.outline(mask, view, 1.25);
      else budget.spend(() => this.outline(mask, view, 1.25));
    }
  }

  private outline(mask: PlaneMask, view: View, width: number): void {
    this.pen.setLineDash([]);
    this.pen.lineWidth = width / view.scale;
    this.pen.strokeStyle = this.state.difference ? NEUTRAL : css(findingColour(this.state, mask.finding), 0.95);
    this.pen.stroke(outlineOf(mask.spans, this.planeWidth));
  }

  /** The selected mask: a light line around its own, so that it stands out and hides nothing. */
  private chosen(mask: PlaneMask, view: View): void {
    const path = outlineOf(mask.spans, this.planeWidth);
    this.pen.setLineDash(this.state.isShown(mask.finding) ? [] : [5 / view.scale, 4 / view.scale]);
    this.pen.lineWidth = 4 / view.scale;
    this.pen.strokeStyle = "rgb(20 21 22 / 0.7)";
    this.pen.stroke(path);
    this.pen.lineWidth = 2 / view.scale;
    this.pen.strokeStyle = "rgb(244 244 240)";
    this.pen.stroke(path);
    this.pen.setLineDash([]);
  }

  /** What is offered and not yet part of the case. */
  private preview(mask: Spans, view: View): void {
    const path = outlineOf(mask, this.planeWidth);
    this.inImage(view, () => {
      this.pen.fillStyle = "rgb(244 244 240 / 0.12)";
      this.pen.fill(path, "evenodd");
      this.pen.setLineDash([]);
      this.pen.lineWidth = 3.5 / view.scale;
      this.pen.strokeStyle = "rgb(20 21 22 / 0.7)";
      this.pen.stroke(path);
      this.pen.setLineDash([6 / view.scale, 4 / view.scale]);
      this.pen.lineWidth = 1.75 / view.scale;
      this.pen.strokeStyle = "rgb(244 244 240)";
      this.pen.stroke(path);
      this.pen.setLineDash([]);
    });
  }

  private dashed(view: View, within: Box, colour: string, masks: readonly ReadonlyMap<number, Spans>[]): void {
    this.pen.setLineDash([4 / view.scale, 3 / view.scale]);
    this.pen.lineWidth = 1.25 / view.scale;
    this.pen.strokeStyle = colour;
    for (const slices of masks) {
      const spans = spansHere(this.state, slices, this.plane, this.slice);
      const box = boundingBox(spans, this.planeWidth);
      if (box && meet(box, within)) this.pen.stroke(outlineOf(spans, this.planeWidth));
    }
    this.pen.setLineDash([]);
  }

  /** A quiet hatch over what has been looked at; a slice marked whole has a frame alone. */
  private reviewed(view: View): void {
    const mask = this.masks.of(REVIEWED, this.slice);
    if (!mask) return;
    const { width, height } = planeSize(this.plane, this.state.facts.grid);
    const isWhole = mask.spans.length === 2 && mask.spans[1] - mask.spans[0] === width * height;
    const path = outlineOf(mask.spans, this.planeWidth);
    this.inImage(view, () => {
      this.pen.setLineDash([]);
      this.pen.lineWidth = 1.5 / view.scale;
      this.pen.strokeStyle = "rgb(119 199 154 / 0.8)";
      this.pen.stroke(path);
    });
    if (!isWhole) this.hatch(path, view);
  }

  private hatch(path: Path2D, view: View): void {
    const { pen, extent } = this;
    const clip = new Path2D();
    clip.addPath(path, { a: view.scale * view.stretchU, d: view.scale * view.stretchV, e: view.offsetX, f: view.offsetY });
    pen.save();
    pen.clip(clip);
    pen.strokeStyle = "rgb(119 199 154 / 0.28)";
    pen.lineWidth = 1;
    pen.beginPath();
    for (let x = -extent.height; x < extent.width; x += 12) {
      pen.moveTo(x, extent.height);
      pen.lineTo(x + extent.height, 0);
    }
    pen.stroke();
    pen.restore();
  }

  private boxes(view: View): void {
    const { state } = this;
    for (const [finding, { box, z }] of state.document.findings()) {
      const bare = box && (z ?? 0) === state.here(this.slice) && state.isShown(finding) && state.document.slices(finding).size === 0;
      if (!bare) continue;
      const chosen = finding === state.selected;
      marks.box(this.pen, view, box, css(findingColour(state, finding)), chosen ? 2.5 : 1.75);
      if (chosen) marks.handles(this.pen, view, box);
    }
  }

  private inImage(view: View, draw: () => void): void {
    this.pen.save();
    this.pen.transform(view.scale * view.stretchU, 0, 0, view.scale * view.stretchV, view.offsetX, view.offsetY);
    draw();
    this.pen.restore();
  }

  private get planeWidth(): number {
    return planeSize(this.plane, this.state.facts.grid).width;
  }

  /** Follows the element's size; the middle of the sight stays in the middle. */
  private resize(): boolean {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (width === 0 || height === 0) return false;
    const [w, h] = [Math.round(width * devicePixelRatio), Math.round(height * devicePixelRatio)];
    if (this.canvas.width !== w || this.canvas.height !== h) Object.assign(this.canvas, { width: w, height: h });
    const { width: oldWidth, height: oldHeight } = this.extent;
    this.extent = { width, height };
    if (oldWidth === width && oldHeight === height) return true;
    const view = this.state.views[this.plane];
    if (view.scale === 0 || this.state.fitted.has(this.plane)) this.fit();
    else if (oldWidth > 0) {
      const offsetX = view.offsetX + (width - oldWidth) / 2;
      this.state.setView(this.plane, { ...view, offsetX, offsetY: view.offsetY + (height - oldHeight) / 2 });
    }
    return true;
  }
}
