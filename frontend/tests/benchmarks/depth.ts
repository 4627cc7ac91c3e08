/** What `python -m tests.benchmarks.depth` runs in a page: the page's own code on a drawn volume. */

import type { Camera } from "../../src/domain/camera";
import type { Affine } from "../../src/domain/coordinates";
import { levelTilt, rasterOf, sampleRaster, tilted } from "../../src/domain/oblique";
import { AxialSlabs, projectUpright, SLAB_RULES, slabRange, type SlabRange, type SlabRule } from "../../src/domain/slab";
import { fromBitmap, type Spans } from "../../src/domain/spans";
import { occupancyOf, surfaceOf, type Mesh } from "../../src/domain/surface";
import { greyTable, paintGrey } from "../../src/domain/window";
import { CanvasPainter } from "../../src/viewer/surface_canvas";
import { webglPainter } from "../../src/viewer/surface_webgl";

const GRID = { nx: 512, ny: 512, nz: 200 };
const SPACING = [1, 0.7, 0.7] as const;
const AFFINE: Affine = [[0.7, 0, 0, -180], [0, 0.7, 0, -180], [0, 0, 1, 0], [0, 0, 0, 1]];
const PLACE = { grid: GRID, affineLps: AFFINE, spacingZyx: SPACING };
const SHAPE = { grid: GRID, type: "int16" as const, channels: 1 };

type Took = { readonly what: string; readonly ms: readonly number[]; readonly peer?: readonly number[]; readonly told?: Readonly<Record<string, number>> };

const slices = Array.from({ length: GRID.nz }, (_, z) => Int16Array.from({ length: GRID.nx * GRID.ny }, (_, k) => ((k * 2654435761 + z * 40503) >>> 20) - 1024));
const axial = (z: number): Int16Array<ArrayBuffer> => slices[z];
const table = greyTable("int16", { low: -160, high: 240 }, false);

function timed(act: () => void): number {
  const began = performance.now();
  act();
  return performance.now() - began;
}

/** A picture on a canvas, as the page's layer makes it. */
function painter(width: number, height: number): (samples: Int16Array) => void {
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const image = new ImageData(width, height);
  return (samples) => {
    paintGrey(new Uint32Array(image.data.buffer), samples as Int16Array<ArrayBuffer>, table);
    canvas.getContext("2d")!.putImageData(image, 0, 0);
  };
}

/** What a slab costs that remembers nothing. */
function anew(rule: SlabRule, { first, last }: SlabRange): Int16Array {
  const sums = Int32Array.from(slices[first]);
  for (let z = first + 1; z <= last; z++) {
    const slice = slices[z];
    if (rule === "max") for (let k = 0; k < sums.length; k++) sums[k] = slice[k] > sums[k] ? slice[k] : sums[k];
    else if (rule === "min") for (let k = 0; k < sums.length; k++) sums[k] = slice[k] < sums[k] ? slice[k] : sums[k];
    else for (let k = 0; k < sums.length; k++) sums[k] += slice[k];
  }
  const count = last - first + 1;
  return Int16Array.from(sums, (sum) => (rule === "mean" ? Math.floor(sum / count + 0.5) : sum));
}

/** Steps through the volume, slice by slice, after the first picture of the slab. */
function slabs(thickness: number, rounds: number): Took[] {
  const paint = painter(GRID.nx, GRID.ny);
  return SLAB_RULES.map((rule) => {
    const kept = new AxialSlabs(SHAPE);
    const range = (z: number): SlabRange => slabRange("axial", z, thickness, PLACE);
    const first = timed(() => kept.project(rule, range(60), axial, 0));
    const ms: number[] = [];
    const peer: number[] = [];
    for (let z = 61; z < 61 + rounds; z++) {
      ms.push(timed(() => paint(kept.project(rule, range(z), axial, 0) as Int16Array)));
      peer.push(timed(() => paint(anew(rule, range(z)))));
    }
    return { what: `axial ${rule} of ${thickness} mm`, ms, peer, told: { slices: range(61).last - range(61).first + 1, first_ms: first } };
  });
}

function upright(thickness: number, rounds: number): Took[] {
  return (["coronal", "sagittal"] as const).map((plane) => {
    const paint = painter(512, GRID.nz);
    const ms = Array.from({ length: rounds }, (_, k) =>
      timed(() => paint(projectUpright(plane, "max", slabRange(plane, 200 + k, thickness, PLACE), axial, SHAPE) as Int16Array)),
    );
    return { what: `${plane} max of ${thickness} mm`, ms };
  });
}

function oblique(width: number, height: number, rounds: number): Took {
  let tilt = tilted(levelTilt(AFFINE), [1, 0, 0], 0.6);
  const paint = painter(width, height);
  const ms = Array.from({ length: rounds }, () => {
    tilt = tilted(tilt, [0, 0, 1], 0.05);
    return timed(() => {
      const raster = rasterOf(tilt, [0, 0, 100], 360 / width, width, height);
      paint(sampleRaster(raster, { ...SHAPE, affine: AFFINE, axial })!.values as Int16Array);
    });
  });
  return { what: `tilted plane of ${width} by ${height}`, ms };
}

/** A wavy ball of 120 mm: as much surface as an organ has. */
function organ(): Map<number, Spans> {
  const drawn = new Map<number, Spans>();
  for (let z = 10; z < 190; z++) {
    const bitmap = new Uint8Array(GRID.nx * GRID.ny);
    for (let y = 0; y < GRID.ny; y++) {
      for (let x = 0; x < GRID.nx; x++) {
        const [u, v, w] = [(x - 256) * 0.7, (y - 256) * 0.7, z - 100];
        if (Math.hypot(u, v, w) < 84 + 5 * Math.sin(u / 6) + 4 * Math.cos(v / 5) + 3 * Math.sin(w / 4)) bitmap[y * GRID.nx + x] = 1;
      }
    }
    drawn.set(z, fromBitmap(bitmap));
  }
  return drawn;
}

function surfaces(cells: number, rounds: number): { took: Took; mesh: Mesh } {
  const drawn = organ();
  let mesh: Mesh | null = null;
  const ms = Array.from({ length: Math.min(rounds, 5) }, () => timed(() => (mesh = surfaceOf(occupancyOf(drawn, GRID, SPACING, cells)!, AFFINE))));
  return { took: { what: `surface in ${cells} cells`, ms, told: { triangles: mesh!.corners.length / 3 } }, mesh: mesh! };
}

function turning(mesh: Mesh, kind: "canvas" | "webgl2", rounds: number): Took | null {
  const canvas = Object.assign(document.createElement("canvas"), { width: 600, height: 450 });
  document.body.append(canvas);
  const made = kind === "canvas" ? new CanvasPainter(canvas) : webglPainter(canvas, true);
  if (!made) return null;
  const gl = kind === "webgl2" ? canvas.getContext("webgl2")! : null;
  const pixel = new Uint8Array(4);
  const ms = Array.from({ length: rounds }, (_, k) => {
    const [c, s] = [Math.cos(k / 9), Math.sin(k / 9)];
    const camera: Camera = { centre: [0, 0, 100], right: [c, s, 0], up: [0, 0, 1], toward: [s, -c, 0], scale: 2.2 };
    return timed(() => {
      made.draw([{ finding: 1, mesh, colour: [213, 94, 0] }], camera, 1, false);
      // Waits until the picture is there.
      gl?.readPixels(300, 225, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, pixel);
    });
  });
  made.stop();
  canvas.remove();
  return { what: `a full picture of it by ${kind}`, ms };
}

export function measure(rounds: number): Took[] {
  const { took, mesh } = surfaces(128, rounds);
  const fine = surfaces(256, rounds);
  const drawn = (["canvas", "webgl2"] as const).map((kind) => turning(mesh, kind, rounds));
  return [
    ...slabs(10, rounds),
    ...slabs(50, rounds),
    ...upright(10, rounds),
    ...upright(50, rounds),
    oblique(600, 450, rounds),
    oblique(1200, 900, rounds),
    took,
    fine.took,
    ...drawn.filter((one) => one !== null),
  ];
}
