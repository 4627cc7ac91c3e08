import type { RowMessage, SaveRequest } from "./transport";

/** A change on its way to the service. It leaves the journal only when the service has answered for it. */
export type JournalEntry = {
  readonly key: string;
  readonly caseId: string;
  readonly order: number;
  /** The last head known to stand on the service when the change was made. */
  readonly parent: string | null;
  readonly request: Omit<SaveRequest, "slices" | "tab"> & { readonly slices: readonly (RowMessage & { digest: string })[] };
};

export interface Journal {
  append(entry: JournalEntry): Promise<void>;
  remove(key: string): Promise<void>;
  /** Forgets an entry and notes the head that now stands, in one step. */
  acknowledge(caseId: string, key: string, head: string): Promise<void>;
  replace(caseId: string, entries: readonly JournalEntry[], head: string | null): Promise<void>;
  read(caseId: string): Promise<{ entries: JournalEntry[]; head: string | null }>;
}

const ENTRIES = "entries";
const HEADS = "heads";

/** The journal in the browser's own database: it survives a reload, a crash and a lost network. */
export class BrowserJournal implements Journal {
  private constructor(private readonly database: IDBDatabase) {}

  static open(name = "medseg-journal"): Promise<BrowserJournal> {
    return new Promise((resolve, reject) => {
      const opening = indexedDB.open(name, 1);
      opening.onupgradeneeded = () => {
        opening.result.createObjectStore(ENTRIES, { keyPath: "key" }).createIndex("caseId", "caseId");
        opening.result.createObjectStore(HEADS, { keyPath: "caseId" });
      };
      opening.onsuccess = () => resolve(new BrowserJournal(opening.result));
      opening.onerror = () => reject(opening.error ?? new Error("The browser's storage did not open."));
    });
  }

  append(entry: JournalEntry): Promise<void> {
    return this.write((entries) => entries.put(entry));
  }

  remove(key: string): Promise<void> {
    return this.write((entries) => entries.delete(key));
  }

  acknowledge(caseId: string, key: string, head: string): Promise<void> {
    return this.write((entries, heads) => {
      entries.delete(key);
      heads.put({ caseId, head });
    });
  }

  replace(caseId: string, kept: readonly JournalEntry[], head: string | null): Promise<void> {
    return this.write((entries, heads) => {
      const keys = entries.index("caseId").getAllKeys(caseId);
      keys.onsuccess = () => {
        keys.result.forEach((key) => entries.delete(key));
        kept.forEach((entry) => entries.put(entry));
        if (head === null) heads.delete(caseId);
        else heads.put({ caseId, head });
      };
    });
  }

  read(caseId: string): Promise<{ entries: JournalEntry[]; head: string | null }> {
    const transaction = this.database.transaction([ENTRIES, HEADS]);
    const entries = transaction.objectStore(ENTRIES).index("caseId").getAll(caseId) as IDBRequest<JournalEntry[]>;
    const head = transaction.objectStore(HEADS).get(caseId) as IDBRequest<{ head: string } | undefined>;
    return finished(transaction, () => ({
      entries: entries.result.sort((a, b) => a.order - b.order),
      head: head.result?.head ?? null,
    }));
  }

  close(): void {
    this.database.close();
  }

  private write(change: (entries: IDBObjectStore, heads: IDBObjectStore) => void): Promise<void> {
    const transaction = this.database.transaction([ENTRIES, HEADS], "readwrite", { durability: "strict" });
    change(transaction.objectStore(ENTRIES), transaction.objectStore(HEADS));
    return finished(transaction, () => undefined);
  }
}

function finished<T>(transaction: IDBTransaction, result: () => T): Promise<T> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve(result());
    transaction.onabort = () => reject(transaction.error ?? new Error("The browser's storage gave up."));
  });
}

/** The journal of a browser that keeps nothing: as good as the page is open. */
export class PageJournal implements Journal {
  private entries = new Map<string, JournalEntry>();
  private heads = new Map<string, string>();

  async append(entry: JournalEntry): Promise<void> {
    this.entries.set(entry.key, entry);
  }

  async remove(key: string): Promise<void> {
    this.entries.delete(key);
  }

  async acknowledge(caseId: string, key: string, head: string): Promise<void> {
    this.entries.delete(key);
    this.heads.set(caseId, head);
  }

  async replace(caseId: string, kept: readonly JournalEntry[], head: string | null): Promise<void> {
    for (const [key, entry] of this.entries) if (entry.caseId === caseId) this.entries.delete(key);
    kept.forEach((entry) => this.entries.set(entry.key, entry));
    if (head === null) this.heads.delete(caseId);
    else this.heads.set(caseId, head);
  }

  async read(caseId: string): Promise<{ entries: JournalEntry[]; head: string | null }> {
    const entries = [...this.entries.values()].filter((entry) => entry.caseId === caseId);
    return { entries: entries.sort((a, b) => a.order - b.order), head: this.heads.get(caseId) ?? null };
  }
}
