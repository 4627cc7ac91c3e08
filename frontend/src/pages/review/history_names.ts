import type { HistoryEntry } from "../../api/review";
import { t } from "../../messages";

/** What an entry of the history is called: the one act of a sitting, or what kind of acts they were. */
export const entryName = ({ kind, count, operation }: HistoryEntry): string =>
  kind === "edited" && count === 1 && operation ? operation : t(`review.history.${kind}`);
