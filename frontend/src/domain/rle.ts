import { EMPTY, type Spans } from "./spans";

/** A mask row's bytes: LEB128 varints of alternating run lengths, zeros first, no trailing zeros run. */
export function toBytes(spans: Spans): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(spans.length * 5);
  let at = 0;
  let before = 0;
  for (const boundary of spans) {
    let rest = boundary - before;
    before = boundary;
    while (rest > 127) {
      out[at++] = (rest & 127) | 128;
      rest >>>= 7;
    }
    out[at++] = rest;
  }
  return out.slice(0, at);
}

/** The spans of a mask row's bytes; zero-length runs are joined so that the form is the one form. */
export function fromBytes(bytes: Uint8Array): Spans {
  if (bytes.length === 0) return EMPTY;
  const bounds: number[] = [];
  let position = 0;
  let value = 0;
  let shift = 0;
  let ones = false;
  for (const byte of bytes) {
    value += (byte & 127) * 2 ** shift;
    shift += 7;
    if (byte & 128) continue;
    if (ones && value > 0) {
      if (bounds.length > 0 && bounds[bounds.length - 1] === position) bounds[bounds.length - 1] += value;
      else bounds.push(position, position + value);
    }
    position += value;
    ones = !ones;
    value = 0;
    shift = 0;
  }
  if (shift !== 0) throw new RangeError("A mask row ends in the middle of a number.");
  return Uint32Array.from(bounds);
}

export function toBase64(bytes: Uint8Array): string {
  let text = "";
  for (let k = 0; k < bytes.length; k += 8192) text += String.fromCharCode(...bytes.subarray(k, k + 8192));
  return btoa(text);
}

export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  const raw = atob(text);
  const bytes = new Uint8Array(raw.length);
  for (let k = 0; k < raw.length; k++) bytes[k] = raw.charCodeAt(k);
  return bytes;
}
