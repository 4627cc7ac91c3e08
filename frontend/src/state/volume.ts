import { planeDepth, type Plane } from "../domain/coordinates";
import { emptyPixels, type Pixels } from "../domain/slicecodec";
import type { ImageFacts } from "./types";

/** A plane to draw: samples channel by channel, row by row; missing rows are zero. */
export type PlanePixels = { readonly samples: Pixels; readonly width: number; readonly height: number; readonly channels: number };

type Frame = { readonly slices: (Pixels | undefined)[]; have: number };

// A cine of many frames stays below this; the frame on the screen is never let go.
const MOST_BYTES = 768 * 2 ** 20;

/** The pixels of one image as they arrive: per time point one slot per slice. */
export class Volume {
  private readonly frames = new Map<number, Frame>();
  private bytes = 0;

  constructor(readonly facts: ImageFacts) {}

  has(t: number, z: number): boolean {
    return this.frames.get(t)?.slices[z] !== undefined;
  }

  count(t: number): number {
    return this.frames.get(t)?.have ?? 0;
  }

  put(t: number, z: number, samples: Pixels): void {
    const frame = this.frame(t);
    if (frame.slices[z]) return;
    frame.slices[z] = samples;
    frame.have++;
    this.bytes += samples.byteLength;
    this.letGo(t);
  }

  axial(t: number, z: number): Pixels | null {
    return this.frames.get(t)?.slices[z] ?? null;
  }

  /** A plane through the volume. Upright planes gather one line of every slice that is here. */
  plane(plane: Plane, t: number, slice: number): PlanePixels | null {
    const { grid, channels } = this.facts;
    if (slice < 0 || slice >= planeDepth(plane, grid)) return null;
    if (plane === "axial") {
      const samples = this.axial(t, slice);
      return samples && { samples, width: grid.nx, height: grid.ny, channels };
    }
    const frame = this.frames.get(t);
    if (!frame) return null;
    const width = plane === "coronal" ? grid.nx : grid.ny;
    const samples = emptyPixels(this.facts.type, width * grid.nz * channels);
    for (let z = 0; z < grid.nz; z++) {
      const source = frame.slices[z];
      if (source) this.gather(plane, source, slice, samples, grid.nz - 1 - z, width);
    }
    return { samples, width, height: grid.nz, channels };
  }

  /** Stored value at a voxel, per channel; null where the slice has not arrived. */
  values(t: number, x: number, y: number, z: number): number[] | null {
    const { nx, ny } = this.facts.grid;
    const samples = this.axial(t, z);
    if (!samples) return null;
    return Array.from({ length: this.facts.channels }, (_, c) => samples[c * nx * ny + y * nx + x]);
  }

  private gather(plane: Plane, source: Pixels, slice: number, out: Pixels, row: number, width: number): void {
    const { nx, ny, nz } = this.facts.grid;
    for (let c = 0; c < this.facts.channels; c++) {
      const from = c * nx * ny;
      const to = c * width * nz + row * width;
      if (plane === "coronal") out.set(source.subarray(from + slice * nx, from + (slice + 1) * nx), to);
      else for (let y = 0; y < ny; y++) out[to + y] = source[from + y * nx + slice];
    }
  }

  private frame(t: number): Frame {
    const known = this.frames.get(t);
    if (known) return known;
    const frame = { slices: new Array<Pixels | undefined>(this.facts.grid.nz), have: 0 };
    this.frames.set(t, frame);
    return frame;
  }

  private letGo(current: number): void {
    for (const [t, frame] of this.frames) {
      if (this.bytes <= MOST_BYTES) return;
      if (t === current) continue;
      for (const samples of frame.slices) this.bytes -= samples?.byteLength ?? 0;
      this.frames.delete(t);
    }
  }
}
