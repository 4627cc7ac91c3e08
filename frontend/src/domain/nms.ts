/** Candidates i and j cover each other by `share` of the smaller one. */
export type OverlapPair = readonly [i: number, j: number, share: number];

export type Resolution = {
  readonly keep: Uint8Array;
  /** The kept candidate that suppressed this one, or -1. */
  readonly suppressedBy: Int32Array;
};

/** Pairs as neighbour lists, made once so that a slider costs one pass. */
export type OverlapLists = { readonly starts: Uint32Array; readonly others: Uint32Array; readonly shares: Float64Array };

export function overlapLists(count: number, pairs: readonly OverlapPair[]): OverlapLists {
  const starts = new Uint32Array(count + 1);
  for (const [i, j] of pairs) {
    starts[i + 1]++;
    starts[j + 1]++;
  }
  for (let k = 0; k < count; k++) starts[k + 1] += starts[k];
  const next = starts.slice();
  const others = new Uint32Array(pairs.length * 2);
  const shares = new Float64Array(pairs.length * 2);
  for (const [i, j, share] of pairs) {
    others[next[i]] = j;
    shares[next[i]++] = share;
    others[next[j]] = i;
    shares[next[j]++] = share;
  }
  return { starts, others, shares };
}

/** Candidates by score, highest first, ties by index, and the place of each: made once, as scores never change. */
export type Ranking = { readonly order: Uint32Array; readonly rank: Uint32Array };

export function ranking(scores: ArrayLike<number>): Ranking {
  const order = Uint32Array.from({ length: scores.length }, (_, k) => k).sort((a, b) => scores[b] - scores[a] || a - b);
  const rank = new Uint32Array(scores.length);
  order.forEach((candidate, place) => (rank[candidate] = place));
  return { order, rank };
}

/**
 * Greedy suppression over sparse overlaps: by score, highest first, ties by index. A candidate below
 * the score cut-off is dropped; one that a kept candidate covers by more than the overlap cut-off is
 * suppressed by the highest-scoring such one.
 */
export function resolve(
  scores: ArrayLike<number>,
  overlaps: OverlapLists,
  scoreCutoff: number,
  overlapCutoff: number,
  { order, rank }: Ranking = ranking(scores),
): Resolution {
  const keep = new Uint8Array(scores.length);
  const suppressedBy = new Int32Array(scores.length).fill(-1);
  for (const candidate of order) {
    if (scores[candidate] < scoreCutoff) continue;
    let by = -1;
    for (let k = overlaps.starts[candidate]; k < overlaps.starts[candidate + 1]; k++) {
      const other = overlaps.others[k];
      if (!keep[other] || overlaps.shares[k] <= overlapCutoff) continue;
      if (by < 0 || rank[other] < rank[by]) by = other;
    }
    suppressedBy[candidate] = by;
    if (by < 0) keep[candidate] = 1;
  }
  return { keep, suppressedBy };
}
