/** Files out of a drop or a picker, folders walked, each with its path inside what was dropped. */

export type PathFile = { readonly file: File; readonly path: string };

/** What systems leave in folders and nobody means to bring along. */
const LITTER = /(^|\/)(\.[^/]*|Thumbs\.db|desktop\.ini|__MACOSX)(\/|$)/i;

export function picked(files: Iterable<File>): PathFile[] {
  return [...files]
    .map((file) => ({ file, path: file.webkitRelativePath || file.name }))
    .filter(({ path }) => !LITTER.test(path));
}

/** Walks dropped folders. The list of items dies with the event, so entries are taken at once. */
export async function dropped(items: Iterable<DataTransferItem>): Promise<PathFile[]> {
  const entries = [...items].filter(({ kind }) => kind === "file").map((item) => item.webkitGetAsEntry());
  const found = await Promise.all(entries.map((entry) => (entry ? walk(entry) : [])));
  return found.flat().filter(({ path }) => !LITTER.test(path));
}

async function walk(entry: FileSystemEntry): Promise<PathFile[]> {
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
    return [{ file, path: entry.fullPath.replace(/^\//, "") }];
  }
  const found: PathFile[] = [];
  for (const child of await children(entry as FileSystemDirectoryEntry)) found.push(...(await walk(child)));
  return found;
}

/** A reader hands out at most a hundred entries at a time, and an empty list at the end. */
async function children(folder: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = folder.createReader();
  const all: FileSystemEntry[] = [];
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return all.sort((a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }));
    all.push(...some);
  }
}
