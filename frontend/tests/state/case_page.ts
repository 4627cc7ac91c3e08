import { toBase64, toBytes } from "../../src/domain/rle";
import { fromBox, union } from "../../src/domain/spans";
import { ChangeBuilder, type Change } from "../../src/state/document";
import type { Journal } from "../../src/state/journal";
import type { ReviewState } from "../../src/state/review_state";
import { CaseSync, showContent } from "../../src/state/sync";
import type { CaseContent, RowMessage } from "../../src/state/transport";
import { review, type ServiceInMemory } from "./support";

/** A case that is opened, as the review page opens it. */
export type Page = {
  state: ReviewState;
  sync: CaseSync;
  /** How often opening made the whole document anew. */
  resets: number;
};
const CUTOFFS = { score: 0.5, overlap: 0.4 };
type Opening = { service: ServiceInMemory; journal: Journal; mayDraw?: boolean; tab?: string; person?: string; shown?: CaseContent };

export async function openCase({ service, journal, mayDraw = true, tab = "tab", person = "ada", shown }: Opening): Promise<Page> {
  const hold: { sync?: CaseSync } = {};
  const state = review("instances", {}, (change: Change) => hold.sync?.add(change), (change) => hold.sync?.draft(change));
  if (shown) showContent(state.document, shown, CUTOFFS);
  let resets = 0;
  state.document.onTouched((touched, findings) => (resets += Number(touched.length + findings.length === 0)));
  const sync = new CaseSync({
    caseId: "case",
    person,
    tab,
    document: state.document,
    history: state.history,
    transport: service,
    journal,
    cutoffs: () => CUTOFFS,
    changed: () => undefined,
    ...(shown && { shown: Promise.resolve(shown) }),
  });
  hold.sync = sync;
  await sync.open(mayDraw);
  return { state, sync, resets };
}

/** A square of four pixels more, as one step. */
export function draw({ state }: Page, finding: number, x: number): void {
  const builder = new ChangeBuilder(state.document);
  if (!state.document.finding(finding)) builder.set(finding, state.newFields());
  const mask = union(state.document.mask(finding, 0), fromBox([x, 0, x + 4, 4], 40, 30));
  state.history.commit(builder.row(finding, 0, mask).done("brush"));
}

/** What somebody else draws. */
export const theirRow = (finding: number, x: number): RowMessage => ({
  finding,
  z: 0,
  runs: toBase64(toBytes(fromBox([x, 10, x + 2, 12], 40, 30))),
});
