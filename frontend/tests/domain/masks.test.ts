import { describe, expect, test } from "vitest";

import { contours } from "../../src/domain/contour";
import { fromBase64, fromBytes, toBase64, toBytes } from "../../src/domain/rle";
import { sha256 } from "../../src/domain/sha256";
import * as spans from "../../src/domain/spans";
import { random, vectors } from "../vectors";

type RunLengthsCase = {
  name: string;
  width: number;
  height: number;
  rows: string[];
  base64: string;
  area: number;
  box: number[] | null;
  digest: string;
};

const bitmapOf = (rows: string[]): Uint8Array => Uint8Array.from(rows.join(""), Number);

function noise(size: number, seed: number, density = 0.4): Uint8Array {
  const next = random(seed);
  return Uint8Array.from({ length: size }, () => (next() < density ? 1 : 0));
}

describe.each(vectors<RunLengthsCase>("run_lengths"))("the shared mask $name", (shared) => {
  const mask = spans.fromBitmap(bitmapOf(shared.rows));

  test("has the bytes and the digest that Python gives it", () => {
    expect(toBase64(toBytes(mask))).toBe(shared.base64);
    expect(sha256(toBytes(mask))).toBe(shared.digest);
  });

  test("comes back from its bytes", () => {
    const back = fromBytes(fromBase64(shared.base64));
    expect(back).toEqual(mask);
    expect(spans.toBitmap(back, shared.width * shared.height)).toEqual(bitmapOf(shared.rows));
  });

  test("has the area and the box that Python measures", () => {
    expect(spans.area(mask)).toBe(shared.area);
    expect(spans.boundingBox(mask, shared.width)).toEqual(shared.box);
  });
});

describe("combining masks", () => {
  test("equals combining their bitmaps, over seeds", () => {
    for (let seed = 1; seed <= 30; seed++) {
      const a = noise(200, seed);
      const b = noise(200, seed + 100, 0.1 + (seed % 8) / 10);
      const [sa, sb] = [spans.fromBitmap(a), spans.fromBitmap(b)];
      const slow = (rule: (x: number, y: number) => number): spans.Spans =>
        spans.fromBitmap(a.map((value, k) => rule(value, b[k])));
      expect(spans.union(sa, sb)).toEqual(slow((x, y) => x | y));
      expect(spans.intersect(sa, sb)).toEqual(slow((x, y) => x & y));
      expect(spans.subtract(sa, sb)).toEqual(slow((x, y) => x & (1 - y)));
      expect(spans.xor(sa, sb)).toEqual(slow((x, y) => x ^ y));
    }
  });

  test("with nothing changes nothing", () => {
    const mask = spans.fromBitmap(noise(50, 3));
    expect(spans.union(mask, spans.EMPTY)).toEqual(mask);
    expect(spans.intersect(mask, spans.EMPTY)).toEqual(spans.EMPTY);
    expect(spans.xor(mask, mask)).toEqual(spans.EMPTY);
  });

  test("knows each voxel inside", () => {
    const bitmap = noise(120, 9);
    const mask = spans.fromBitmap(bitmap);
    expect(Uint8Array.from(bitmap, (_, k) => Number(spans.contains(mask, k)))).toEqual(bitmap);
  });

  test("cuts a span into its rows", () => {
    const pieces: number[][] = [];
    spans.eachRowPiece(Uint32Array.from([3, 9]), 4, (...piece) => pieces.push(piece));
    expect(pieces).toEqual([
      [0, 3, 4],
      [1, 0, 4],
      [2, 0, 1],
    ]);
  });
});

describe("a digest", () => {
  test("of the standard's own examples is the standard's", () => {
    const hash = (text: string): string => sha256(new TextEncoder().encode(text));
    expect(hash("abc")).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    expect(hash("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")).toBe(
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
    );
  });

  test("equals the platform's at every length around a block", async () => {
    for (const length of [0, 1, 54, 55, 56, 63, 64, 65, 119, 120, 1000]) {
      const bytes = Uint8Array.from({ length }, (_, k) => k * 7);
      const platform = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
      expect(sha256(bytes)).toBe(Buffer.from(platform).toString("hex"));
    }
  });
});

describe("an outline", () => {
  test("of one pixel is its four corners, clockwise", () => {
    expect(contours(Uint32Array.from([5, 6]), 4).map((loop) => [...loop])).toEqual([[2, 1, 2, 2, 1, 2, 1, 1]]);
  });

  test("of a ring has an inner loop", () => {
    const ring = spans.subtract(spans.fromBox([0, 0, 3, 3], 5, 5), spans.fromBox([1, 1, 2, 2], 5, 5));
    expect(contours(ring, 5)).toHaveLength(2);
  });

  test("encloses the mask's area exactly, over seeds", () => {
    for (let seed = 1; seed <= 20; seed++) {
      const mask = spans.fromBitmap(noise(12 * 9, seed, 0.5));
      const enclosed = contours(mask, 12).reduce((sum, loop) => sum + signedArea(loop), 0);
      expect(enclosed).toBe(spans.area(mask));
    }
  });
});

function signedArea(loop: Float32Array): number {
  let twice = 0;
  for (let k = 0; k < loop.length; k += 2) {
    const next = (k + 2) % loop.length;
    twice += loop[k] * loop[next + 1] - loop[next] * loop[k + 1];
  }
  return twice / 2;
}
