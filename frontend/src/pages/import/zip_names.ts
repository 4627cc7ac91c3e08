/**
 * The names in a zip, in the order of its central directory, read from the end of the file alone.
 * The service unpacks in that order and keeps no names; so a place in its report finds its name here.
 *
 * Layout: PKWARE, APPNOTE.TXT 6.3.10, sections 4.3.12 to 4.3.16.
 */

const END = { signature: 0x06054b50, bytes: 22, comment: 0xffff };
const END64_PLACE = { signature: 0x07064b50, bytes: 20 };
const END64 = { signature: 0x06064b50, bytes: 56 };
const ENTRY = { signature: 0x02014b50, bytes: 46 };
/** A directory of a million files is smaller; a larger one is left unread. */
const DIRECTORY_BYTES = 128 * 2 ** 20;
const IS_UTF8 = 0x0800;

type Directory = { readonly start: number; readonly bytes: number };

/** The files in a zip by name, folders left out; null where it is no zip or cannot be read. */
export async function zipNames(zip: Blob): Promise<readonly string[] | null> {
  try {
    const directory = await directoryOf(zip);
    if (!directory || directory.start < 0 || directory.bytes > DIRECTORY_BYTES) return null;
    return namesIn(await view(zip, directory.start, directory.bytes));
  } catch {
    return null;
  }
}

async function directoryOf(zip: Blob): Promise<Directory | null> {
  const from = Math.max(0, zip.size - END.bytes - END.comment - END64_PLACE.bytes);
  const tail = await view(zip, from, zip.size - from);
  let at = tail.byteLength - END.bytes;
  while (at >= 0 && tail.getUint32(at, true) !== END.signature) at -= 1;
  if (at < 0) return null;
  const wide = at >= END64_PLACE.bytes ? await wideDirectory(zip, tail, at - END64_PLACE.bytes, from) : null;
  // Taken from where the directory ends: something may stand before the zip in its file.
  const bytes = tail.getUint32(at + 12, true);
  return wide ?? { start: from + at - bytes, bytes };
}

/** Of a zip with many or large files (zip64). */
async function wideDirectory(zip: Blob, tail: DataView, at: number, from: number): Promise<Directory | null> {
  if (tail.getUint32(at, true) !== END64_PLACE.signature) return null;
  const end = from + at - END64.bytes;
  const record = await view(zip, end, END64.bytes);
  if (record.getUint32(0, true) !== END64.signature) return null;
  const bytes = Number(record.getBigUint64(40, true));
  return { start: end - bytes, bytes };
}

function namesIn(directory: DataView): string[] {
  const names: string[] = [];
  for (let at = 0; at + ENTRY.bytes <= directory.byteLength; ) {
    if (directory.getUint32(at, true) !== ENTRY.signature) break;
    const length = directory.getUint16(at + 28, true);
    const rest = directory.getUint16(at + 30, true) + directory.getUint16(at + 32, true);
    const bytes = new Uint8Array(directory.buffer, directory.byteOffset + at + ENTRY.bytes, length);
    const name = nameOf(bytes, Boolean(directory.getUint16(at + 8, true) & IS_UTF8));
    if (!name.endsWith("/")) names.push(name);
    at += ENTRY.bytes + length + rest;
  }
  return names;
}

/** Most programs write UTF-8 without saying so; what is none is from an old Windows. */
function nameOf(bytes: Uint8Array, isUtf8: boolean): string {
  try {
    return new TextDecoder("utf-8", { fatal: !isUtf8 }).decode(bytes);
  } catch {
    return new TextDecoder("windows-1252").decode(bytes);
  }
}

async function view(blob: Blob, start: number, bytes: number): Promise<DataView> {
  return new DataView(await blob.slice(start, start + bytes).arrayBuffer());
}
