/** The worklist's filter, kept in the address so that "back" and a shared link show the same list. */

import type { CaseFilter, CaseOrder } from "../../api/projects";

const ORDERS: readonly CaseOrder[] = ["number", "uncertainty", "updated", "state"];

export function filterOf(query: URLSearchParams): CaseFilter {
  const order = query.get("order") as CaseOrder | null;
  return {
    state: query.get("state") ?? "",
    kind: query.get("kind") ?? "",
    q: query.get("q") ?? "",
    mine: query.get("who") === "mine" || undefined,
    unassigned: query.get("who") === "unassigned" || undefined,
    order: order && ORDERS.includes(order) ? order : "number",
  };
}

export function searchOf(filter: CaseFilter): string {
  const query = new URLSearchParams();
  if (filter.state) query.set("state", filter.state);
  if (filter.kind) query.set("kind", filter.kind);
  if (filter.q) query.set("q", filter.q);
  if (filter.mine || filter.unassigned) query.set("who", filter.mine ? "mine" : "unassigned");
  if (filter.order && filter.order !== "number") query.set("order", filter.order);
  const text = query.toString();
  return text ? `?${text}` : "";
}

export function isNarrow(filter: CaseFilter): boolean {
  return Boolean(filter.state || filter.kind || filter.q || filter.mine || filter.unassigned);
}
