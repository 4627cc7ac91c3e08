/** The three requests of tus 1.0 that a resumable upload needs. */

import { ApiError } from "./errors";
import { send } from "./http";

const VERSION = { "Tus-Resumable": "1.0.0" };

export type Created = { readonly url: string; readonly position: number | null };
export type TusDoor = {
  create(session: string, length: number, metadata: Readonly<Record<string, string>>): Promise<Created>;
  /** How many bytes the service has; null when it knows the upload no more. */
  offset(url: string): Promise<number | null>;
  append(url: string, offset: number, part: Blob, signal: AbortSignal): Promise<number>;
};

export const tus: TusDoor = {
  async create(session, length, metadata) {
    const answer = await send("POST", `uploads/${session}/files/`, {
      headers: { ...VERSION, "Upload-Length": String(length), "Upload-Metadata": encodeMetadata(metadata) },
    });
    const position = answer.headers.get("Upload-Position");
    return { url: pathOf(answer.headers.get("Location") ?? ""), position: position === null ? null : Number(position) };
  },

  async offset(url) {
    try {
      const answer = await send("HEAD", url, { headers: VERSION });
      return Number(answer.headers.get("Upload-Offset"));
    } catch (error) {
      if (error instanceof ApiError && [403, 404, 410].includes(error.status)) return null;
      throw error;
    }
  },

  async append(url, offset, part, signal) {
    const answer = await send("PATCH", url, {
      bytes: part,
      signal,
      headers: { ...VERSION, "Upload-Offset": String(offset), "Content-Type": "application/offset+octet-stream" },
    });
    return Number(answer.headers.get("Upload-Offset"));
  },
};

/** `key base64(value)` pairs; values are UTF-8. */
export function encodeMetadata(metadata: Readonly<Record<string, string>>): string {
  return Object.entries(metadata)
    .map(([key, value]) => `${key} ${base64(value)}`)
    .join(",");
}

function base64(text: string): string {
  const bytes = new TextEncoder().encode(text);
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}

function pathOf(location: string): string {
  return new URL(location, globalThis.location.href).pathname;
}
