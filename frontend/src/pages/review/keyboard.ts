import { commandOf, HELD, HOLD_MS } from "../../tools/keys";
import type { Commands } from "./commands";
import type { Opened } from "./review.svelte";

const TYPING = new Set(["INPUT", "TEXTAREA", "SELECT"]);

/** Keys of the page. H and E held down act for as long as they are held; tapped, they stay. */
export function listenToKeys(opened: Opened, commands: Commands, isOverlaid: () => boolean): () => void {
  const { state, controller } = opened;
  let held: { key: string; since: number; undo: () => void } | null = null;

  const down = (event: KeyboardEvent): void => {
    if (isOverlaid() || event.defaultPrevented || (isTyping(event.target) && event.key !== "Escape")) return;
    const command = commandOf(event);
    // Keys that move the hand leave the button that was pressed last.
    if (command === "hand" && document.activeElement instanceof HTMLElement) document.activeElement.blur();
    if (belongsToControl(event)) return;
    if (!event.repeat && command === "hideMasks") {
      const before = state.looks.masksHidden;
      held = { key: event.key, since: performance.now(), undo: () => state.look({ masksHidden: before }) };
    } else if (!event.repeat && command === "tool.eraser") {
      const before = state.tools.tool;
      held = { key: event.key, since: performance.now(), undo: () => controller.choose(before) };
    }
    if (commands.key(event)) event.preventDefault();
  };

  const up = (event: KeyboardEvent): void => {
    if (HELD[event.key]) controller.borrow(null);
    if (held?.key !== event.key) return;
    if (performance.now() - held.since > HOLD_MS) held.undo();
    held = null;
  };

  // A slider or a list that was moved by hand gives the keys back to the image.
  const settled = (event: Event): void => {
    const { target } = event;
    const isMoved = target instanceof HTMLInputElement && target.type === "range" && event.type === "pointerup";
    if (isMoved || (target instanceof HTMLSelectElement && event.type === "change")) target.blur();
  };

  const gone = (): void => controller.borrow(null);
  // Whoever takes a mouse or a pen in the hand needs no other.
  const pointed = (): void => controller.hand.leave();

  addEventListener("keydown", down);
  addEventListener("keyup", up);
  addEventListener("blur", gone);
  addEventListener("pointerdown", pointed, { capture: true });
  addEventListener("pointerup", settled);
  addEventListener("change", settled);
  return () => {
    removeEventListener("keydown", down);
    removeEventListener("keyup", up);
    removeEventListener("blur", gone);
    removeEventListener("pointerdown", pointed, { capture: true });
    removeEventListener("pointerup", settled);
    removeEventListener("change", settled);
  };
}

/** Enter and Space press what has the focus; arrows move a slider that has it. */
function belongsToControl({ target, key }: KeyboardEvent): boolean {
  if (!(target instanceof Element)) return false;
  if (key === " " || key === "Enter") return target.closest("a, button, summary, [role=tab]") !== null;
  const isSlider = target instanceof HTMLInputElement && target.type === "range";
  return isSlider && /^(Arrow|Page|Home|End)/.test(key);
}

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLInputElement && ["range", "checkbox", "radio", "button"].includes(target.type)) return false;
  return TYPING.has(target.tagName) || target.isContentEditable;
}
