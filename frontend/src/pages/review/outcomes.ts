import { toasts } from "../../components/toasts.svelte";
import { t } from "../../messages";
import type { Outcome } from "../../state/shaping";

/** Says what an operation could not do; what it did is seen on the image. */
export function tellOutcome(outcome: Outcome): void {
  if (outcome !== "done") toasts.show(t(`review.told.${outcome}`));
}
