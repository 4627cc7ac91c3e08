/** The rows of a worklist: pages by cursor, live changes by id, one selection. */

import type { CaseFilter } from "../../api/projects";
import type { JobEvent } from "../../api/events";
import type { CaseRow, List } from "../../api/types";

export type Shelf = {
  page(filter: CaseFilter, after: string | null): Promise<List<CaseRow>>;
  rows(ids: readonly string[]): Promise<readonly CaseRow[]>;
};

const REFRESH_AT_ONCE = 50;

export class Worklist {
  rows = $state.raw<readonly CaseRow[]>([]);
  loading = $state(true);
  error = $state.raw<unknown>(null);
  /** Cases that came since the list was read and stand on no page that was read. */
  unseen = $state(0);
  selected = $state.raw<ReadonlySet<string>>(new Set());
  active = $state(-1);
  private next: string | null = null;
  private filter: CaseFilter = {};
  private reading = 0;
  private changed = new Set<string>();
  private strangers = new Set<string>();

  constructor(private readonly shelf: Shelf) {}

  get complete(): boolean {
    return this.next === null;
  }

  /** Reads from the start; an answer that a newer question has overtaken is dropped. */
  async load(filter: CaseFilter): Promise<void> {
    this.filter = filter;
    this.unseen = 0;
    this.strangers.clear();
    this.active = -1;
    await this.read(null, []);
  }

  async more(): Promise<void> {
    if (this.loading || this.next === null) return;
    await this.read(this.next, this.rows);
  }

  /** Reads again what is shown, keeping the place. */
  async resync(): Promise<void> {
    if (this.rows.length > REFRESH_AT_ONCE) this.rows.forEach(({ id }) => this.changed.add(id));
    else await this.read(null, []);
  }

  job(event: JobEvent): void {
    if (!event.case) return;
    const row = this.rows.find(({ id }) => id === event.case);
    if (!row) return void this.touched(event.case);
    const { id, kind, state, progress, message } = event;
    this.put({ ...row, job: { id, kind, state, progress, message } });
    if (state === "succeeded" || state === "failed" || state === "cancelled") this.touched(row.id);
  }

  touched(id: string): void {
    this.changed.add(id);
  }

  /** Reads the rows that were named as changed since the last call. */
  async settle(): Promise<void> {
    const ids = [...this.changed];
    this.changed.clear();
    const known = new Set(this.rows.map(({ id }) => id));
    ids.filter((id) => !known.has(id)).forEach((id) => this.strangers.add(id));
    const mine = ids.filter((id) => known.has(id)).slice(0, REFRESH_AT_ONCE);
    ids.filter((id) => known.has(id)).slice(REFRESH_AT_ONCE).forEach((id) => this.changed.add(id));
    if (mine.length) (await this.shelf.rows(mine)).forEach((row) => this.put(row));
    if (this.strangers.size && this.complete && this.rows.length <= REFRESH_AT_ONCE) await this.resync();
    else if (this.complete) this.unseen = this.strangers.size;
  }

  put(row: CaseRow): void {
    this.rows = this.rows.map((one) => (one.id === row.id ? row : one));
  }

  toggle(index: number, reach = false): void {
    const from = reach && this.active >= 0 ? Math.min(this.active, index) : index;
    const to = reach && this.active >= 0 ? Math.max(this.active, index) : index;
    const selected = new Set(this.selected);
    const adding = reach || !selected.has(this.rows[index].id);
    for (const { id } of this.rows.slice(from, to + 1)) {
      if (adding) selected.add(id);
      else selected.delete(id);
    }
    this.selected = selected;
    this.active = index;
  }

  selectAll(): void {
    this.selected = new Set(this.rows.map(({ id }) => id));
  }

  clear(): void {
    this.selected = new Set();
  }

  private async read(after: string | null, before: readonly CaseRow[]): Promise<void> {
    const question = (this.reading += 1);
    this.loading = true;
    this.error = null;
    try {
      const page = await this.shelf.page(this.filter, after);
      if (question !== this.reading) return;
      this.rows = [...before, ...page.results];
      this.next = page.next;
      if (!after) this.strangers.clear();
    } catch (error) {
      if (question === this.reading) this.error = error;
    } finally {
      if (question === this.reading) this.loading = false;
    }
  }
}
