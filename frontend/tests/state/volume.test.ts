import { describe, expect, test } from "vitest";

import { isPacked, pack } from "../../src/domain/packing";
import { Volume } from "../../src/state/volume";
import { facts } from "./support";

describe("a packed volume", () => {
  test("shows the same planes and values as one that is not", () => {
    const grid = { nx: 45, ny: 31, nz: 5 };
    const about = facts({ grid, type: "int16", channels: 2 });
    const [plain, packed] = [new Volume(about), new Volume(about)];
    for (let z = 0; z < grid.nz; z++) {
      const samples = Int16Array.from({ length: 45 * 31 * 2 }, (_, k) => ((k * 37 + z * 101) % 97) - 40);
      const fewer = pack(samples, "int16");
      expect(isPacked(fewer)).toBe(true);
      plain.put(0, z, samples);
      packed.put(0, z, fewer);
    }
    for (const [plane, depth] of [["axial", 5], ["coronal", 31], ["sagittal", 45]] as const) {
      for (let slice = 0; slice < depth; slice++) expect(packed.plane(plane, 0, slice)).toEqual(plain.plane(plane, 0, slice));
    }
    expect(packed.values(0, 44, 30, 4)).toEqual(plain.values(0, 44, 30, 4));
    expect(packed.axial(0, 2)).toBe(packed.axial(0, 2));
  });

  test("is one of 16 bits that would take too much", () => {
    expect(new Volume(facts({ grid: { nx: 512, ny: 512, nz: 200 }, type: "int16" })).packs).toBe(false);
    expect(new Volume(facts({ grid: { nx: 512, ny: 512, nz: 1000 }, type: "int16" })).packs).toBe(true);
    expect(new Volume(facts({ grid: { nx: 512, ny: 512, nz: 1000 }, type: "uint8" })).packs).toBe(false);
  });
});
