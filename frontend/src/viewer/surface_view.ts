import { along, facing, hitAlong, rayAt, turned, type Camera, type Side, type Vector } from "../domain/camera";
import { canvasPoint, clampToGrid, voxelToWorld, worldToVoxel, type CanvasPoint } from "../domain/coordinates";
import { frameOf } from "../domain/frame";
import type { ReviewState } from "../state/review_state";
import { cross, text } from "./marks";
import { findingColour, type Colour } from "./palette";
import { CanvasPainter } from "./surface_canvas";
import { GROUND, type Seen, type SurfacePainter } from "./surface_painter";
import { webglPainter } from "./surface_webgl";
import { Surfaces } from "./surfaces";

export { SIDES, type Side } from "../domain/camera";

/** After so long without a turn the best picture is drawn. */
const STILL_MS = 120;
/** Without a graphics card, coarser surfaces keep turning smooth. */
const CELLS = { webgl2: 256, canvas: 128 };

/** The masks as surfaces that can be turned, in an element of its own. Selects and moves the crosshair, draws nothing. */
export class SurfaceView {
  private readonly pictures: HTMLCanvasElement[] = [];
  private painter: SurfacePainter;
  private surfaces: Surfaces;
  private camera: Camera = { centre: [0, 0, 0], right: [1, 0, 0], up: [0, 0, 1], toward: [0, -1, 0], scale: 1 };
  private frame = 0;
  private still: ReturnType<typeof setTimeout> | undefined;
  private moving = false;
  /** Shows everything until a person takes the camera in hand. */
  private fitting = true;
  private readonly sizes = new ResizeObserver(() => this.ask());
  private readonly off: () => void;

  constructor(
    private readonly state: ReviewState,
    private readonly host: HTMLElement,
    /** Lies over the picture; the pointer is on it. */
    private readonly marks: HTMLCanvasElement,
    private readonly changed: () => void,
  ) {
    this.painter = this.startPainter();
    this.surfaces = this.startSurfaces();
    this.sizes.observe(host);
    this.off = state.topics.on(["looks", "selection", "findings"], () => this.ask());
  }

  get kind(): SurfacePainter["kind"] {
    return this.painter.kind;
  }

  get pending(): number {
    return this.surfaces.pending;
  }

  get count(): number {
    return this.surfaces.meshes.size;
  }

  stop(): void {
    cancelAnimationFrame(this.frame);
    clearTimeout(this.still);
    this.off();
    this.sizes.disconnect();
    this.surfaces.stop();
    this.painter.stop();
    this.pictures.forEach((canvas) => canvas.remove());
  }

  /** By radians, as if the front were dragged. */
  turn(across: number, down: number): void {
    this.take(turned(this.camera, across, down));
  }

  face(side: Side): void {
    this.take(facing(this.camera, side));
  }

  zoom(factor: number): void {
    this.fitting = false;
    this.take({ ...this.camera, scale: Math.min(400, Math.max(0.02, this.camera.scale * factor)) });
  }

  pan(across: number, down: number): void {
    this.fitting = false;
    const { centre, right, up, scale } = this.camera;
    const moved = [0, 1, 2].map((k) => centre[k] - (right[k] * across - up[k] * down) / scale) as unknown as Vector;
    this.take({ ...this.camera, centre: moved });
  }

  fit(): void {
    this.fitting = true;
    this.ask();
  }

  /** Selects the surface under a canvas point and puts the crosshair there. False where there is none. */
  pick(at: CanvasPoint): boolean {
    const { from, way } = rayAt(this.camera, at.x - this.host.clientWidth / 2, at.y - this.host.clientHeight / 2);
    let nearest = Infinity;
    let hit: number | null = null;
    for (const [finding, mesh] of this.surfaces.meshes) {
      const far = hitAlong(mesh, from, way);
      if (far === null || far >= nearest) continue;
      nearest = far;
      hit = finding;
    }
    if (hit === null) return false;
    const { facts } = this.state;
    const at3 = worldToVoxel(along(from, way, nearest), frameOf(facts));
    this.state.select(hit);
    if (at3) this.state.look({ cursor: clampToGrid(at3, facts.grid) });
    return true;
  }

  private take(camera: Camera): void {
    this.camera = camera;
    this.moving = true;
    clearTimeout(this.still);
    this.still = setTimeout(() => {
      this.moving = false;
      this.ask();
    }, STILL_MS);
    this.ask();
  }

  private ask(): void {
    if (this.frame) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.draw();
    });
  }

  private startSurfaces(): Surfaces {
    return new Surfaces(this.state, CELLS[this.painter.kind], () => this.ask());
  }

  private startPainter(): SurfacePainter {
    const canvas = this.picture();
    const painter = webglPainter(canvas);
    if (!painter) return new CanvasPainter(this.picture());
    // A driver may take the card away at any time.
    canvas.addEventListener("webglcontextlost", () => this.loseCard(canvas), { once: true });
    return painter;
  }

  private loseCard(canvas: HTMLCanvasElement): void {
    if (!canvas.isConnected) return;
    this.painter = new CanvasPainter(this.picture());
    this.surfaces.stop();
    this.surfaces = this.startSurfaces();
    this.ask();
  }

  /** A canvas that was asked for one kind of picture gives no other. */
  private picture(): HTMLCanvasElement {
    this.pictures.forEach((canvas) => canvas.remove());
    const canvas = document.createElement("canvas");
    canvas.className = "picture";
    canvas.setAttribute("aria-hidden", "true");
    this.pictures.splice(0, this.pictures.length, canvas);
    this.host.prepend(canvas);
    return canvas;
  }

  private draw(): void {
    this.changed();
    const { clientWidth: width, clientHeight: height } = this.host;
    if (width === 0 || height === 0) return;
    const ratio = devicePixelRatio;
    const size = { width: Math.round(width * ratio), height: Math.round(height * ratio) };
    for (const canvas of [this.pictures[0], this.marks]) if (canvas.width !== size.width || canvas.height !== size.height) Object.assign(canvas, size);
    if (this.fitting) this.frameAll(width, height);
    this.painter.draw(this.seen(), this.camera, ratio, this.moving);
    this.mark(width, height, ratio);
  }

  /** The selected one in its full colour and lighter; beside it the others step back. */
  private seen(): Seen[] {
    const { selected } = this.state;
    const isOne = selected !== null && this.surfaces.meshes.has(selected);
    return [...this.surfaces.meshes].map(([finding, mesh]) => {
      const colour = findingColour(this.state, finding);
      if (!isOne) return { finding, mesh, colour };
      return { finding, mesh, colour: finding === selected ? mix(colour, [255, 255, 255], 0.25) : mix(colour, GROUND, 0.5) };
    });
  }

  private frameAll(width: number, height: number): void {
    const boxes = [...this.surfaces.meshes.values()].map(({ box }) => box);
    if (boxes.length === 0) return;
    const low = [0, 1, 2].map((k) => Math.min(...boxes.map((box) => box.low[k])));
    const high = [0, 1, 2].map((k) => Math.max(...boxes.map((box) => box.high[k])));
    const radius = Math.max(1e-3, Math.hypot(...high.map((top, k) => top - low[k])) / 2);
    const centre = high.map((top, k) => (top + low[k]) / 2) as unknown as Vector;
    this.camera = { ...this.camera, centre, scale: (Math.min(width, height) / 2 / radius) * 0.95 };
  }

  /** The crosshair as a cross of the patient's axes, and which way is which. */
  private mark(width: number, height: number, ratio: number): void {
    const pen = this.marks.getContext("2d")!;
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    const { facts, looks } = this.state;
    const { x, y, z } = voxelToWorld(looks.cursor, frameOf(facts));
    cross(pen, canvasPoint(...this.onCanvas([x, y, z], width, height)), [4, 12], "rgb(147 169 255 / 0.95)", 1.5);
    if (facts.affineLps) this.letters(pen, height);
  }

  private letters(pen: CanvasRenderingContext2D, height: number): void {
    const { right, up, toward } = this.camera;
    const [x, y, arm] = [46, height - 46, 26];
    const ends = (["L", "P", "S"] as const).flatMap((letter, k) => [
      { letter, way: 1, k },
      { letter: ({ L: "R", P: "A", S: "I" } as const)[letter], way: -1, k },
    ]);
    // What points away is drawn first.
    ends.sort((a, b) => a.way * toward[a.k] - b.way * toward[b.k]);
    for (const { letter, way, k } of ends) {
      const [u, v, depth] = [way * right[k], -way * up[k], way * toward[k]];
      pen.globalAlpha = depth < -0.1 ? 0.45 : 1;
      pen.strokeStyle = "rgb(226 227 229 / 0.5)";
      pen.lineWidth = 1.5;
      pen.beginPath();
      pen.moveTo(x, y);
      pen.lineTo(x + u * arm * 0.7, y + v * arm * 0.7);
      pen.stroke();
      text(pen, letter, x + u * arm, y + v * arm, "center");
    }
    pen.globalAlpha = 1;
  }

  private onCanvas(at: Vector, width: number, height: number): [number, number] {
    const { centre, right, up, scale } = this.camera;
    const [x, y, z] = [at[0] - centre[0], at[1] - centre[1], at[2] - centre[2]];
    const across = x * right[0] + y * right[1] + z * right[2];
    return [width / 2 + scale * across, height / 2 - scale * (x * up[0] + y * up[1] + z * up[2])];
  }
}

const mix = (a: Colour, b: Colour, share: number): Colour =>
  [0, 1, 2].map((k) => Math.round(a[k] + (b[k] - a[k]) * share)) as unknown as Colour;
