import type { Box } from "../domain/spans";

/** What a person points at, as the service reads it. */
export type PromptStroke = {
  readonly points: readonly (readonly [x: number, y: number, z: number])[];
  readonly positive: boolean;
};
export type PromptSlice = { readonly z: number; readonly runs: string };
export type PromptRequest = {
  readonly label: number;
  readonly t: number;
  readonly z: number;
  readonly strokes: readonly PromptStroke[];
  readonly box: Box | null;
  readonly previous: readonly PromptSlice[] | null;
};
export type PromptNote = {
  readonly score: number;
  readonly method: "network" | "contour";
  readonly network: string | null;
};
export type PromptFound = PromptNote & { readonly slices: readonly PromptSlice[] };

export interface Prompter {
  /** The mask that is meant; null where there is no answer, which the page has told by then. */
  ask(request: PromptRequest): Promise<PromptFound | null>;
}
