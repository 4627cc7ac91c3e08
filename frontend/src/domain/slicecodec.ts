/** One plane of pixels as it is stored: zigzag of deltas, split into byte planes. */

export type PixelType = "uint8" | "uint16" | "int16";
export type Pixels =
  | Uint8Array<ArrayBuffer>
  | Uint16Array<ArrayBuffer>
  | Int16Array<ArrayBuffer>;

/** Restores the samples (c, y, x flattened) from the decompressed bytes of one chunk. */
export function decodePlane(bytes: Uint8Array, type: PixelType): Pixels {
  return type === "uint8" ? decode8(bytes) : decode16(bytes, type);
}

function decode8(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(bytes.length);
  let value = 0;
  for (let k = 0; k < bytes.length; k++) {
    const code = bytes[k];
    value = (value + ((code >>> 1) ^ -(code & 1))) & 0xff;
    out[k] = value;
  }
  return out;
}

function decode16(bytes: Uint8Array, type: "uint16" | "int16"): Pixels {
  if (bytes.length % 2 !== 0) throw new RangeError("A 16-bit plane has an odd number of bytes.");
  const count = bytes.length / 2;
  const out = new Uint16Array(count);
  let value = 0;
  for (let k = 0; k < count; k++) {
    const code = bytes[k] | (bytes[count + k] << 8);
    value = (value + ((code >>> 1) ^ -(code & 1))) & 0xffff;
    out[k] = value;
  }
  return type === "int16" ? new Int16Array(out.buffer) : out;
}

export function emptyPixels(type: PixelType, count: number): Pixels {
  if (type === "uint8") return new Uint8Array(count);
  return type === "uint16" ? new Uint16Array(count) : new Int16Array(count);
}
