import "fake-indexeddb/auto";

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { fromBox } from "../../src/domain/spans";
import { judge } from "../../src/state/actions/judge";
import { ChangeBuilder } from "../../src/state/document";
import { BrowserJournal, PageJournal, type Journal } from "../../src/state/journal";
import { ReadOnlyError, RefusedError, SignedOutError, UnreachableError } from "../../src/state/transport";
import { draw, openCase, theirRow, type Page } from "./case_page";
import { ServiceInMemory, settle, spansOf, voxels } from "./support";

let journal: Journal;
let service: ServiceInMemory;
let database = 0;

beforeEach(async () => {
  journal = await BrowserJournal.open(`journal-${database++}`);
  service = new ServiceInMemory();
});

afterEach(() => vi.useRealTimers());

const openPage = (mayDraw = true, kept: Journal = journal, tab = "tab"): Promise<Page> =>
  openCase({ service, journal: kept, mayDraw, tab });

const left = async (): Promise<number> => (await journal.read("case")).entries.length;

describe("saving", () => {
  test("sends each change as its own revision with only the rows it changed", async () => {
    const page = await openPage();
    draw(page, 1, 0);
    draw(page, 2, 20);
    await settle();
    expect(service.line.map((stored) => stored.request.slices.map((row) => row.finding))).toEqual([[1], [2]]);
    expect(page.sync.queue.status).toEqual({ kind: "saved" });
    expect(await left()).toBe(0);
  });

  test("writes a change down before it is sent", async () => {
    let knownAtSend = -1;
    const original = service.save.bind(service);
    service.save = async (...call) => {
      knownAtSend = await left();
      return original(...call);
    };
    draw(await openPage(), 1, 0);
    await settle();
    expect(knownAtSend).toBe(1);
  });

  test("of an undone stroke ends in the rows of before", async () => {
    const page = await openPage();
    draw(page, 1, 0);
    page.state.history.undo();
    await settle();
    expect(service.line.map((stored) => stored.request.operation)).toEqual(["brush", "undo brush"]);
    expect(service.line[1].request.findings).toEqual([{ finding: 1, removed: true }]);
    expect(service.line[1].request.slices).toEqual([]);
  });

  test("is not over until the service names the same digest", async () => {
    const original = service.save.bind(service);
    service.save = async (...call) => {
      const answer = await original(...call);
      return { ...answer, accepted: answer.accepted.map((row) => ({ ...row, digest: "0".repeat(64) })) };
    };
    const page = await openPage();
    draw(page, 1, 0);
    await settle();
    expect(page.sync.queue.status.kind).toBe("refused");
    expect(await left()).toBe(1);
  });
});

describe("a lost network", () => {
  test("keeps every stroke and sends it when the network is back", async () => {
    const page = await openPage();
    service.failBefore = new UnreachableError("away");
    draw(page, 1, 0);
    draw(page, 2, 20);
    await settle();
    expect(page.sync.queue.status).toEqual({ kind: "unsynced", pending: 2 });
    service.failBefore = null;
    page.sync.queue.retry();
    await settle();
    expect(page.sync.queue.status.kind).toBe("saved");
    expect(service.line).toHaveLength(2);
  });

  test("is tried again by itself", async () => {
    const page = await openPage();
    service.failBefore = new UnreachableError("away");
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    draw(page, 1, 0);
    await settle();
    service.failBefore = null;
    vi.advanceTimersByTime(1_000);
    await settle();
    expect(page.sync.queue.status.kind).toBe("saved");
  });

  test("that swallows the answer does not store a stroke twice", async () => {
    const page = await openPage();
    service.failAfter = new UnreachableError("away");
    draw(page, 1, 0);
    await settle();
    service.failAfter = null;
    page.sync.queue.retry();
    await settle();
    expect(service.line).toHaveLength(1);
    expect(page.sync.queue.status.kind).toBe("saved");
  });
});

describe("a reload", () => {
  test("in the middle of saving loses nothing", async () => {
    const first = await openPage();
    draw(first, 1, 0);
    await settle();
    service.failBefore = new UnreachableError("away");
    draw(first, 1, 10);
    draw(first, 2, 20);
    await settle();
    const drawn = first.state.document.digests();
    first.sync.queue.stop();

    service.failBefore = null;
    const second = await openPage();
    expect(second.state.document.digests()).toEqual(drawn);
    expect(second.sync.replayed).toBe(2);
    await settle();
    expect(second.sync.queue.status.kind).toBe("saved");
    expect(service.line).toHaveLength(3);
    expect((await openPage()).state.document.digests()).toEqual(drawn);
  });

  test("in the middle of a stroke keeps what was drawn of it", async () => {
    const first = await openPage();
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const builder = new ChangeBuilder(first.state.document).set(1, first.state.newFields());
    first.state.draft.extend(builder.row(1, 0, fromBox([0, 0, 8, 8], 40, 30)).done("brush"));
    vi.advanceTimersByTime(300);
    await settle();
    first.sync.queue.stop();
    const second = await openPage();
    await settle();
    expect([...second.state.document.mask(1, 0)]).toEqual([...fromBox([0, 0, 8, 8], 40, 30)]);
    expect(service.line).toHaveLength(1);
  });

  test("after a stroke was called off brings nothing back", async () => {
    const first = await openPage();
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    first.state.draft.extend(new ChangeBuilder(first.state.document).row(0, 0, fromBox([0, 0, 8, 8], 40, 30)).done("brush"));
    vi.advanceTimersByTime(300);
    await settle();
    expect(await left()).toBe(1);
    first.state.draft.cancel();
    await settle();
    expect(await left()).toBe(0);
  });

  test("after a stroke that came to nothing brings nothing back", async () => {
    const first = await openPage();
    draw(first, 1, 0);
    await settle();
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    first.state.draft.extend(new ChangeBuilder(first.state.document).row(1, 0, first.state.document.mask(1, 0)).done("brush"));
    vi.advanceTimersByTime(300);
    first.state.draft.commit();
    await settle();
    expect([await left(), first.sync.queue.drafts.isOpen]).toEqual([0, false]);
  });

  test("finds a finished stroke once, not also its draft", async () => {
    const first = await openPage();
    service.failBefore = new UnreachableError("away");
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    first.state.draft.extend(new ChangeBuilder(first.state.document).row(0, 0, fromBox([0, 0, 8, 8], 40, 30)).done("brush"));
    vi.advanceTimersByTime(300);
    first.state.draft.commit();
    vi.advanceTimersByTime(300);
    await settle();
    expect(await left()).toBe(1);
  });

  test("after an answer that never arrived goes on from there", async () => {
    const first = await openPage();
    service.failAfter = new UnreachableError("away");
    draw(first, 1, 0);
    draw(first, 2, 20);
    await settle();
    first.sync.queue.stop();
    service.failAfter = null;
    const second = await openPage();
    await settle();
    expect(second.sync.queue.status.kind).toBe("saved");
    expect(service.aside).toHaveLength(0);
    expect(service.line).toHaveLength(2);
  });

  test("in another tab sends what is left in that tab's name", async () => {
    const first = await openPage();
    service.failBefore = new UnreachableError("away");
    draw(first, 1, 0);
    await settle();
    first.sync.queue.stop();
    service.failBefore = null;
    await openPage(true, journal, "other tab");
    await settle();
    expect(service.line[0].request.tab).toBe("other tab");
  });

  test("by somebody who may only look leaves the journal alone", async () => {
    const first = await openPage();
    service.failBefore = new UnreachableError("away");
    draw(first, 1, 0);
    await settle();
    first.sync.queue.stop();
    const watcher = await openPage(false);
    expect(watcher.state.document.findings().size).toBe(0);
    expect(await left()).toBe(1);
  });
});

describe("an ended session", () => {
  test("keeps strokes and sends them after the sign-in", async () => {
    const page = await openPage();
    service.failBefore = new SignedOutError("signed out");
    draw(page, 1, 0);
    await settle();
    draw(page, 2, 20);
    await settle();
    expect(page.sync.queue.status).toEqual({ kind: "signed_out", pending: 2 });
    expect(service.requests).toBe(1);
    service.failBefore = null;
    page.sync.queue.retry();
    await settle();
    expect(service.line).toHaveLength(2);
  });
});

describe("somebody else's change", () => {
  test("on other rows is taken in without a question", async () => {
    const page = await openPage();
    draw(page, 1, 0);
    await settle();
    service.other([theirRow(7, 30)], [{ finding: 7, ...page.state.newFields({ label: 2 }) }]);
    draw(page, 1, 10);
    await settle();
    expect(page.sync.queue.status.kind).toBe("saved");
    expect(page.state.document.finding(7)?.label).toBe(2);
    expect(spansOf(service.head?.request.slices[0])).toEqual([...page.state.document.mask(1, 0)]);
  });

  test("is not shown over a stroke that ends while it is read", async () => {
    const page = await openPage();
    draw(page, 1, 0);
    await settle();
    service.other([theirRow(9, 5)]);
    const original = service.load.bind(service);
    service.load = async () => {
      const content = await original();
      draw(page, 2, 20);
      return content;
    };
    await page.sync.refresh(2);
    service.load = original;
    expect(page.state.document.finding(2)).not.toBeNull();
    await settle();
    expect(page.sync.queue.status.kind).toBe("saved");
    expect([...page.state.document.mask(9, 0)]).toEqual(spansOf(theirRow(9, 5)));
    expect((await openPage()).state.document.digests()).toEqual(page.state.document.digests());
  });

  async function collide(): Promise<Page> {
    const page = await openPage();
    draw(page, 1, 0);
    await settle();
    service.other([theirRow(1, 30), theirRow(9, 5)]);
    draw(page, 1, 10);
    draw(page, 2, 20);
    await settle();
    return page;
  }

  test("on the same row is a question, and nothing is sent meanwhile", async () => {
    const page = await collide();
    expect(page.sync.queue.status).toMatchObject({ kind: "conflict", conflict: { both: ["1:0"] } });
    const asked = service.requests;
    draw(page, 3, 25);
    await settle();
    expect(service.requests).toBe(asked);
    expect(service.aside).toHaveLength(1);
  });

  test("answered with mine puts my rows on top and keeps their other rows", async () => {
    const page = await collide();
    const mine = [...page.state.document.mask(1, 0)];
    await page.sync.queue.keepMine();
    await settle();
    expect(page.sync.queue.status.kind).toBe("saved");
    expect([...page.state.document.mask(1, 0)]).toEqual(mine);
    expect([...page.state.document.mask(9, 0)]).toEqual(spansOf(theirRow(9, 5)));
    expect((await openPage()).state.document.digests()).toEqual(page.state.document.digests());
  });

  test("answered with theirs shows theirs and keeps all of mine beside the line", async () => {
    const page = await collide();
    await page.sync.queue.keepTheirs();
    await settle();
    expect([...page.state.document.mask(1, 0)]).toEqual(spansOf(theirRow(1, 30)));
    expect(page.state.document.finding(2)).toBeNull();
    const kept = service.aside[service.aside.length - 1].request;
    expect(kept.slices.map((row) => row.finding)).toEqual([1, 2]);
    expect(await left()).toBe(0);
    draw(page, 5, 0);
    await settle();
    expect(page.sync.queue.status.kind).toBe("saved");
  });

  test("answered with both puts the two masks together, voxel by voxel", async () => {
    const page = await openPage();
    draw(page, 1, 0);
    await settle();
    const before = new Set(voxels(page.state.document.mask(1, 0)));
    service.other([theirRow(1, 30), theirRow(9, 5)]);
    draw(page, 1, 10);
    draw(page, 2, 20);
    await settle();
    const [mine, theirs] = [page.state.document.mask(1, 0), Uint32Array.from(spansOf(theirRow(1, 30)))].map((mask) => new Set(voxels(mask)));
    expect(page.sync.queue.status).toMatchObject({ kind: "conflict", conflict: { mergeable: true } });
    await page.sync.queue.keepBoth();
    await settle();
    expect(page.sync.queue.status.kind).toBe("saved");
    const expected = [...new Set([...mine, ...theirs])].filter((k) => !before.has(k) || (mine.has(k) && theirs.has(k)));
    expect(voxels(page.state.document.mask(1, 0))).toEqual(expected.sort((a, b) => a - b));
    for (const finding of [2, 9]) expect(page.state.document.mask(finding, 0)).not.toHaveLength(0);
    expect((await openPage()).state.document.digests()).toEqual(page.state.document.digests());
  });

  test("over what a finding is cannot be put together", async () => {
    const page = await openPage();
    draw(page, 1, 0);
    await settle();
    service.other([], [{ finding: 1, ...page.state.newFields({ label: 2 }) }]);
    judge(page.state, [1], "rejected");
    await settle();
    expect(page.sync.queue.status).toMatchObject({ kind: "conflict", conflict: { both: ["1"], mergeable: false } });
    await page.sync.queue.keepBoth();
    expect(page.sync.queue.status.kind).toBe("conflict");
  });

  test("survives a reload before it is answered", async () => {
    const page = await collide();
    page.sync.queue.stop();
    const again = await openPage();
    await settle();
    expect(again.sync.queue.status.kind).toBe("conflict");
    expect(again.state.document.finding(2)).not.toBeNull();
  });
});

describe("a refusal", () => {
  test("to a page without the pen stops saving and keeps the strokes", async () => {
    const page = await openPage();
    service.failBefore = new ReadOnlyError("Ada Lovelace holds this case.", "not_holder");
    draw(page, 1, 0);
    await settle();
    expect(page.sync.queue.status).toMatchObject({ kind: "read_only", message: "Ada Lovelace holds this case." });
    service.failBefore = null;
    page.sync.queue.retry();
    await settle();
    expect(page.sync.queue.status.kind).toBe("saved");
  });

  test("of the change itself is not tried again, and can be given up", async () => {
    const page = await openPage();
    service.failBefore = new RefusedError("Label 9 is not in this project.");
    draw(page, 1, 0);
    await settle();
    page.sync.queue.retry();
    await settle();
    expect(service.requests).toBe(1);
    service.failBefore = null;
    await page.sync.queue.dropAll();
    expect(page.state.document.findings().size).toBe(0);
    expect(page.sync.queue.status.kind).toBe("saved");
  });
});

describe("a browser that keeps nothing", () => {
  test("still saves", async () => {
    const page = await openPage(true, new PageJournal());
    draw(page, 1, 0);
    await settle();
    expect(page.sync.queue.status.kind).toBe("saved");
  });
});
