import { dot, mixed, type Vector } from "../domain/camera";
import { canvasPoint, clampToGrid, voxelToWorld, worldToVoxel, type CanvasPoint, type World } from "../domain/coordinates";
import { frameOf } from "../domain/frame";
import { gridCorners, lettersOf, onto, rasterOf, sampleRaster, type Sampled, type Tilt } from "../domain/oblique";
import { inWords, isMicroscopic, length, scaleBar } from "../domain/units";
import { greyTable, paintColour, paintGrey } from "../domain/window";
import type { ReviewState } from "../state/review_state";
import { cross, text } from "./marks";
import { VoxelOwners } from "./oblique_masks";
import { findingColour } from "./palette";

/** After so long without a change the best picture is drawn. */
const STILL_MS = 120;
const FRAME_MS = 24;
const COARSEST = 4;
/** A picture at rest has no more pixels than this. */
const MOST_PIXELS = 2 ** 21;
const GROUND = "#1a1b1d";

export type Ruler = { readonly from: Vector; readonly to: Vector };

/** The tilted plane on a canvas: the image between its voxels, the masks by voxel. Read only. */
export class ObliqueView {
  ruler: Ruler | null = null;
  private readonly pen: CanvasRenderingContext2D;
  private readonly picture = document.createElement("canvas");
  private readonly owners: VoxelOwners;
  private readonly offs: (() => void)[];
  private readonly sizes = new ResizeObserver(() => this.ask());
  private frame = 0;
  private still: ReturnType<typeof setTimeout> | undefined;
  private moving = false;
  private coarse = 1;
  /** Canvas pixels per millimetre; 0 until the first fit. */
  private scale = 0;
  private fitting = true;
  private centre: Vector = [0, 0, 0];

  constructor(
    private readonly state: ReviewState,
    private readonly canvas: HTMLCanvasElement,
  ) {
    this.pen = canvas.getContext("2d", { alpha: false })!;
    this.owners = new VoxelOwners(state);
    this.sizes.observe(canvas);
    this.offs = [
      state.topics.on(["looks", "masks", "findings"], () => this.ask(true)),
      state.topics.on(["selection", "picture"], () => this.ask()),
    ];
    this.ask();
  }

  stop(): void {
    cancelAnimationFrame(this.frame);
    clearTimeout(this.still);
    this.offs.forEach((off) => off());
    this.sizes.disconnect();
    this.owners.stop();
  }

  fit(): void {
    this.fitting = true;
    this.ask();
  }

  zoom(at: CanvasPoint, factor: number): void {
    const before = this.worldAt(at);
    this.fitting = false;
    this.scale = Math.min(400, Math.max(0.02, this.scale * factor));
    const after = this.worldAt(at);
    this.centre = mixed(this.centre, 1, mixed(before, 1, after, -1), 1);
    this.ask(true);
  }

  pan(across: number, down: number): void {
    const { right, up } = this.tilt;
    this.fitting = false;
    this.centre = mixed(mixed(this.centre, 1, right, -across / this.scale), 1, up, down / this.scale);
    this.ask(true);
  }

  /** The crosshair where the pointer is, on the same tilted plane. */
  point(at: CanvasPoint): void {
    const { facts } = this.state;
    const [x, y, z] = this.worldAt(at);
    const found = worldToVoxel({ x, y, z } as World, frameOf(facts));
    if (found) this.state.look({ cursor: clampToGrid(found, facts.grid) });
  }

  measure(ruler: Ruler | null): void {
    this.ruler = ruler;
    this.ask();
  }

  worldAt({ x, y }: CanvasPoint): Vector {
    const { right, up } = this.tilt;
    const { clientWidth: width, clientHeight: height } = this.canvas;
    return mixed(mixed(this.centre, 1, right, (x - width / 2) / this.scale), 1, up, (height / 2 - y) / this.scale);
  }

  private get tilt(): Tilt {
    return this.state.looks.oblique!;
  }

  private ask(moves = false): void {
    if (moves) {
      this.moving = true;
      clearTimeout(this.still);
      this.still = setTimeout(() => {
        this.moving = false;
        this.ask();
      }, STILL_MS);
    }
    if (this.frame) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      if (this.state.looks.oblique) this.draw();
    });
  }

  private draw(): void {
    const { canvas, pen } = this;
    const { clientWidth: width, clientHeight: height } = canvas;
    if (width === 0 || height === 0) return;
    const ratio = devicePixelRatio;
    const size = { width: Math.round(width * ratio), height: Math.round(height * ratio) };
    if (canvas.width !== size.width || canvas.height !== size.height) Object.assign(canvas, size);
    if (this.fitting) this.frameAll(width, height);
    const { x, y, z } = voxelToWorld(this.state.looks.cursor, frameOf(this.state.facts));
    // The plane follows the crosshair; what is in sight stays in sight.
    this.centre = onto(this.tilt, [x, y, z], this.centre);
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.fillStyle = GROUND;
    pen.fillRect(0, 0, width, height);
    this.drawImage(width, height, ratio);
    this.drawMarks(width, height, [x, y, z]);
  }

  private frameAll(width: number, height: number): void {
    const affine = frameOf(this.state.facts);
    const corners = gridCorners(this.state.facts.grid, (at) => voxelToWorld(at, affine));
    const { right, up } = this.tilt;
    const low = [0, 1, 2].map((k) => Math.min(...corners.map((corner) => corner[k])));
    const high = [0, 1, 2].map((k) => Math.max(...corners.map((corner) => corner[k])));
    this.centre = low.map((bottom, k) => (bottom + high[k]) / 2) as unknown as Vector;
    const reach = (way: Vector): number => Math.max(...corners.map((corner) => Math.abs(dot(way, mixed(corner, 1, this.centre, -1)))));
    this.scale = Math.min(width / 2 / reach(right), height / 2 / reach(up)) * 0.97;
  }

  private drawImage(width: number, height: number, ratio: number): void {
    const began = performance.now();
    const finest = Math.max(1 / ratio, Math.sqrt((width * height) / MOST_PIXELS));
    const pixel = this.moving ? Math.max(finest, this.coarse) : finest;
    const [columns, rows] = [Math.max(1, Math.round(width / pixel)), Math.max(1, Math.round(height / pixel))];
    const { facts, volume, looks } = this.state;
    const raster = rasterOf(this.tilt, this.centre, width / columns / this.scale, columns, rows);
    const axial = (z: number): ReturnType<typeof volume.axial> => volume.axial(looks.t, z);
    const sampled = sampleRaster(raster, { ...facts, affine: frameOf(facts), axial });
    if (!sampled) return;
    const image = new ImageData(columns, rows);
    this.paint(new Uint32Array(image.data.buffer), sampled);
    if (!looks.masksHidden) this.lay(image.data, sampled.voxels);
    Object.assign(this.picture, { width: columns, height: rows });
    this.picture.getContext("2d")!.putImageData(image, 0, 0);
    this.pen.imageSmoothingEnabled = looks.smooth;
    this.pen.drawImage(this.picture, 0, 0, width, height);
    if (this.moving) this.budget(performance.now() - began);
  }

  private budget(took: number): void {
    if (took > FRAME_MS) this.coarse = Math.min(COARSEST, this.coarse * 1.4);
    else if (took < FRAME_MS / 3) this.coarse = Math.max(1, this.coarse / 1.4);
  }

  private paint(out: Uint32Array, { values, voxels }: Sampled): void {
    const { looks, facts } = this.state;
    const isColour = looks.channel === null && facts.channels === 3;
    const table = greyTable(facts.type, looks.window, looks.inverted, isColour ? "grey" : looks.colours);
    if (isColour) paintColour(out, values, table);
    else {
      const from = (looks.channel ?? 0) * out.length;
      paintGrey(out, values.subarray(from, from + out.length), table);
    }
    // Nothing is shown where there is nothing, whatever the window makes of zero.
    for (let k = 0; k < out.length; k++) if (voxels[k] < 0) out[k] = 0;
  }

  /** The fill of whoever owns the voxel that a pixel lies in. */
  private lay(bytes: Uint8ClampedArray, voxels: Int32Array): void {
    const { looks, facts, selected } = this.state;
    const { nx, ny } = facts.grid;
    const readers = new Map<number, ReturnType<VoxelOwners["slice"]>>();
    const colours = new Map<number, readonly [number, number, number, number]>();
    for (let k = 0; k < voxels.length; k++) {
      if (voxels[k] < 0) continue;
      const z = Math.floor(voxels[k] / (nx * ny));
      let reader = readers.get(z);
      if (reader === undefined) readers.set(z, (reader = this.owners.slice(z)));
      const within = voxels[k] - z * nx * ny;
      const finding = reader?.(within % nx, Math.floor(within / nx)) ?? null;
      if (finding === null) continue;
      let colour = colours.get(finding);
      if (!colour) {
        const share = finding === selected ? Math.min(1, looks.opacity * 1.5) : looks.opacity;
        colours.set(finding, (colour = [...findingColour(this.state, finding), share]));
      }
      for (let part = 0; part < 3; part++) bytes[4 * k + part] += (colour[part] - bytes[4 * k + part]) * colour[3];
    }
  }

  private drawMarks(width: number, height: number, cursor: Vector): void {
    const { pen } = this;
    const { facts } = this.state;
    const { right, up } = this.tilt;
    if (this.state.looks.crosshair) cross(this.pen, canvasPoint(...this.onCanvas(cursor, width, height)), [8, 22], "rgb(240 198 116 / 0.9)", 1);
    if (facts.affineLps) {
      const back = (way: Vector): Vector => mixed(way, -1, way, 0);
      text(pen, lettersOf(back(right)), 14, height / 2, "center");
      text(pen, lettersOf(right), width - 14, height / 2, "center");
      text(pen, lettersOf(up), width / 2, 12, "center");
      text(pen, lettersOf(back(up)), width / 2, height - 12, "center");
    }
    this.bar(width, height);
    if (this.ruler) this.line(this.ruler, width, height);
  }

  /** A round length, in the unit that the spacing allows. */
  private bar(width: number, height: number): void {
    const { pen } = this;
    const { spacingZyx, source } = this.state.facts;
    const isMicro = spacingZyx !== null && isMicroscopic(spacingZyx);
    const bar = scaleBar(this.scale / (isMicro ? 1000 : 1), Math.min(160, width / 3));
    const unit = spacingZyx === null ? "px" : isMicro ? "µm" : "mm";
    const [x, y] = [width - 14, height - 16];
    pen.strokeStyle = "rgb(226 227 229 / 0.92)";
    pen.lineWidth = 2;
    pen.beginPath();
    pen.moveTo(x - bar.pixels, y - 4);
    pen.lineTo(x - bar.pixels, y);
    pen.lineTo(x, y);
    pen.lineTo(x, y - 4);
    pen.stroke();
    text(pen, `${bar.length} ${unit}${source === "detector" ? " at the detector" : ""}`, x, y - 14, "right");
  }

  private line({ from, to }: Ruler, width: number, height: number): void {
    const { pen } = this;
    const [a, b] = [this.onCanvas(from, width, height), this.onCanvas(to, width, height)];
    pen.strokeStyle = "rgb(226 227 229 / 0.92)";
    pen.lineWidth = 1.5;
    pen.beginPath();
    pen.moveTo(...a);
    pen.lineTo(...b);
    pen.stroke();
    const far = Math.hypot(...mixed(to, 1, from, -1));
    const { spacingZyx } = this.state.facts;
    // One pixel of the finest spacing is so many millimetres; `length` turns them into the image's unit.
    const words = spacingZyx ? length(far / spacingZyx[2], 0, [spacingZyx[2], spacingZyx[2]]) : length(far, 0, null);
    text(pen, inWords(words), b[0] + 10, b[1] - 12, "left");
  }

  private onCanvas(at: Vector, width: number, height: number): [number, number] {
    const { right, up } = this.tilt;
    const away = mixed(at, 1, this.centre, -1);
    return [width / 2 + dot(away, right) * this.scale, height / 2 - dot(away, up) * this.scale];
  }
}
