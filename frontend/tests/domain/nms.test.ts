import { describe, expect, test } from "vitest";

import { overlapLists, resolve, type OverlapPair } from "../../src/domain/nms";
import { random, vectors } from "../vectors";

type NmsCase = {
  name: string;
  scores: number[];
  pairs: OverlapPair[];
  score_cutoff: number;
  overlap_cutoff: number;
  keep: boolean[];
  suppressed_by: number[];
};

describe("choosing among candidates", () => {
  test.each(vectors<NmsCase>("nms"))("gives Python's answer: $name", (shared) => {
    const lists = overlapLists(shared.scores.length, shared.pairs);
    const found = resolve(shared.scores, lists, shared.score_cutoff, shared.overlap_cutoff);
    expect(Array.from(found.keep, Boolean)).toEqual(shared.keep);
    expect(Array.from(found.suppressedBy)).toEqual(shared.suppressed_by);
  });

  test("equals the obvious rule, over seeds", () => {
    for (let seed = 1; seed <= 25; seed++) {
      const next = random(seed);
      const scores = Array.from({ length: 40 }, () => Math.round(next() * 10) / 10);
      const pairs: OverlapPair[] = [];
      for (let i = 0; i < 40; i++) for (let j = i + 1; j < 40; j++) if (next() < 0.15) pairs.push([i, j, next()]);
      const found = resolve(scores, overlapLists(40, pairs), 0.3, 0.4);
      const kept: number[] = [];
      const order = scores.map((_, k) => k).sort((a, b) => scores[b] - scores[a] || a - b);
      for (const k of order.filter((one) => scores[one] >= 0.3)) {
        const covered = kept.some((other) => pairs.some(([i, j, share]) => share > 0.4 && ((i === k && j === other) || (j === k && i === other))));
        if (!covered) kept.push(k);
      }
      expect(kept.sort((a, b) => a - b)).toEqual([...found.keep.keys()].filter((k) => found.keep[k]));
    }
  });
});
