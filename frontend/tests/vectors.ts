import { readFileSync } from "node:fs";

/** Cases that Python passes too. */
export function vectors<T>(name: string): T[] {
  return JSON.parse(readFileSync(new URL(`../../tests/vectors/${name}.json`, import.meta.url), "utf8")) as T[];
}

/** A small reproducible source of numbers in [0, 1): Park and Miller's generator. */
export function random(seed: number): () => number {
  let state = seed * 2654435761 % 2147483647 || 1;
  return () => (state = (state * 48271) % 2147483647) / 2147483647;
}
