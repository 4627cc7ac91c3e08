import type { FindingFilter, FindingOrder } from "../../state/finding_list";

/** What the list of findings shows; "next finding" follows the same order. */
export class ListChoice {
  filter = $state<FindingFilter>("all");
  order = $state<FindingOrder>("score");
}
