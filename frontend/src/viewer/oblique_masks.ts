import { eachRowPiece, boundingBox, type Box } from "../domain/spans";
import type { ReviewState } from "../state/review_state";

/** Who owns the pixels of one slice inside a box: 0 nobody, else a place in `findings` plus one. */
type Owners = { readonly box: Box; readonly slots: Uint16Array };

// Slices whose owners are kept.
const MOST_BYTES = 64 * 2 ** 20;

/** The finding that lies uppermost in each voxel, slice by slice as they are asked for. */
export class VoxelOwners {
  private readonly kept = new Map<number, Owners | null>();
  private readonly slotOf = new Map<number, number>();
  private findings: number[] = [];
  private bytes = 0;
  private moment = -1;
  private readonly off: () => void;

  constructor(private readonly state: ReviewState) {
    this.off = state.document.onTouched((touched, findings) => {
      // A verdict shows or hides a finding wherever it is.
      if (findings.length > 0 || touched.length === 0) this.forget();
      else for (const { z } of touched) this.drop(z);
    });
  }

  stop(): void {
    this.off();
    this.forget();
  }

  /** A reader of slice `z` at the moment that is looked at; null where nothing is drawn. */
  slice(z: number): ((x: number, y: number) => number | null) | null {
    const { looks } = this.state;
    if (looks.t !== this.moment) this.forget();
    this.moment = looks.t;
    const plane = this.state.here(z);
    let owners = this.kept.get(plane);
    if (owners === undefined) this.keep(plane, (owners = this.made(plane)));
    if (owners === null) return null;
    const { box: [x1, y1, x2, y2], slots } = owners;
    const width = x2 - x1;
    return (x, y) => {
      if (x < x1 || y < y1 || x >= x2 || y >= y2) return null;
      const slot = slots[(y - y1) * width + x - x1];
      return slot === 0 ? null : this.findings[slot - 1];
    };
  }

  private made(plane: number): Owners | null {
    const { document, facts } = this.state;
    const masks = [...document.slice(plane)].filter(([finding]) => this.state.isShown(finding)).sort(([a], [b]) => a - b);
    if (masks.length === 0) return null;
    const boxes = masks.map(([, spans]) => boundingBox(spans, facts.grid.nx)!);
    const [x1, y1] = [Math.min(...boxes.map((box) => box[0])), Math.min(...boxes.map((box) => box[1]))];
    const [x2, y2] = [Math.max(...boxes.map((box) => box[2])), Math.max(...boxes.map((box) => box[3]))];
    const slots = new Uint16Array((x2 - x1) * (y2 - y1));
    for (const [finding, spans] of masks) {
      const slot = this.slot(finding);
      eachRowPiece(spans, facts.grid.nx, (y, from, to) => slots.fill(slot, (y - y1) * (x2 - x1) + from - x1, (y - y1) * (x2 - x1) + to - x1));
    }
    return { box: [x1, y1, x2, y2], slots };
  }

  private slot(finding: number): number {
    const known = this.slotOf.get(finding);
    if (known !== undefined) return known;
    this.findings.push(finding);
    this.slotOf.set(finding, this.findings.length);
    return this.findings.length;
  }

  private keep(plane: number, owners: Owners | null): void {
    this.kept.set(plane, owners);
    this.bytes += owners?.slots.byteLength ?? 0;
    for (const oldest of this.kept.keys()) {
      if (this.bytes <= MOST_BYTES || oldest === plane) return;
      this.drop(oldest);
    }
  }

  private drop(plane: number): void {
    this.bytes -= this.kept.get(plane)?.slots.byteLength ?? 0;
    this.kept.delete(plane);
  }

  private forget(): void {
    this.kept.clear();
    this.slotOf.clear();
    this.findings = [];
    this.bytes = 0;
  }
}
