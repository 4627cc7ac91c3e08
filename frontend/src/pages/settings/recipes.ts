/** A recipe as a form shows it: every step once, each option with a value. */

import type { RecipeMethod, RecipeOption, RecipeStep, RecipeStepKind } from "../../api/types";

export type OptionValue = string | number | boolean;

export function methodOf(kind: RecipeStepKind, steps: readonly RecipeStep[]): RecipeMethod {
  const step = steps.find(({ name }) => name === kind.name);
  return kind.methods.find(({ name }) => name === step?.method) ?? kind.methods[0];
}

export function valueOf(option: RecipeOption, step: RecipeStep | undefined): OptionValue {
  return (step?.[option.name] as OptionValue | undefined) ?? (option.default as OptionValue);
}

/** The recipe with another method for one step; options take their defaults, shared ones stay. */
export function withMethod(
  kinds: readonly RecipeStepKind[],
  steps: readonly RecipeStep[],
  kind: RecipeStepKind,
  method: RecipeMethod,
): RecipeStep[] {
  const before = steps.find(({ name }) => name === kind.name);
  const options = method.options.map((option) => [option.name, valueOf(option, before)] as const);
  return inOrder(kinds, [
    ...steps.filter(({ name }) => name !== kind.name),
    { name: kind.name, method: method.name, ...Object.fromEntries(options) },
  ]);
}

export function withOption(steps: readonly RecipeStep[], kind: string, option: string, value: OptionValue): RecipeStep[] {
  return steps.map((step) => (step.name === kind ? { ...step, [option]: value } : step));
}

/** One short line per step that does something. */
export function summary(kinds: readonly RecipeStepKind[], steps: readonly RecipeStep[]): string[] {
  return kinds.flatMap((kind) => {
    const method = methodOf(kind, steps);
    if (method === kind.methods[0]) return [];
    const step = steps.find(({ name }) => name === kind.name);
    const options = method.options
      .filter(({ type }) => type !== "boolean")
      .map((option) => `${option.label.toLowerCase()} ${valueOf(option, step)}${option.unit.length > 2 ? "" : option.unit}`);
    return [`${kind.label}: ${[method.label, ...options].join(", ")}`];
  });
}

/** Steps are always taken in the schema's order. */
function inOrder(kinds: readonly RecipeStepKind[], steps: readonly RecipeStep[]): RecipeStep[] {
  return kinds.flatMap(({ name }) => steps.filter((step) => step.name === name));
}
