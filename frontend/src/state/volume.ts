import { planeDepth, type Plane } from "../domain/coordinates";
import { bytesOf, isPacked, sampleAt, unpack, unpackInto, type Packed } from "../domain/packing";
import { emptyPixels, type Pixels } from "../domain/slicecodec";
import type { Box } from "../domain/spans";
import { Tiles, type Region } from "./tiles";
import type { ImageFacts } from "./types";

/** A plane to draw: samples channel by channel, row by row; missing rows are zero. */
export type PlanePixels = { readonly samples: Pixels; readonly width: number; readonly height: number; readonly channels: number };

/** A slice as it is kept: its samples, or the same in fewer bits. */
export type Kept = Pixels | Packed;
type Frame = { readonly slices: (Kept | undefined)[]; have: number };

// A cine of many frames stays below this; the frame on the screen is never let go.
const MOST_BYTES = 768 * 2 ** 20;
// Volumes of 16 bits that are larger than this are packed: 1,000 slices of 512 x 512 would take 524 MB.
const PACKED_FROM_BYTES = 192 * 2 ** 20;
// So many slices of a packed volume lie unpacked: those that were looked at last.
const AT_HAND = 32;

/**
 * The pixels of one image as they arrive: per time point one slot per slice. A picture that is too
 * large for that has `tiles`; its plane is never here whole, tools ask for a `region` of it.
 */
export class Volume {
  readonly tiles: Tiles | null;
  /** Whether slices should come packed, see domain/packing. */
  readonly packs: boolean;
  private readonly frames = new Map<number, Frame>();
  private readonly unpacked = new Map<Packed, Pixels>();
  private bytes = 0;

  constructor(readonly facts: ImageFacts) {
    const { tiles, grid, channels, type } = facts;
    this.packs = type !== "uint8" && 2 * grid.nx * grid.ny * grid.nz * channels > PACKED_FROM_BYTES;
    this.tiles = tiles ? new Tiles({ ...tiles, width: grid.nx, height: grid.ny }, channels, type) : null;
  }

  has(t: number, z: number): boolean {
    return this.tiles ? this.tiles.count > 0 : this.frames.get(t)?.slices[z] !== undefined;
  }

  count(t: number): number {
    return this.tiles ? Math.min(1, this.tiles.count) : (this.frames.get(t)?.have ?? 0);
  }

  put(t: number, z: number, slice: Kept): void {
    const frame = this.frame(t);
    if (frame.slices[z]) return;
    frame.slices[z] = slice;
    frame.have++;
    this.bytes += bytesOf(slice);
    this.letGo(t);
  }

  axial(t: number, z: number): Pixels | null {
    const kept = this.frames.get(t)?.slices[z];
    return kept ? (isPacked(kept) ? this.atHand(kept) : kept) : null;
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

  /** The samples of a box of a plane, perhaps of more around it; null while they are not here. */
  region(plane: Plane, t: number, slice: number, box: Box): Region | null {
    if (this.tiles) return plane === "axial" ? this.tiles.region(box) : null;
    const whole = this.plane(plane, t, slice);
    return whole && { box: [0, 0, whole.width, whole.height], samples: whole.samples, channels: whole.channels };
  }

  /** Stored value at a voxel, per channel; null where the slice has not arrived. */
  values(t: number, x: number, y: number, z: number): number[] | null {
    if (this.tiles) return this.tiles.values(x, y);
    const { nx, ny } = this.facts.grid;
    const kept = this.frames.get(t)?.slices[z];
    if (!kept) return null;
    return Array.from({ length: this.facts.channels }, (_, c) => {
      const at = c * nx * ny + y * nx + x;
      return isPacked(kept) ? sampleAt(kept, at) : kept[at];
    });
  }

  private atHand(packed: Packed): Pixels {
    const samples = this.unpacked.get(packed) ?? unpack(packed);
    this.unpacked.delete(packed);
    this.unpacked.set(packed, samples);
    const [oldest] = this.unpacked.keys();
    if (this.unpacked.size > AT_HAND) this.unpacked.delete(oldest);
    return samples;
  }

  private gather(plane: Plane, source: Kept, slice: number, out: Pixels, row: number, width: number): void {
    const { nx, ny, nz } = this.facts.grid;
    for (let c = 0; c < this.facts.channels; c++) {
      const from = c * nx * ny;
      const to = c * width * nz + row * width;
      if (plane === "coronal") {
        if (isPacked(source)) unpackInto(source, from + slice * nx, from + (slice + 1) * nx, out, to);
        else out.set(source.subarray(from + slice * nx, from + (slice + 1) * nx), to);
      } else if (isPacked(source)) for (let y = 0; y < ny; y++) out[to + y] = sampleAt(source, from + y * nx + slice);
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
      for (const kept of frame.slices) this.bytes -= kept ? bytesOf(kept) : 0;
      this.frames.delete(t);
    }
  }
}
