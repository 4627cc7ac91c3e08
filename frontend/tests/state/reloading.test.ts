import "fake-indexeddb/auto";

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { fromBox } from "../../src/domain/spans";
import { ChangeBuilder } from "../../src/state/document";
import { BrowserJournal, type Journal } from "../../src/state/journal";
import { UnreachableError } from "../../src/state/transport";
import { draw, openCase, theirRow, type Page } from "./case_page";
import { ServiceInMemory, settle, spansOf } from "./support";

let journal: Journal;
let service: ServiceInMemory;
let database = 0;

beforeEach(async () => {
  journal = await BrowserJournal.open(`reloads-${database++}`);
  service = new ServiceInMemory();
});

afterEach(() => vi.useRealTimers());

describe("what can be undone", () => {
  /** The page goes, and another one opens the same case. */
  async function reopen(first: Page, person = "ada"): Promise<Page> {
    await settle();
    first.sync.queue.stop();
    const second = await openCase({ service, journal, person });
    await settle();
    return second;
  }

  test("can still be undone and redone after a reload, to the start and to the end", async () => {
    const first = await openCase({ service, journal });
    const digests = [first.state.document.digests()];
    for (const [finding, x] of [[1, 0], [1, 10], [2, 20], [2, 4]]) {
      draw(first, finding, x);
      digests.push(first.state.document.digests());
    }
    first.state.history.undo();
    const second = await reopen(first);
    const { history, document } = second.state;
    for (const step of [2, 1, 0]) {
      history.undo();
      expect(document.digests()).toEqual(digests[step]);
    }
    expect(history.undo()).toBeNull();
    for (const step of [1, 2, 3, 4]) {
      history.redo();
      expect(document.digests()).toEqual(digests[step]);
    }
    expect(history.redo()).toBeNull();
    await settle();
    expect((await openCase({ service, journal })).state.document.digests()).toEqual(digests[4]);
  });

  test("goes on over several reloads, also over steps that were never sent", async () => {
    let page = await openCase({ service, journal });
    const before = page.state.document.digests();
    draw(page, 1, 0);
    page = await reopen(page);
    service.failBefore = new UnreachableError("away");
    draw(page, 1, 10);
    page = await reopen(page);
    draw(page, 2, 20);
    page = await reopen(page);
    while (page.state.history.undo());
    expect(page.state.document.digests()).toEqual(before);
  });

  test("is cut off by a new step, also in the journal", async () => {
    const first = await openCase({ service, journal });
    draw(first, 1, 0);
    draw(first, 2, 20);
    first.state.history.undo();
    draw(first, 3, 10);
    const second = await reopen(first);
    expect(second.state.history.redo()).toBeNull();
    second.state.history.undo();
    expect([...second.state.document.findings().keys()]).toEqual([1]);
  });

  test("ends where somebody else has changed the same rows meanwhile", async () => {
    const first = await openCase({ service, journal });
    draw(first, 1, 0);
    draw(first, 2, 20);
    await settle();
    service.other([theirRow(1, 30)]);
    const second = await reopen(first);
    expect(second.state.history.undo()).not.toBeNull();
    expect(second.state.history.undo()).toBeNull();
    expect([...second.state.document.mask(1, 0)]).toEqual(spansOf(theirRow(1, 30)));
  });

  test("is nobody else's", async () => {
    const first = await openCase({ service, journal });
    draw(first, 1, 0);
    const second = await reopen(first, "grace");
    expect(second.state.history.undoable).toBeNull();
  });

  test("holds an unfinished stroke as its newest step", async () => {
    const first = await openCase({ service, journal });
    draw(first, 1, 0);
    await settle();
    const drawn = first.state.document.digests();
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    first.state.draft.extend(new ChangeBuilder(first.state.document).row(1, 0, fromBox([0, 0, 20, 8], 40, 30)).done("brush"));
    vi.advanceTimersByTime(300);
    vi.useRealTimers();
    const second = await reopen(first);
    expect(second.state.document.digests()).not.toEqual(drawn);
    const third = await reopen(second);
    third.state.history.undo();
    expect(third.state.document.digests()).toEqual(drawn);
    third.state.history.undo();
    expect(third.state.document.digests()).toEqual([]);
  });

  test("is kept of the cases that were worked on last, and of no more", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    for (let k = 0; k < 14; k++) {
      vi.setSystemTime(k * 1_000);
      const change = { operation: "brush", masks: [], findings: [] };
      await journal.note({ caseId: `case ${k}`, person: "ada", floor: 0, position: 1, fresh: { number: 0, change, rows: [] } });
    }
    const kept = await Promise.all(Array.from({ length: 14 }, (_, k) => journal.read(`case ${k}`)));
    expect(kept.map(({ trail }) => trail?.steps.length ?? 0)).toEqual([0, 0, ...Array<number>(12).fill(1)]);
  });
});

test("what a former page left unsent is not called saved before the service has it", async () => {
  const first = await openCase({ service, journal });
  service.failBefore = new UnreachableError("offline");
  draw(first, 1, 0);
  await settle();
  first.sync.queue.stop();
  service.failBefore = null;
  const second = await openCase({ service, journal });
  expect(second.sync.queue.status).toEqual({ kind: "saving", pending: 1 });
  await settle();
  expect(second.sync.queue.status).toEqual({ kind: "saved" });
  expect(service.line).toHaveLength(1);
});

test("a journal of an older page keeps what it has not yet sent", async () => {
  const name = "an older journal";
  const entry = { key: "k", caseId: "case", order: 1, parent: null, request: { operation: "brush", sitting: "s", slices: [], findings: [] } };
  await new Promise<void>((resolve) => {
    const opening = indexedDB.open(name, 1);
    opening.onupgradeneeded = () => {
      opening.result.createObjectStore("entries", { keyPath: "key" }).createIndex("caseId", "caseId");
      opening.result.createObjectStore("heads", { keyPath: "caseId" });
    };
    opening.onsuccess = () => {
      const writing = opening.result.transaction(["entries"], "readwrite");
      writing.objectStore("entries").put(entry);
      writing.oncomplete = () => (opening.result.close(), resolve());
    };
  });
  const newer = await BrowserJournal.open(name);
  expect((await newer.read("case")).entries).toEqual([entry]);
  await newer.measured("case", [["a", null]]);
  expect(await newer.measures("case")).toEqual([["a", null]]);
});
