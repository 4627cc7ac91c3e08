/** The two sides of a conflict, and both together, as pictures to choose between. */

import { ReviewTransport } from "../../api/review_transport";
import type { CaseDocument } from "../../state/document";
import { stateAt } from "../../state/merging";
import { ReviewState } from "../../state/review_state";
import type { Conflict } from "../../state/save_queue";
import { lookAtSame, mergedDocument } from "../../state/sides";
import { documentOf } from "../../state/sync";
import { Stage } from "../../viewer/stage";
import type { Opened } from "./series";

export type SideName = "mine" | "theirs" | "both";
export type Side = { readonly name: SideName; readonly state: ReviewState; readonly stage: Stage };

export class ConflictSides {
  private readonly off: () => void;

  private constructor(
    readonly sides: readonly Side[],
    opened: Opened,
  ) {
    // Slices arrive for the page; these pictures show the same ones.
    this.off = opened.state.topics.on(["picture"], () => sides.forEach(({ state }) => state.topics.tell("picture")));
  }

  static async read(caseId: string, opened: Opened, conflict: Conflict): Promise<ConflictSides> {
    const transport = new ReviewTransport(caseId);
    const [theirs, before] = await Promise.all([transport.load(), stateAt(transport, conflict.before)]);
    const mine = opened.state.document;
    const sides = [sideOf("mine", opened, mine), sideOf("theirs", opened, documentOf(theirs))];
    if (conflict.mergeable) sides.push(sideOf("both", opened, mergedDocument(mine, theirs, before, conflict)));
    return new ConflictSides(sides, opened);
  }

  show(name: string): void {
    const canvas = this.sides[0].stage.views.get("axial")?.canvas;
    if (!canvas) return;
    const size = { width: canvas.clientWidth, height: canvas.clientHeight };
    lookAtSame(this.sides.map(({ state }) => state), name, size);
  }

  stop(): void {
    this.off();
    this.sides.forEach(({ stage }) => stage.stop());
  }
}

function sideOf(name: SideName, opened: Opened, document: CaseDocument): Side {
  const { state: own } = opened;
  const state = new ReviewState({ task: own.task, labels: own.labels, facts: own.facts, volume: own.volume, document, committed: () => undefined });
  const { window, inverted, channel, opacity, outlines } = own.looks;
  state.look({ window, inverted, channel, opacity, outlines, layout: "one", plane: "axial", crosshair: false });
  return { name, state, stage: new Stage(state, () => []) };
}
