import { describe, expect, test } from "vitest";

import { BINDINGS, commandOf, digitOf, keyName, keysOf } from "../../src/tools/keys";

const press = (key: string, more: Partial<KeyboardEvent> = {}): KeyboardEvent =>
  ({ key, ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, ...more }) as KeyboardEvent;

describe("keys", () => {
  test("never mean two things", () => {
    const all = BINDINGS.flatMap((binding) => binding.keys);
    expect(new Set(all).size).toBe(all.length);
  });

  test("are found whatever the case of the letter", () => {
    expect(commandOf(press("b"))).toBe("tool.brush");
    expect(commandOf(press("B", { shiftKey: true }))).toBe("tool.gated");
    expect(commandOf(press("P", { shiftKey: true }))).toBeNull();
    expect(commandOf(press("A", { shiftKey: true }))).toBe("acceptAll");
  });

  test("take the command key of other systems for ctrl", () => {
    expect(commandOf(press("z", { ctrlKey: true }))).toBe("undo");
    expect(commandOf(press("z", { metaKey: true, shiftKey: true }))).toBe("redo");
  });

  test("that are signs do not care how the keyboard makes them", () => {
    expect(commandOf(press("?", { shiftKey: true }))).toBe("help");
    expect(commandOf(press("["))).toBe("smaller");
  });

  test("leave the browser its own", () => {
    expect(commandOf(press("Tab"))).toBeNull();
    expect(commandOf(press("r", { ctrlKey: true }))).toBeNull();
  });

  test("of digits are labels only when pressed alone", () => {
    expect(digitOf(press("3"))).toBe(3);
    expect(digitOf(press("0"))).toBeNull();
    expect(digitOf(press("3", { ctrlKey: true }))).toBeNull();
  });

  test("are written as people read them", () => {
    expect(keysOf("redo").map(keyName)).toEqual(["Ctrl Y", "Ctrl Shift Z"]);
    expect(keyName("arrowup")).toBe("↑");
  });
});
