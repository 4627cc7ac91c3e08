import type { ToolName } from "../state/review_state";
import { Topics } from "../state/topics";

/** What a key does; the help overlay and the titles of the buttons read the same table. */
export type ShapeCommand =
  | "grow"
  | "shrink"
  | "smooth"
  | "largest"
  | "small"
  | "holes"
  | "split"
  | "duplicate"
  | "join"
  | "subtract"
  | "intersect"
  | "merge"
  | "copyUp"
  | "copyDown"
  | "carryUp"
  | "carryDown";
export type Command =
  | `tool.${ToolName}`
  | `shape.${ShapeCommand}`
  | "undo"
  | "redo"
  | "accept"
  | "reject"
  | "acceptAll"
  | "delete"
  | "nextFinding"
  | "previousFinding"
  | "nextCase"
  | "submit"
  | "smaller"
  | "larger"
  | "sliceUp"
  | "sliceDown"
  | "pageUp"
  | "pageDown"
  | "firstSlice"
  | "lastSlice"
  | "frameBack"
  | "frameOn"
  | "hideMasks"
  | "outlines"
  | "suppressed"
  | "uncertainty"
  | "nextUncertain"
  | "previousUncertain"
  | "difference"
  | "nextChange"
  | "previousChange"
  | "invert"
  | "slab"
  | "slabThinner"
  | "slabThicker"
  | "surfaces"
  | "oblique"
  | "fit"
  | "layout"
  | "nextSeries"
  | "previousSeries"
  | "beside"
  | "interpolate"
  | "narrower"
  | "wider"
  | "shapePanel"
  | "reach"
  | "otherFinding"
  | "reviewedSlice"
  | "newFinding"
  | "hand"
  | "panels"
  | "bare"
  | "help";

export type Binding = { readonly command: Command; readonly keys: readonly string[]; readonly group: Group };
export type Group = "tools" | "shape" | "judge" | "move" | "see" | "case";

/** Keys as "ctrl+shift+z"; command keys of other systems count as ctrl. */
export const BINDINGS: readonly Binding[] = [
  { command: "tool.select", keys: ["v"], group: "tools" },
  { command: "tool.pan", keys: ["d"], group: "tools" },
  { command: "tool.window", keys: ["w"], group: "tools" },
  { command: "tool.brush", keys: ["b"], group: "tools" },
  { command: "tool.eraser", keys: ["e"], group: "tools" },
  { command: "tool.ball", keys: ["s"], group: "tools" },
  { command: "tool.polygon", keys: ["p"], group: "tools" },
  { command: "tool.fill", keys: ["f"], group: "tools" },
  { command: "tool.box", keys: ["x"], group: "tools" },
  { command: "tool.prompt", keys: ["k"], group: "tools" },
  { command: "tool.gated", keys: ["shift+b"], group: "tools" },
  { command: "tool.threshold", keys: ["t"], group: "tools" },
  { command: "tool.scissors", keys: ["shift+x"], group: "tools" },
  { command: "tool.reviewed", keys: ["m"], group: "tools" },
  { command: "tool.ruler", keys: ["u"], group: "tools" },
  { command: "tool.angle", keys: ["shift+u"], group: "tools" },
  { command: "smaller", keys: ["["], group: "tools" },
  { command: "larger", keys: ["]"], group: "tools" },
  { command: "narrower", keys: ["{"], group: "tools" },
  { command: "wider", keys: ["}"], group: "tools" },
  { command: "interpolate", keys: ["i"], group: "tools" },
  { command: "newFinding", keys: ["c"], group: "tools" },
  { command: "hand", keys: ["shift+p"], group: "tools" },
  { command: "shapePanel", keys: ["shift+s"], group: "shape" },
  { command: "reach", keys: [","], group: "shape" },
  { command: "otherFinding", keys: ["shift+c"], group: "shape" },
  { command: "shape.grow", keys: ["+", "="], group: "shape" },
  { command: "shape.shrink", keys: ["-"], group: "shape" },
  { command: "shape.smooth", keys: ["shift+o"], group: "shape" },
  { command: "shape.largest", keys: ["shift+l"], group: "shape" },
  { command: "shape.small", keys: ["shift+k"], group: "shape" },
  { command: "shape.holes", keys: ["shift+f"], group: "shape" },
  { command: "shape.split", keys: ["shift+v"], group: "shape" },
  { command: "shape.duplicate", keys: ["shift+d"], group: "shape" },
  { command: "shape.join", keys: ["shift+h"], group: "shape" },
  { command: "shape.subtract", keys: ["shift+t"], group: "shape" },
  { command: "shape.intersect", keys: ["shift+e"], group: "shape" },
  { command: "shape.merge", keys: ["shift+g"], group: "shape" },
  { command: "shape.copyUp", keys: ["shift+arrowup"], group: "shape" },
  { command: "shape.copyDown", keys: ["shift+arrowdown"], group: "shape" },
  { command: "shape.carryUp", keys: ["ctrl+arrowup"], group: "shape" },
  { command: "shape.carryDown", keys: ["ctrl+arrowdown"], group: "shape" },
  { command: "accept", keys: ["a"], group: "judge" },
  { command: "reject", keys: ["r"], group: "judge" },
  { command: "acceptAll", keys: ["shift+a"], group: "judge" },
  { command: "delete", keys: ["delete", "backspace"], group: "judge" },
  { command: "nextFinding", keys: ["n"], group: "judge" },
  { command: "previousFinding", keys: ["shift+n"], group: "judge" },
  { command: "nextUncertain", keys: ["j"], group: "judge" },
  { command: "previousUncertain", keys: ["shift+j"], group: "judge" },
  { command: "reviewedSlice", keys: ["shift+m"], group: "judge" },
  { command: "undo", keys: ["ctrl+z"], group: "judge" },
  { command: "redo", keys: ["ctrl+y", "ctrl+shift+z"], group: "judge" },
  { command: "sliceUp", keys: ["arrowup"], group: "move" },
  { command: "sliceDown", keys: ["arrowdown"], group: "move" },
  { command: "pageUp", keys: ["pageup"], group: "move" },
  { command: "pageDown", keys: ["pagedown"], group: "move" },
  { command: "firstSlice", keys: ["home"], group: "move" },
  { command: "lastSlice", keys: ["end"], group: "move" },
  { command: "frameBack", keys: ["arrowleft"], group: "move" },
  { command: "frameOn", keys: ["arrowright"], group: "move" },
  { command: "hideMasks", keys: ["h"], group: "see" },
  { command: "outlines", keys: ["o"], group: "see" },
  { command: "suppressed", keys: ["g"], group: "see" },
  { command: "uncertainty", keys: ["y"], group: "see" },
  { command: "difference", keys: ["shift+y"], group: "see" },
  { command: "nextChange", keys: [";"], group: "see" },
  { command: "previousChange", keys: [":"], group: "see" },
  { command: "invert", keys: ["shift+i"], group: "see" },
  { command: "slab", keys: ["*"], group: "see" },
  { command: "slabThinner", keys: ["<"], group: "see" },
  { command: "slabThicker", keys: [">"], group: "see" },
  { command: "surfaces", keys: ["shift+z"], group: "see" },
  { command: "oblique", keys: ["shift+r"], group: "see" },
  { command: "fit", keys: ["0", "."], group: "see" },
  { command: "layout", keys: ["l"], group: "see" },
  { command: "nextSeries", keys: ["q"], group: "see" },
  { command: "previousSeries", keys: ["shift+q"], group: "see" },
  { command: "beside", keys: ["shift+w"], group: "see" },
  { command: "panels", keys: ["\\"], group: "see" },
  { command: "bare", keys: ["z"], group: "see" },
  { command: "nextCase", keys: ["shift+enter"], group: "case" },
  { command: "submit", keys: ["ctrl+enter"], group: "case" },
  { command: "help", keys: ["?"], group: "case" },
];

/** A label of the project, and the key that chooses it. */
export type LabelKey = { readonly name: string; readonly key: string };
/** Why a key cannot be had. */
export type KeyRefusal =
  | { readonly kind: "reserved" }
  | { readonly kind: "command"; readonly command: Command }
  | { readonly kind: "label"; readonly name: string };

/** Told when a key means something else from now on; whoever shows keys listens. */
export const keyTopics = new Topics<"keys">();

let ownKeys: Readonly<Record<string, readonly string[]>> = {};
let labelKeys: ReadonlyMap<string, string> = new Map();
let byKey = new Map<string, Command>();

/** Takes the keys that a person chose; commands that are not named keep their usual ones. */
export function useKeys(own: Readonly<Record<string, readonly string[]>>): void {
  ownKeys = own;
  arrange();
}

/** Inside its project a label's key chooses the label, whatever the key means elsewhere. */
export function useLabelKeys(labels: readonly LabelKey[]): void {
  labelKeys = new Map(labels.filter(({ key }) => key !== "").map(({ name, key }) => [key.toLowerCase(), name]));
  arrange();
}

/** The keys that run a command here. */
export const keysOf = (command: Command): readonly string[] => chosenKeys(command).filter((key) => !labelKeys.has(key));

/** The keys that were chosen for a command, labels or not. */
export const chosenKeys = (command: Command): readonly string[] => ownKeys[command] ?? usualKeys(command);

export const usualKeys = (command: Command): readonly string[] => BINDINGS.find((binding) => binding.command === command)?.keys ?? [];

/** What a key does unless somebody chose otherwise, for those who choose keys for labels. */
export const usualCommand = (key: string): Command | null => BINDINGS.find(({ keys }) => keys.includes(key.toLowerCase()))?.command ?? null;

/** Null when the command may have the key. */
export function refusalOf(command: Command, key: string): KeyRefusal | null {
  if (RESERVED.has(key) || /^(shift\+)?[1-9]$/.test(key)) return { kind: "reserved" };
  const label = labelKeys.get(key);
  if (label !== undefined) return { kind: "label", name: label };
  const other = BINDINGS.find((binding) => binding.command !== command && chosenKeys(binding.command).includes(key));
  return other ? { kind: "command", command: other.command } : null;
}

// Keys that pages cannot have, that end and confirm, that are held, or that choose labels.
const RESERVED: ReadonlySet<string> = new Set([
  ..."ctrl+t ctrl+n ctrl+w ctrl+q ctrl+r ctrl+l ctrl+shift+t ctrl+shift+n ctrl+shift+w f5 f11 f12".split(" "),
  ..."escape enter tab shift+tab control shift alt meta capslock dead process unidentified".split(" "),
  " ",
]);

function arrange(): void {
  byKey = new Map(BINDINGS.flatMap(({ command }) => keysOf(command).map((key) => [key, command] as const)));
  keyTopics.tell("keys");
}
arrange();

/** Tools that a held key lends and its release gives back. */
export const HELD: Readonly<Record<string, ToolName>> = { " ": "pan" };

/** Commands that act for as long as their key is down, when it is held for a moment. */
export const HOLD_MS = 260;

export function commandOf(event: KeyboardEvent): Command | null {
  return byKey.get(chord(event)) ?? null;
}

/** The digit that was pressed alone, for labels 1 to 9. */
export function digitOf(event: KeyboardEvent): number | null {
  if (event.ctrlKey || event.metaKey || event.altKey) return null;
  return /^[1-9]$/.test(event.key) ? Number(event.key) : null;
}

/** A press as the table writes it. */
export function chord(event: KeyboardEvent): string {
  const key = event.key.toLowerCase();
  // A sign such as "?" needs shift on some keyboards and not on others.
  const isSign = key.length === 1 && !/[a-z0-9 ]/.test(key);
  const shift = event.shiftKey && !isSign ? "shift+" : "";
  return `${event.ctrlKey || event.metaKey ? "ctrl+" : ""}${shift}${key}`;
}

/** How a key is written on a button; nothing where a command has none. */
export function keyName(key: string | undefined): string {
  if (key === undefined) return "";
  const names: Record<string, string> = {
    arrowup: "↑",
    arrowdown: "↓",
    arrowleft: "←",
    arrowright: "→",
    pageup: "Page ↑",
    pagedown: "Page ↓",
    delete: "Del",
    backspace: "⌫",
    enter: "Enter",
    tab: "Tab",
    home: "Home",
    end: "End",
  };
  if (key === "+") return key;
  return key
    .split("+")
    .map((part) => names[part] ?? (part.length > 1 ? part[0].toUpperCase() + part.slice(1) : part.toUpperCase()))
    .join(" ");
}
