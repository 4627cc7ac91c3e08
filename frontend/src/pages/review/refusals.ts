import type { MessageKey } from "../../messages";
import type { ReviewPage } from "./review.svelte";

/** Why a tool that draws was refused just now. */
export function whyNoStroke({ onReference, shown, mayEdit }: ReviewPage): MessageKey {
  if (!onReference) return "review.series.drawing";
  return mayEdit && shown?.state.looks.slab ? "review.slab.drawing" : "review.readOnly.drawing";
}
