import { area, boundingBox, contains, type Box } from "../domain/spans";
import type { CaseDocument } from "./document";

const CELL = 64;

/** Which findings lie under a pixel, by a grid of 64-pixel cells per plane, made when first asked. */
export class HitIndex {
  private readonly slices = new Map<number, Map<number, number[]>>();

  constructor(
    private readonly document: CaseDocument,
    private readonly width: number,
    private readonly shown: (finding: number) => boolean,
  ) {
    document.onTouched((touched, findings) => {
      if (touched.length === 0 || findings.length > 0) this.slices.clear();
      else touched.forEach(({ z }) => this.slices.delete(z));
    });
  }

  /** The smallest finding whose mask or box holds the pixel; null where there is none. */
  at(x: number, y: number, z: number): number | null {
    const index = Math.floor(y) * this.width + Math.floor(x);
    let best: number | null = null;
    let smallest = Infinity;
    for (const finding of this.cells(z).get(cellOf(x, y)) ?? []) {
      if (!this.shown(finding)) continue;
      const spans = this.document.mask(finding, z);
      const box = this.document.finding(finding)?.box ?? null;
      const hit = spans.length > 0 ? contains(spans, index) : box !== null && inBox(box, x, y);
      const size = spans.length > 0 ? area(spans) : box ? (box[2] - box[0]) * (box[3] - box[1]) : Infinity;
      if (hit && size < smallest) [best, smallest] = [finding, size];
    }
    return best;
  }

  private cells(z: number): Map<number, number[]> {
    const known = this.slices.get(z);
    if (known) return known;
    const cells = new Map<number, number[]>();
    for (const [finding, spans] of this.document.slice(z)) {
      if (finding > 0) addBox(cells, finding, boundingBox(spans, this.width)!);
    }
    for (const [finding, { box, z: at }] of this.document.findings()) {
      const bare = box && (at ?? 0) === z && this.document.slices(finding).size === 0;
      if (bare) addBox(cells, finding, box);
    }
    this.slices.set(z, cells);
    return cells;
  }
}

const cellOf = (x: number, y: number): number => Math.floor(y / CELL) * 65536 + Math.floor(x / CELL);
const inBox = (box: Box, x: number, y: number): boolean => x >= box[0] && x < box[2] && y >= box[1] && y < box[3];

function addBox(cells: Map<number, number[]>, finding: number, [x1, y1, x2, y2]: Box): void {
  for (let y = Math.floor(y1 / CELL); y * CELL < y2; y++) {
    for (let x = Math.floor(x1 / CELL); x * CELL < x2; x++) {
      const cell = y * 65536 + x;
      const known = cells.get(cell);
      if (known) known.push(finding);
      else cells.set(cell, [finding]);
    }
  }
}
