import type { NetworkCard } from "../../api/types";
import { kindName } from "../../components/kinds";

/** The figures of a card as name and value, groups flattened: "test · ap_50", "0.81". */
export function figuresOf(card: Pick<NetworkCard, "metrics">): readonly (readonly [string, string])[] {
  return flatten(card.metrics, "");
}

/** The kinds of image and modalities of a card, each said once. */
export function madeFor({ kinds, modalities }: Pick<NetworkCard, "kinds" | "modalities">): string {
  const words = [...kinds, ...modalities].filter(Boolean).map(kindName);
  return words.filter((word, at) => words.findIndex((one) => one.toLowerCase() === word.toLowerCase()) === at).join(", ");
}

/** The spacings a network was made for, in the unit that suits their size. */
export function spacingOf({ spacing_mm }: Pick<NetworkCard, "spacing_mm">): string | null {
  if (!spacing_mm) return null;
  const { min, max } = spacing_mm;
  const micro = max < 0.1;
  const show = (value: number) => Number((micro ? value * 1000 : value).toPrecision(3));
  return `${show(min)}–${show(max)} ${micro ? "µm" : "mm"}`;
}

function flatten(metrics: Readonly<Record<string, unknown>>, before: string): (readonly [string, string])[] {
  return Object.entries(metrics).flatMap(([name, value]) => {
    // A figure over all cases needs no word for "all".
    const own = name === "all" ? "" : kindName(name);
    const full = [before, own].filter(Boolean).join(" · ");
    if (typeof value === "number") return [[full, Number.isInteger(value) ? String(value) : value.toFixed(3)] as const];
    if (typeof value === "string") return [[full, value] as const];
    if (value && typeof value === "object" && !Array.isArray(value)) return flatten(value as Record<string, unknown>, full);
    return [];
  });
}
