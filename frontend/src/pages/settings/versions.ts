/** What changed between two versions of a project, in short lines. */

type Snapshot = Readonly<Record<string, unknown>>;

export function changesBetween(before: Snapshot, after: Snapshot): string[] {
  return Object.keys({ ...before, ...after })
    .filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]))
    .map((name) => lineOf(name, before[name], after[name]));
}

function lineOf(name: string, before: unknown, after: unknown): string {
  const words = name.replaceAll("_", " ");
  if (name === "labels") return `${words}: ${namesOf(after).join(", ")}`;
  if (isPlain(before) && isPlain(after)) return `${words}: ${show(before)} → ${show(after)}`;
  if (name === "recipe") return `${words}: ${numberOf(before)} → ${numberOf(after)}`;
  return `${words} (${countOf(before)} → ${countOf(after)})`;
}

function isPlain(value: unknown): boolean {
  return value === null || ["string", "number", "boolean", "undefined"].includes(typeof value);
}

function show(value: unknown): string {
  if (value === null || value === undefined || value === "") return "–";
  return typeof value === "boolean" ? (value ? "yes" : "no") : String(value);
}

function namesOf(value: unknown): string[] {
  return Array.isArray(value) ? value.map((one: { name?: string; retired?: boolean }) => `${one.name ?? ""}${one.retired ? " (retired)" : ""}`) : [];
}

function numberOf(value: unknown): string {
  return String((value as { number?: number } | null)?.number ?? "–");
}

function countOf(value: unknown): number {
  return Array.isArray(value) ? value.length : Object.keys((value as object | null) ?? {}).length;
}
