import english from "./en.json";

export type MessageKey = keyof typeof english;

/** The sentence of a key, its {names} filled in; a count picks the plural after "|". */
export function t(key: MessageKey, values: Readonly<Record<string, string | number>> = {}): string {
  const [one, many] = english[key].split(" | ");
  const text = many !== undefined && values.count !== 1 ? many : one;
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}
