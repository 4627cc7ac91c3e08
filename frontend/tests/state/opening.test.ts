import "fake-indexeddb/auto";

import { beforeEach, describe, expect, test } from "vitest";

import { fromBox, union } from "../../src/domain/spans";
import { BrowserJournal, type Journal } from "../../src/state/journal";
import type { CaseContent } from "../../src/state/transport";
import { draw, openCase, type Page } from "./case_page";
import { ServiceInMemory, settle } from "./support";

let journal: Journal;
let service: ServiceInMemory;
let database = 0;

beforeEach(async () => {
  journal = await BrowserJournal.open(`opening-${database++}`);
  service = new ServiceInMemory();
});

const openPage = (shown?: CaseContent): Promise<Page> => openCase({ service, journal, ...(shown && { shown }) });

/** What is left after a page has drawn one mask. */
async function drawnBefore(): Promise<CaseContent> {
  const page = await openPage();
  draw(page, 1, 0);
  await settle();
  return service.load();
}

describe("opening", () => {
  test("makes nothing anew of masks that were read before the pen was asked for", async () => {
    const page = await openPage(await drawnBefore());
    expect(page.resets).toBe(0);
    expect(page.state.document.mask(1, 0)).toEqual(fromBox([0, 0, 4, 4], 40, 30));
    draw(page, 2, 20);
    await settle();
    expect(page.sync.queue.status).toEqual({ kind: "saved" });
  });

  test("shows what somebody saved between the first look and the pen", async () => {
    const content = await drawnBefore();
    draw(await openPage(), 1, 10);
    await settle();
    const page = await openPage(content);
    expect(page.resets).toBe(1);
    expect(page.state.document.mask(1, 0)).toEqual(union(fromBox([0, 0, 4, 4], 40, 30), fromBox([10, 0, 14, 4], 40, 30)));
  });
});
