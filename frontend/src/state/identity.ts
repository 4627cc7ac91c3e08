/** A random UUID; the browser's own maker exists in secure contexts only. */
export function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

const TAB = "medseg-tab";

/** This tab's name, the same after a reload. It is put away only on leaving, so a copied tab gets its own. */
export function tabId(): string {
  const kept = sessionStorage.getItem(TAB);
  sessionStorage.removeItem(TAB);
  const id = kept ?? newId();
  addEventListener("pagehide", () => sessionStorage.setItem(TAB, id));
  return id;
}
