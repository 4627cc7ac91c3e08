import { afterEach, describe, expect, test } from "vitest";

import { BINDINGS, chosenKeys, commandOf, digitOf, keyName, keysOf, keyTopics, refusalOf, useKeys, useLabelKeys, usualCommand } from "../../src/tools/keys";

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
    expect(commandOf(press("$", { shiftKey: true }))).toBeNull();
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

describe("own keys", () => {
  afterEach(() => {
    useKeys({});
    useLabelKeys([]);
  });

  test("take the place of the usual ones, and are told of", () => {
    let told = 0;
    const off = keyTopics.on(["keys"], () => told++);
    useKeys({ accept: ["_"] });
    off();
    expect(told).toBe(1);
    expect(commandOf(press("_"))).toBe("accept");
    expect(commandOf(press("a"))).toBeNull();
    expect(keysOf("accept")).toEqual(["_"]);
    expect(commandOf(press("r"))).toBe("reject");
  });

  test("free a usual key for another command", () => {
    expect(refusalOf("reject", "a")).toEqual({ kind: "command", command: "accept" });
    useKeys({ accept: ["_"] });
    expect(refusalOf("reject", "a")).toBeNull();
    expect(refusalOf("reject", "_")).toEqual({ kind: "command", command: "accept" });
    expect(refusalOf("accept", "_")).toBeNull();
  });

  test("are refused where browsers, labels or the page need them", () => {
    for (const key of ["ctrl+w", "escape", "3", "shift+3", " ", "enter", "f5"]) expect(refusalOf("accept", key)).toEqual({ kind: "reserved" });
    useLabelKeys([{ name: "lesion", key: "J" }]);
    expect(refusalOf("accept", "j")).toEqual({ kind: "label", name: "lesion" });
  });

  test("that were kept for a command that is no more do no harm", () => {
    useKeys({ fold: ["a"] });
    expect(commandOf(press("a"))).toBe("accept");
  });
});

describe("keys of labels", () => {
  afterEach(() => useLabelKeys([]));

  test("win inside their project, and only there", () => {
    useLabelKeys([{ name: "kidney", key: "K" }, { name: "spleen", key: "" }]);
    expect(commandOf(press("k"))).toBeNull();
    expect(keysOf("tool.prompt")).toEqual([]);
    expect(chosenKeys("tool.prompt")).toEqual(["k"]);
    useLabelKeys([]);
    expect(commandOf(press("k"))).toBe("tool.prompt");
  });

  test("leave a command its other keys, and what is pressed with shift", () => {
    useLabelKeys([{ name: "ignore", key: "0" }, { name: "aorta", key: "a" }]);
    expect(keysOf("fit")).toEqual(["."]);
    expect(commandOf(press("A", { shiftKey: true }))).toBe("acceptAll");
  });

  test("are told of in the settings by the command they hide", () => {
    expect(usualCommand("K")).toBe("tool.prompt");
    expect(usualCommand("7")).toBeNull();
  });
});
