import type { MessageKey } from "../../messages";
import type { ReviewPage } from "./review.svelte";
import type { Opened } from "./series";

/** Why a tool that draws was refused just now; beside the page's series is where the pointer says so. */
export function whyNoStroke({ onReference, shown, mayEdit }: ReviewPage, beside: Opened | null): MessageKey {
  if (!onReference || beside?.state.pointer) return "review.series.drawing";
  return mayEdit && shown?.state.looks.slab ? "review.slab.drawing" : "review.readOnly.drawing";
}
