import { createHash } from "node:crypto";

import { describe, expect, test } from "vitest";

import type { Spans } from "../../src/domain/spans";
import type { MeasureFields } from "../../src/state/measures";
import type { ReviewState } from "../../src/state/review_state";
import type { FindingFields } from "../../src/state/types";
import { Sitting } from "./sitting";

// `npm run test:long` makes it a thousand.
const LONG = process.env.UNDO_RUNS;
const RUNS = Number(LONG ?? 50);
const STEPS = 500;

const known = new WeakMap<object, string>();

/** Rows, findings and measurements are replaced, never written to: each is looked at once. */
function print(one: Spans | FindingFields | MeasureFields): string {
  let digest = known.get(one);
  if (digest === undefined) {
    const bytes = one instanceof Uint32Array ? new Uint8Array(one.buffer, one.byteOffset, one.byteLength) : JSON.stringify(one);
    digest = createHash("sha256").update(bytes).digest("base64");
    known.set(one, digest);
  }
  return digest;
}

/** One digest of everything that a case holds: masks, findings, cut-offs, measurements. */
function digest({ document }: ReviewState): string {
  const lines = [JSON.stringify(document.cutoffs)];
  for (const z of document.drawnSlices()) for (const [finding, spans] of document.slice(z)) lines.push(`${finding} ${z} ${print(spans)}`);
  for (const [finding, fields] of document.findings()) lines.push(`${finding} ${print(fields)}`);
  for (const [id, fields] of document.measures.all()) lines.push(`${id} ${print(fields)}`);
  return createHash("sha256").update(lines.sort().join("\n")).digest("base64");
}

/** A sitting of so many steps; whoever goes back or forth must meet the digest that stood there before. */
async function workALot(seed: number): Promise<ReadonlyMap<string, number>> {
  const digests: string[] = [];
  let compared = 0;
  const sitting: Sitting = new Sitting(seed, () => {
    const { position, fresh } = sitting.state.history.trail;
    const now = digest(sitting.state);
    if (fresh) {
      digests[position] = now;
      return void (digests.length = position + 1);
    }
    compared++;
    if (now !== digests[position]) throw new Error(`Sitting ${seed} came back to another case at step ${position}.`);
  });
  const { state } = sitting;
  digests[0] = digest(state);
  while (sitting.steps < STEPS) await sitting.act();
  while (state.history.redo());
  const all = sitting.steps;
  compared = 0;
  while (state.history.undo());
  expect([sitting.steps, compared]).toEqual([0, all]);
  while (state.history.redo());
  expect([sitting.steps, compared]).toEqual([all, 2 * all]);
  return sitting.made;
}

describe("undo of everything", () => {
  test(`${RUNS} sittings of ${STEPS} steps lead back to the start and forth to the end, digest by digest`, { timeout: 3_600_000 }, async () => {
    const made = new Map<string, number>();
    for (let seed = 1; seed <= RUNS; seed++) {
      for (const [act, steps] of await workALot(seed)) made.set(act, (made.get(act) ?? 0) + steps);
    }
    if (LONG) console.info(JSON.stringify({ runs: RUNS, steps: STEPS, made: Object.fromEntries([...made].sort()) }));
    // Every kind of act took part, save those that make no step.
    for (const act of EVERY_ACT) expect(made.get(act), act).toBeGreaterThan(0);
  });
});

const EVERY_ACT =
  "brush,eraser,ball,gated,polygon,lasso,fill,box,scissors,threshold,reviewed,reviewed slices,prompt,ruler,angle,measure,interpolate,cut-offs,accept,reject,accept all,relabel,delete,revive,image label,shape grow,shape shrink,shape smooth,shape largest,shape small,shape holes,shape split,shape duplicate,shape join,shape subtract,shape intersect,shape merge,shape copyUp,shape copyDown,shape carryUp,shape carryDown".split(
    ",",
  );
