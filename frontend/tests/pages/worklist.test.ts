import { describe, expect, it } from "vitest";

import type { CaseFilter } from "../../src/api/projects";
import type { CaseRow, List } from "../../src/api/types";
import { Worklist } from "../../src/pages/project/worklist.svelte";

const row = (number: number, change: Partial<CaseRow> = {}): CaseRow => ({
  id: `c${number}`,
  number,
  title: `Case ${number}`,
  state: "ready",
  kind: "fluorescence",
  site: "",
  group: "",
  is_holdout: false,
  is_drawn: false,
  uncertainty: null,
  assignees: [],
  thumbnail: null,
  size: [1, 10, 10],
  modality: "",
  series: 1,
  findings: 0,
  touched: false,
  job: null,
  holder: null,
  updated_at: "2026-01-01T00:00:00Z",
  ...change,
});

class Store {
  asked: (string | null)[] = [];
  rowsAsked: string[][] = [];
  held: (() => void)[] | null = null;

  constructor(
    public all: CaseRow[],
    private readonly size = 3,
  ) {}

  page = async (filter: CaseFilter, after: string | null): Promise<List<CaseRow>> => {
    this.asked.push(after);
    if (this.held) await new Promise<void>((resolve) => this.held!.push(resolve));
    const found = this.all.filter(({ state }) => !filter.state || state === filter.state);
    const from = after === null ? 0 : found.findIndex(({ id }) => id === after) + 1;
    const results = found.slice(from, from + this.size);
    return { results, next: from + this.size < found.length ? results.at(-1)!.id : null, previous: null };
  };

  rows = async (ids: readonly string[]): Promise<readonly CaseRow[]> => {
    this.rowsAsked.push([...ids]);
    return this.all.filter(({ id }) => ids.includes(id));
  };
}

const many = (count: number) => Array.from({ length: count }, (_, index) => row(index + 1));

describe("a worklist", () => {
  it("reads page after page to the end, and not beyond", async () => {
    const store = new Store(many(7));
    const list = new Worklist(store);
    await list.load({});
    expect(list.rows.map(({ number }) => number)).toEqual([1, 2, 3]);
    await list.more();
    await list.more();
    await list.more();
    expect(list.rows.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(list.complete).toBe(true);
    expect(store.asked).toEqual([null, "c3", "c6"]);
  });

  it("asks for one page at a time", async () => {
    const store = new Store(many(7));
    const list = new Worklist(store);
    await list.load({});
    await Promise.all([list.more(), list.more()]);
    expect(list.rows).toHaveLength(6);
  });

  it("drops the answer to a filter that was changed meanwhile", async () => {
    const store = new Store([row(1), row(2, { state: "accepted" })]);
    const list = new Worklist(store);
    store.held = [];
    const first = list.load({});
    const second = list.load({ state: "accepted" });
    store.held[1]();
    store.held[0]();
    await Promise.all([first, second]);
    expect(list.rows.map(({ number }) => number)).toEqual([2]);
  });

  it("shows a job's progress on its row and reads the row again when it ends", async () => {
    const store = new Store(many(2));
    const list = new Worklist(store);
    await list.load({});
    const event = { id: "j", kind: "predict", progress: 0.4, message: "", case: "c2", project: "p" };
    list.job({ ...event, state: "running" });
    expect(list.rows[1].job).toMatchObject({ state: "running", progress: 0.4 });
    await list.settle();
    expect(store.rowsAsked).toEqual([]);

    store.all = [row(1), row(2, { findings: 31 })];
    list.job({ ...event, state: "succeeded", progress: 1 });
    await list.settle();
    expect(store.rowsAsked).toEqual([["c2"]]);
    expect(list.rows[1].findings).toBe(31);
  });

  it("takes in a new case at once while the list is short", async () => {
    const store = new Store(many(2));
    const list = new Worklist(store);
    await list.load({});
    store.all = many(3);
    list.touched("c3");
    await list.settle();
    expect(list.rows).toHaveLength(3);
  });

  it("counts new cases instead of moving a long list under the hand", async () => {
    const store = new Store(many(60), 100);
    const list = new Worklist(store);
    await list.load({});
    list.touched("c61");
    list.touched("c62");
    await list.settle();
    expect(list.rows).toHaveLength(60);
    expect(list.unseen).toBe(2);
  });

  it("reads a great many changed rows in portions", async () => {
    const store = new Store(many(120), 200);
    const list = new Worklist(store);
    await list.load({});
    await list.resync();
    await list.settle();
    await list.settle();
    await list.settle();
    await list.settle();
    expect(store.rowsAsked.map(({ length }) => length)).toEqual([50, 50, 20]);
  });

  it("selects one, a stretch, and lets go", async () => {
    const list = new Worklist(new Store(many(5), 5));
    await list.load({});
    list.toggle(1);
    list.toggle(3, true);
    expect([...list.selected]).toEqual(["c2", "c3", "c4"]);
    list.toggle(2);
    expect([...list.selected]).toEqual(["c2", "c4"]);
    list.clear();
    expect(list.selected.size).toBe(0);
  });

  it("keeps what it has when a later page fails, and says why", async () => {
    const store = new Store(many(7));
    const list = new Worklist(store);
    await list.load({});
    const failure = new Error("away");
    store.page = () => Promise.reject(failure);
    await list.more();
    expect(list.rows).toHaveLength(3);
    expect(list.error).toBe(failure);
    expect(list.loading).toBe(false);
  });
});
