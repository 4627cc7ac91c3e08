import type { MeasureFields } from "./measures";
import type { KeptStep, KeptTrail, TrailNote } from "./steps";
import type { RowMessage, SaveRequest } from "./transport";

/** A change on its way to the service. It leaves the journal only when the service has answered for it. */
export type JournalEntry = {
  readonly key: string;
  readonly caseId: string;
  readonly order: number;
  /** The last head known to stand on the service when the change was made. */
  readonly parent: string | null;
  /** Not yet finished when it was written down: no step of the history. */
  readonly isDraft?: boolean;
  readonly request: Omit<SaveRequest, "slices" | "tab"> & { readonly slices: readonly (RowMessage & { digest: string })[] };
};

/** What was measured and is not yet known to the service; null for what was taken away. */
export type MeasureRow = readonly [id: string, fields: MeasureFields | null];
export type Kept = { readonly entries: JournalEntry[]; readonly head: string | null; readonly trail: KeptTrail | null };

export interface Journal {
  /** Writes down a change and, in the same breath, the step that it is in the history. */
  append(entry: JournalEntry, trail?: TrailNote): Promise<void>;
  remove(key: string): Promise<void>;
  /** Forgets an entry and notes the head that now stands, in one step. */
  acknowledge(caseId: string, key: string, head: string): Promise<void>;
  replace(caseId: string, entries: readonly JournalEntry[], head: string | null): Promise<void>;
  read(caseId: string): Promise<Kept>;
  /** Where a history stands whose last step needs no entry of its own. */
  note(trail: TrailNote): Promise<void>;
  measured(caseId: string, rows: readonly MeasureRow[], trail?: TrailNote): Promise<void>;
  measureKnown(caseId: string, id: string): Promise<void>;
  measures(caseId: string): Promise<MeasureRow[]>;
}

const ENTRIES = "entries";
const HEADS = "heads";
const STEPS = "steps";
const TRAILS = "trails";
const MEASURES = "measures";
const STORES = [ENTRIES, HEADS, STEPS, TRAILS, MEASURES] as const;
type Stores = Readonly<Record<(typeof STORES)[number], IDBObjectStore>>;

// Steps are kept of so many cases, those that were worked on last.
const MOST_TRAILS = 12;

/** The journal in the browser's own database: it survives a reload, a crash and a lost network. */
export class BrowserJournal implements Journal {
  private constructor(private readonly database: IDBDatabase) {}

  static open(name = "medseg-journal"): Promise<BrowserJournal> {
    return new Promise((resolve, reject) => {
      const opening = indexedDB.open(name, 2);
      opening.onupgradeneeded = ({ oldVersion }) => {
        const { result } = opening;
        if (oldVersion < 1) {
          result.createObjectStore(ENTRIES, { keyPath: "key" }).createIndex("caseId", "caseId");
          result.createObjectStore(HEADS, { keyPath: "caseId" });
        }
        result.createObjectStore(STEPS, { keyPath: ["caseId", "number"] });
        result.createObjectStore(TRAILS, { keyPath: "caseId" });
        result.createObjectStore(MEASURES, { keyPath: ["caseId", "id"] });
      };
      opening.onsuccess = () => {
        // A newer page in another tab brings a newer form; this one must not stand in its way.
        opening.result.onversionchange = () => opening.result.close();
        resolve(new BrowserJournal(opening.result));
      };
      // An older page of another tab holds the old form: this one goes on without, and says so.
      opening.onblocked = () => reject(new Error("Another tab holds the browser's storage."));
      opening.onerror = () => reject(opening.error ?? new Error("The browser's storage did not open."));
    });
  }

  append(entry: JournalEntry, trail?: TrailNote): Promise<void> {
    const put = (stores: Stores): void => {
      stores.entries.put(entry);
      if (trail) this.noteTrail(stores, trail);
    };
    return this.write(put, entry.isDraft ? "relaxed" : "strict");
  }

  remove(key: string): Promise<void> {
    return this.write(({ entries }) => entries.delete(key), "relaxed");
  }

  acknowledge(caseId: string, key: string, head: string): Promise<void> {
    return this.write(({ entries, heads }) => {
      entries.delete(key);
      heads.put({ caseId, head });
    }, "relaxed");
  }

  replace(caseId: string, kept: readonly JournalEntry[], head: string | null): Promise<void> {
    return this.write(({ entries, heads }, done) => {
      const keys = entries.index("caseId").getAllKeys(caseId);
      keys.onsuccess = () => {
        keys.result.forEach((key) => entries.delete(key));
        kept.forEach((entry) => entries.put(entry));
        if (head === null) heads.delete(caseId);
        else heads.put({ caseId, head });
        done();
      };
      return WAITS;
    });
  }

  async read(caseId: string): Promise<Kept> {
    const transaction = this.database.transaction(STORES);
    const entries = transaction.objectStore(ENTRIES).index("caseId").getAll(caseId) as IDBRequest<JournalEntry[]>;
    const head = transaction.objectStore(HEADS).get(caseId) as IDBRequest<{ head: string } | undefined>;
    const trail = transaction.objectStore(TRAILS).get(caseId) as IDBRequest<Omit<KeptTrail, "steps"> | undefined>;
    const steps = transaction.objectStore(STEPS).getAll(ofCase(caseId)) as IDBRequest<KeptStep[]>;
    return finished(transaction, () => ({
      entries: entries.result.sort((a, b) => a.order - b.order),
      head: head.result?.head ?? null,
      trail: trail.result ? { ...trail.result, steps: steps.result } : null,
    }));
  }

  note(trail: TrailNote): Promise<void> {
    return this.write((stores) => this.noteTrail(stores, trail), "relaxed");
  }

  measured(caseId: string, rows: readonly MeasureRow[], trail?: TrailNote): Promise<void> {
    return this.write((stores) => {
      rows.forEach(([id, fields]) => stores.measures.put({ caseId, id, fields }));
      if (trail) this.noteTrail(stores, trail);
    });
  }

  measureKnown(caseId: string, id: string): Promise<void> {
    return this.write(({ measures }) => measures.delete([caseId, id]), "relaxed");
  }

  async measures(caseId: string): Promise<MeasureRow[]> {
    const transaction = this.database.transaction([MEASURES]);
    const rows = transaction.objectStore(MEASURES).getAll(ofCase(caseId)) as IDBRequest<{ id: string; fields: MeasureFields | null }[]>;
    return finished(transaction, () => rows.result.map(({ id, fields }) => [id, fields] as const));
  }

  close(): void {
    this.database.close();
  }

  /** Writes a fresh step over those that it ends, and lets go what the page has let go. */
  private noteTrail({ steps, trails }: Stores, { caseId, person, floor, position, fresh }: TrailNote): void {
    trails.put({ caseId, person, position, at: Date.now() });
    if (!fresh) return;
    steps.delete(IDBKeyRange.bound([caseId, fresh.number], [caseId, []]));
    steps.delete(IDBKeyRange.bound([caseId], [caseId, floor], false, true));
    steps.put({ caseId, ...fresh });
    if (fresh.number === 0) void this.forgetOldest().catch(() => undefined);
  }

  private forgetOldest(): Promise<void> {
    return this.write(({ trails, steps }, done) => {
      const all = trails.getAll() as IDBRequest<{ caseId: string; at: number }[]>;
      all.onsuccess = () => {
        const oldest = all.result.sort((a, b) => b.at - a.at).slice(MOST_TRAILS);
        for (const { caseId } of oldest) {
          trails.delete(caseId);
          steps.delete(ofCase(caseId));
        }
        done();
      };
      return WAITS;
    }, "relaxed");
  }

  /** Strict waits for the disk; the rest, which is tidying and drafts, must not make it wait longer. */
  private async write(change: (stores: Stores, done: () => void) => unknown, durability: "strict" | "relaxed" = "strict"): Promise<void> {
    const transaction = this.database.transaction(STORES, "readwrite", { durability });
    const stores = Object.fromEntries(STORES.map((name) => [name, transaction.objectStore(name)])) as Stores;
    // Said at once: what waits for its answers to commit by itself is lost with a page that dies before they come.
    const commit = (): void => transaction.commit();
    if (change(stores, commit) !== WAITS) commit();
    return finished(transaction, () => undefined);
  }
}

/** What a change answers that has to read before it can write. */
const WAITS = Symbol("waits");
const ofCase = (caseId: string): IDBKeyRange => IDBKeyRange.bound([caseId], [caseId, []]);

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
  private waiting = new Map<string, Map<string, MeasureRow>>();

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

  async read(caseId: string): Promise<Kept> {
    const entries = [...this.entries.values()].filter((entry) => entry.caseId === caseId);
    return { entries: entries.sort((a, b) => a.order - b.order), head: this.heads.get(caseId) ?? null, trail: null };
  }

  async note(): Promise<void> {}

  async measured(caseId: string, rows: readonly MeasureRow[]): Promise<void> {
    const known = this.waiting.get(caseId) ?? new Map<string, MeasureRow>();
    rows.forEach((row) => known.set(row[0], row));
    this.waiting.set(caseId, known);
  }

  async measureKnown(caseId: string, id: string): Promise<void> {
    this.waiting.get(caseId)?.delete(id);
  }

  async measures(caseId: string): Promise<MeasureRow[]> {
    return [...(this.waiting.get(caseId)?.values() ?? [])];
  }
}
