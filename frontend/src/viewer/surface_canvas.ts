import type { Camera } from "../domain/camera";
import type { Mesh } from "../domain/surface";
import { AMBIENT, GROUND, type Seen, type SurfacePainter } from "./surface_painter";

// A moving picture that took longer than this is drawn with fewer pixels the next time.
const FRAME_MS = 24;
const COARSEST = 4;

/** Draws surfaces without a graphics card: each triangle pixel by pixel, the nearest in front. */
export class CanvasPainter implements SurfacePainter {
  readonly kind = "canvas";
  private readonly pen: CanvasRenderingContext2D;
  private readonly small = document.createElement("canvas");
  private image: ImageData | null = null;
  private depth = new Float32Array(0);
  private placed = new Float32Array(0);
  /** Canvas pixels per pixel of a moving picture. */
  private coarse = 1;

  constructor(private readonly canvas: HTMLCanvasElement) {
    this.pen = canvas.getContext("2d", { alpha: false })!;
  }

  draw(seen: readonly Seen[], camera: Camera, ratio: number, moving: boolean): void {
    const began = performance.now();
    const { canvas, pen } = this;
    const coarse = moving ? this.coarse : 1;
    const [width, height] = [Math.max(1, Math.round(canvas.width / coarse)), Math.max(1, Math.round(canvas.height / coarse))];
    const image = this.imageOf(width, height);
    const pixels = new Uint32Array(image.data.buffer);
    pixels.fill(packed(GROUND, 1));
    this.depth.fill(-Infinity);
    for (const { mesh, colour } of seen) this.mesh(mesh, camera, ratio / coarse, pixels, width, height, shadesOf(colour));
    if (coarse === 1) pen.putImageData(image, 0, 0);
    else {
      Object.assign(this.small, { width, height });
      this.small.getContext("2d")!.putImageData(image, 0, 0);
      pen.imageSmoothingEnabled = true;
      pen.drawImage(this.small, 0, 0, canvas.width, canvas.height);
    }
    if (moving) this.budget(performance.now() - began);
  }

  stop(): void {
    this.image = null;
    this.depth = this.placed = new Float32Array(0);
  }

  private budget(took: number): void {
    if (took > FRAME_MS) this.coarse = Math.min(COARSEST, this.coarse * 1.5);
    else if (took < FRAME_MS / 3) this.coarse = Math.max(1, this.coarse / 1.5);
  }

  private imageOf(width: number, height: number): ImageData {
    if (this.image?.width !== width || this.image.height !== height) {
      this.image = new ImageData(width, height);
      this.depth = new Float32Array(width * height);
    }
    return this.image;
  }

  /** Corners into pixels first, each once; then the triangles that face the one who looks. */
  private mesh(mesh: Mesh, camera: Camera, ratio: number, pixels: Uint32Array, width: number, height: number, shades: Uint32Array): void {
    const { points, normals, corners } = mesh;
    const { right, up, toward, centre } = camera;
    const scale = camera.scale * ratio;
    if (this.placed.length < (points.length / 3) * 4) this.placed = new Float32Array((points.length / 3) * 4);
    const { placed, depth } = this;
    for (let k = 0, out = 0; k < points.length; k += 3) {
      const [x, y, z] = [points[k] - centre[0], points[k + 1] - centre[1], points[k + 2] - centre[2]];
      placed[out++] = width / 2 + scale * (x * right[0] + y * right[1] + z * right[2]);
      placed[out++] = height / 2 - scale * (x * up[0] + y * up[1] + z * up[2]);
      placed[out++] = x * toward[0] + y * toward[1] + z * toward[2];
      placed[out++] = Math.max(0, normals[k] * toward[0] + normals[k + 1] * toward[1] + normals[k + 2] * toward[2]);
    }
    for (let k = 0; k < corners.length; k += 3) triangle(placed, 4 * corners[k], 4 * corners[k + 1], 4 * corners[k + 2], pixels, depth, width, height, shades);
  }
}

/** The pixels whose middles lie in a triangle, by its edges' functions (Pineda 1988), light and depth linear in it. */
function triangle(at: Float32Array, a: number, b: number, c: number, pixels: Uint32Array, depth: Float32Array, width: number, height: number, shades: Uint32Array): void {
  const [ax, ay, bx, by, cx, cy] = [at[a], at[a + 1], at[b], at[b + 1], at[c], at[c + 1]];
  // Canvas rows run downwards, so what is against the clock in the world has a negative area here.
  const area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax);
  if (area >= 0) return;
  const x1 = Math.max(0, Math.ceil(Math.min(ax, bx, cx) - 0.5));
  const x2 = Math.min(width - 1, Math.floor(Math.max(ax, bx, cx) - 0.5));
  const y1 = Math.max(0, Math.ceil(Math.min(ay, by, cy) - 0.5));
  const y2 = Math.min(height - 1, Math.floor(Math.max(ay, by, cy) - 0.5));
  if (x2 < x1 || y2 < y1) return;
  const [az, light] = [at[a + 2], at[a + 3]];
  const [bz, cz, bl, cl] = [at[b + 2] - az, at[c + 2] - az, at[b + 3] - light, at[c + 3] - light];
  for (let y = y1; y <= y2; y++) {
    const v = y + 0.5;
    for (let x = x1; x <= x2; x++) {
      const u = x + 0.5;
      const second = ((u - ax) * (cy - ay) - (v - ay) * (cx - ax)) / area;
      const third = ((bx - ax) * (v - ay) - (by - ay) * (u - ax)) / area;
      if (second < 0 || third < 0 || second + third > 1) continue;
      const far = az + second * bz + third * cz;
      const pixel = y * width + x;
      if (far <= depth[pixel]) continue;
      depth[pixel] = far;
      pixels[pixel] = shades[(255 * (light + second * bl + third * cl)) | 0];
    }
  }
}

/** A colour in 256 lights. */
function shadesOf(colour: Seen["colour"]): Uint32Array {
  return Uint32Array.from({ length: 256 }, (_, light) => packed(colour, AMBIENT + (1 - AMBIENT) * (light / 255)));
}

function packed([red, green, blue]: Seen["colour"], light: number): number {
  const part = (value: number): number => Math.round(Math.min(255, value * light));
  return ((255 << 24) | (part(blue) << 16) | (part(green) << 8) | part(red)) >>> 0;
}
