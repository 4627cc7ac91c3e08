import { planeSize, type Plane } from "../domain/coordinates";
import { AxialSlabs, projectUpright } from "../domain/slab";
import type { ReviewState } from "../state/review_state";
import { slabOf, type Slab } from "../state/slab";
import type { PlanePixels } from "../state/volume";

/** The pixels that a plane shows: of its slice, or of the slab around it. */
export class SlabSource {
  private axial: AxialSlabs | null = null;
  private known: { readonly key: string; readonly pixels: PlanePixels | null } | null = null;

  constructor(
    private readonly state: ReviewState,
    private readonly plane: Plane,
  ) {}

  /** Tells two pictures of one slice apart that differ by their slab. */
  key(slice: number): string {
    const slab = slabOf(this.state, this.plane, slice);
    return slab ? `${slab.rule}/${slab.first}/${slab.last}` : "";
  }

  /** How many of the axial slices that may show are here. */
  have(slice: number): number {
    const { looks, volume } = this.state;
    const isAlone = this.plane === "axial" && slabOf(this.state, this.plane, slice) === null;
    return isAlone ? Number(volume.has(looks.t, slice)) : volume.count(looks.t);
  }

  pixels(slice: number): PlanePixels | null {
    const { looks, volume } = this.state;
    const slab = slabOf(this.state, this.plane, slice);
    if (!slab) {
      this.axial = this.known = null;
      return volume.plane(this.plane, looks.t, slice);
    }
    const key = `${this.key(slice)}/${looks.t}/${volume.count(looks.t)}`;
    // The grey window moves far more often than the slab.
    if (this.known?.key !== key) this.known = { key, pixels: this.project(slab) };
    return this.known.pixels;
  }

  private project(slab: Slab): PlanePixels | null {
    const { looks, volume, facts } = this.state;
    const axial = (z: number): ReturnType<typeof volume.axial> => volume.axial(looks.t, z);
    if (this.plane === "axial") this.axial ??= new AxialSlabs(facts);
    const samples =
      this.plane === "axial" ? this.axial!.project(slab.rule, slab, axial, looks.t) : projectUpright(this.plane, slab.rule, slab, axial, facts);
    return samples && { samples, ...planeSize(this.plane, facts.grid), channels: facts.channels };
  }
}
