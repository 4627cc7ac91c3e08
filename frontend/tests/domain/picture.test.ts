import { describe, expect, test } from "vitest";

import * as space from "../../src/domain/coordinates";
import { decodePlane, type PixelType } from "../../src/domain/slicecodec";
import { inWords, length, pixelArea, scaleBar, threeFigures, voxelVolume } from "../../src/domain/units";
import { ctPresets, greyTable, paintColour, paintGrey, windowOf } from "../../src/domain/window";
import { vectors } from "../vectors";

type CoordinatesCase = {
  name: string;
  affine_lps: number[][];
  points: { voxel_xyz: [number, number, number]; world_lps: [number, number, number] }[];
};

describe.each(vectors<CoordinatesCase>("coordinates"))("the shared grid $name", (shared) => {
  test("puts voxel centres where Python puts them", () => {
    for (const { voxel_xyz: [x, y, z], world_lps: expected } of shared.points) {
      const world = space.voxelToWorld(space.voxel(x + 0.5, y + 0.5, z + 0.5), shared.affine_lps);
      [world.x, world.y, world.z].forEach((value, k) => expect(value).toBeCloseTo(expected[k], 6));
    }
  });
});

const GRID = { nx: 7, ny: 5, nz: 3 };

describe("planes", () => {
  test.each(["axial", "coronal", "sagittal"] as const)("%s takes a voxel to the image and back", (plane) => {
    const at = space.voxel(4.2, 2.7, 1.1);
    const back = space.imageToVoxel(plane, space.voxelToImage(plane, at, GRID), space.sliceOf(plane, at), GRID);
    expect(space.sliceOf(plane, back)).toBe(space.sliceOf(plane, at));
    expect(space.voxelToImage(plane, back, GRID)).toEqual(space.voxelToImage(plane, at, GRID));
  });

  test("carry the radiologist's letters on a stored grid", () => {
    const lps = [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]];
    expect(space.edgeLetters("axial", lps)).toEqual({ left: "R", right: "L", top: "A", bottom: "P" });
    expect(space.edgeLetters("coronal", lps)).toEqual({ left: "R", right: "L", top: "S", bottom: "I" });
    expect(space.edgeLetters("sagittal", lps)).toEqual({ left: "A", right: "P", top: "S", bottom: "I" });
  });

  test("zooming keeps the point under the pointer where it is", () => {
    const view = { scale: 2, offsetX: 11, offsetY: -7, stretchU: 1, stretchV: 1.6 };
    const pointer = space.canvasPoint(150, 80);
    const before = space.canvasToImage(view, pointer);
    const after = space.canvasToImage(space.zoomAt(view, pointer, 1.7), pointer);
    expect(after.u).toBeCloseTo(before.u, 9);
    expect(after.v).toBeCloseTo(before.v, 9);
  });

  test("thick slices are stretched, not squeezed", () => {
    expect(space.stretchOf("coronal", [5, 0.5, 0.5])).toEqual({ u: 1, v: 10 });
    expect(space.stretchOf("axial", null)).toEqual({ u: 1, v: 1 });
  });
});

/** The slow and obvious encoding of the wire format. */
function encode(samples: number[], bits: 8 | 16): Uint8Array {
  const size = 2 ** bits;
  const codes = samples.map((value, k) => {
    const delta = ((value - (samples[k - 1] ?? 0)) % size + size) % size;
    return delta < size / 2 ? delta * 2 : (size - delta) * 2 - 1;
  });
  return Uint8Array.from(bits === 8 ? codes : [...codes.map((c) => c & 255), ...codes.map((c) => c >> 8)]);
}

describe("a stored plane", () => {
  test.each<[PixelType, 8 | 16, number[]]>([
    ["uint8", 8, [0, 255, 1, 128, 127, 0]],
    ["uint16", 16, [0, 65535, 1, 32768, 32767, 256]],
    ["int16", 16, [-1024, 3071, -32768, 32767, 0, -1]],
    ["int16", 16, []],
  ])("of %s comes back sample by sample", (type, bits, samples) => {
    expect(Array.from(decodePlane(encode(samples, bits), type))).toEqual(samples);
  });

  test("cut in the middle of a sample is refused", () => {
    expect(() => decodePlane(new Uint8Array(3), "uint16")).toThrow(RangeError);
  });
});

describe("the grey window", () => {
  test("is black at its lower end, white at its upper, turned round when inverted", () => {
    const table = greyTable("int16", windowOf(40, 400), false);
    const shade = (value: number): number => table[value & 0xffff] & 255;
    expect([-1000, -160, 40, 240, 3000].map(shade)).toEqual([0, 0, 128, 255, 255]);
    expect(greyTable("uint8", { low: 0, high: 255 }, true)[0] & 255).toBe(255);
  });

  test("of a preset speaks Hounsfield units and answers stored values", () => {
    const soft = ctPresets(1, -1024)[0];
    expect(soft.window).toEqual({ low: -160 + 1024, high: 240 + 1024 });
  });

  test("paints grey and colour as opaque pixels", () => {
    const table = greyTable("uint8", { low: 0, high: 255 }, false);
    const out = new Uint32Array(2);
    paintGrey(out, Uint8Array.of(0, 255), table);
    expect([...out]).toEqual([0xff000000, 0xffffffff]);
    paintColour(out, Uint8Array.of(1, 2, 3, 4, 5, 6), table);
    expect([...out]).toEqual([0xff050301, 0xff060402]);
  });
});

describe("a measurement", () => {
  test("has three significant figures", () => {
    expect([1234.5, 12.345, 0.012345, 0, 5].map(threeFigures)).toEqual(["1230", "12.3", "0.0123", "0", "5.00"]);
  });

  test("takes its unit from the spacing and never invents one", () => {
    expect(inWords(length(3, 4, null))).toBe("5.00 px");
    expect(inWords(length(3, 4, [2, 2]))).toBe("10.0 mm");
    expect(inWords(length(3, 4, [0.0005, 0.0005]))).toBe("2.50 µm");
    expect(inWords(pixelArea(100, { spacingZyx: null, source: null }))).toBe("100 px²");
    expect(inWords(pixelArea(100, { spacingZyx: [5, 0.5, 0.5], source: "patient" }))).toBe("25.0 mm²");
    expect(inWords(voxelVolume(1000, { spacingZyx: [5, 1, 1], source: "patient" }))).toBe("5.00 mL");
  });

  test("bar is the longest round length that fits", () => {
    expect(scaleBar(2, 150)).toEqual({ length: 50, pixels: 100 });
  });
});
