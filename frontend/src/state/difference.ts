import { area, boundingBox, EMPTY, equal, intersect, subtract, unionOf, xor, type Box, type Spans } from "../domain/spans";
import type { CaseDocument, Touched } from "./document";
import { REVIEWED } from "./types";

/** What became of the masks of one plane: three masks that share no voxel. */
export type PlaneDifference = {
  /** Under a mask now, and under none before. */
  readonly gained: Spans;
  readonly lost: Spans;
  /** Under a mask before and now, but under another finding's or as another label. */
  readonly passed: Spans;
  readonly before: number;
  readonly after: number;
};
export type ChangeKind = "gained" | "lost" | "reshaped" | "relabelled";
export type FindingChange = {
  readonly finding: number;
  readonly kind: ChangeKind;
  /** Voxels that differ; of findings without a mask, the pixels of their boxes. */
  readonly size: number;
  /** Where most of it lies: a plane through all moments, and the box of what differs there. */
  readonly plane: number;
  readonly box: Box;
};
export type BoxChange = { readonly box: Box; readonly kind: "gained" | "lost" };
/** Volumes in voxels; Dice = 2 |A ∩ B| / (|A| + |B|) over the voxels under any mask, null when there is none at all. */
export type DifferenceTotals = { readonly gained: number; readonly lost: number; readonly passed: number; readonly dice: number | null };

/**
 * How two states of a case differ: an earlier one, and a later one or the one that is worked on.
 * What is rejected or suppressed does not count as a mask. Only what was touched is compared again.
 */
export class Difference {
  private readonly planes = new Map<number, PlaneDifference>();
  private readonly changes = new Map<number, FindingChange | null>();
  private readonly off: () => void;
  /** Grows when what was told before may be wrong. */
  version = 0;
  /** The finding whose change was gone to last. */
  at: number | null = null;

  constructor(
    readonly before: CaseDocument,
    readonly after: CaseDocument,
    /** Row length of the masks. */
    private readonly width: number,
  ) {
    this.off = after.onTouched((touched, findings) => this.forget(touched, findings));
  }

  stop(): void {
    this.off();
  }

  plane(z: number): PlaneDifference {
    const known = this.planes.get(z);
    if (known) return known;
    const found = this.compare(z);
    this.planes.set(z, found);
    return found;
  }

  /** The planes on which either state has something, in order. */
  drawnPlanes(): number[] {
    return [...new Set([...this.before.drawnSlices(), ...this.after.drawnSlices()])].sort((a, b) => a - b);
  }

  totals(): DifferenceTotals {
    let [gained, lost, passed, both] = [0, 0, 0, 0];
    for (const z of this.drawnPlanes()) {
      const plane = this.plane(z);
      gained += area(plane.gained);
      lost += area(plane.lost);
      passed += area(plane.passed);
      both += plane.before + plane.after;
    }
    // |A| + |B| - |A xor B| = 2 |A ∩ B|.
    return { gained, lost, passed, dice: both === 0 ? null : (both - gained - lost) / both };
  }

  /** The findings that differ, the largest difference first; ties by number. */
  findings(): FindingChange[] {
    const numbers = new Set([...this.before.findings().keys(), ...this.after.findings().keys()]);
    const found: FindingChange[] = [];
    for (const finding of numbers) {
      const known = this.changes.get(finding);
      const change = known === undefined ? this.judge(finding) : known;
      if (known === undefined) this.changes.set(finding, change);
      if (change) found.push(change);
    }
    return found.sort((a, b) => b.size - a.size || a.finding - b.finding);
  }

  /** Bare boxes of a plane that only one of the states has. */
  boxes(z: number): BoxChange[] {
    const boxes: BoxChange[] = [];
    for (const { finding } of this.findings()) {
      const [before, after] = [bareBox(this.before, finding), bareBox(this.after, finding)];
      if (before && before.z === z) boxes.push({ box: before.box, kind: "lost" });
      if (after && after.z === z) boxes.push({ box: after.box, kind: "gained" });
    }
    return boxes;
  }

  private forget(touched: readonly Touched[], findings: readonly number[]): void {
    this.version++;
    if (touched.length + findings.length === 0) {
      this.planes.clear();
      this.changes.clear();
    }
    for (const { finding, z } of touched) {
      this.planes.delete(z);
      this.changes.delete(finding);
    }
    // A verdict or a new label changes what is shown on every plane of a finding.
    for (const finding of findings) {
      this.changes.delete(finding);
      for (const document of [this.before, this.after]) for (const z of document.slices(finding).keys()) this.planes.delete(z);
    }
  }

  private compare(z: number): PlaneDifference {
    const was: Spans[] = [];
    const is: Spans[] = [];
    const differing: Spans[] = [];
    for (const finding of new Set([...this.before.slice(z).keys(), ...this.after.slice(z).keys()])) {
      const [before, after] = [shownMask(this.before, finding, z), shownMask(this.after, finding, z)];
      was.push(before);
      is.push(after);
      differing.push(this.sameLabel(finding) ? xor(before, after) : unionOf([before, after]));
    }
    const [before, after] = [unionOf(was), unionOf(is)];
    const both = intersect(before, after);
    return {
      gained: subtract(after, before),
      lost: subtract(before, after),
      passed: intersect(unionOf(differing), both),
      before: area(before),
      after: area(after),
    };
  }

  private sameLabel(finding: number): boolean {
    return this.before.finding(finding)?.label === this.after.finding(finding)?.label;
  }

  private judge(finding: number): FindingChange | null {
    if (finding === REVIEWED) return null;
    const [was, is] = [this.before.isShown(finding), this.after.isShown(finding)];
    if (!was && !is) return null;
    const relabelled = was && is && !this.sameLabel(finding);
    const kind = !was ? "gained" : !is ? "lost" : relabelled ? "relabelled" : "reshaped";
    const differs = this.extent(finding, relabelled);
    if (differs) return { finding, kind, ...differs };
    return this.judgeBox(finding, kind, relabelled);
  }

  /** How many voxels of a finding's mask differ, and where most of them lie. */
  private extent(finding: number, relabelled: boolean): Pick<FindingChange, "size" | "plane" | "box"> | null {
    let [size, most, plane, there] = [0, 0, 0, EMPTY];
    for (const z of new Set([...this.before.slices(finding).keys(), ...this.after.slices(finding).keys()])) {
      const [before, after] = [shownMask(this.before, finding, z), shownMask(this.after, finding, z)];
      const differing = relabelled ? unionOf([before, after]) : equal(before, after) ? EMPTY : xor(before, after);
      const voxels = area(differing);
      size += voxels;
      if (voxels > most) [most, plane, there] = [voxels, z, differing];
    }
    return size === 0 ? null : { size, plane, box: boundingBox(there, this.width)! };
  }

  private judgeBox(finding: number, kind: ChangeKind, relabelled: boolean): FindingChange | null {
    const [before, after] = [bareBox(this.before, finding), bareBox(this.after, finding)];
    const place = after ?? before;
    if (!place) return null;
    const moved = !before || !after || before.z !== after.z || before.box.some((edge, k) => edge !== after.box[k]);
    if (!moved && !relabelled) return null;
    const [x1, y1, x2, y2] = place.box;
    return { finding, kind, size: (x2 - x1) * (y2 - y1), plane: place.z, box: place.box };
  }
}

const shownMask = (document: CaseDocument, finding: number, z: number): Spans =>
  document.isShown(finding) ? document.mask(finding, z) : EMPTY;

/** The box of a finding that has no mask. */
function bareBox(document: CaseDocument, finding: number): { box: Box; z: number } | null {
  const fields = document.finding(finding);
  if (!fields?.box || !document.isShown(finding) || document.slices(finding).size > 0) return null;
  return { box: fields.box, z: fields.z ?? 0 };
}
