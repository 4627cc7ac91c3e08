import "fake-indexeddb/auto";

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { ApiError, OfflineError } from "../../src/api/errors";
import { voxel } from "../../src/domain/coordinates";
import { MeasureDesk } from "../../src/pages/review/measuring";
import { CaseDocument } from "../../src/state/document";
import { BrowserJournal, type Journal } from "../../src/state/journal";
import type { MeasureFields } from "../../src/state/measures";
import { settle } from "../state/support";

const api = vi.hoisted(() => ({ measurementPut: vi.fn(), measurementRemove: vi.fn(), measurements: vi.fn() }));
vi.mock("../../src/api/measurements", () => api);

const length: MeasureFields = { kind: "length", plane: "axial", moment: 0, note: "", points: [voxel(0, 0, 0), voxel(1, 1, 0)] };

describe("what is measured", () => {
  const shown: unknown[] = [];
  const told: string[] = [];
  let desk: MeasureDesk;

  beforeEach(() => {
    vi.useFakeTimers();
    shown.length = told.length = 0;
    const document = { showMeasures: (rows: unknown) => shown.push(rows) } as unknown as CaseDocument;
    desk = new MeasureDesk("case", "tab", document, (sentence) => told.push(sentence));
    api.measurements.mockResolvedValue([["a", length]]);
  });

  afterEach(() => {
    desk.stop();
    vi.useRealTimers();
    vi.resetAllMocks();
  });

  test("is kept one after the other; only what is refused is given up", async () => {
    api.measurementPut.mockImplementation((_case: string, id: string) =>
      id === "b" ? Promise.reject(new ApiError(400, "invalid_input", "A point lies outside.")) : Promise.resolve(),
    );
    desk.keep(["a", "b", "c"].map((id) => ({ id, before: null, after: length })));
    await vi.runAllTimersAsync();
    expect(api.measurementPut.mock.calls.map(([, id]) => id)).toEqual(["a", "b", "c"]);
    expect(told).toEqual(["A point lies outside."]);
    expect(desk.size).toBe(0);
    expect(shown).toEqual([[["a", length]]]);
  });

  test("waits while the service is away, and is sent again", async () => {
    api.measurementPut.mockRejectedValueOnce(new OfflineError()).mockResolvedValue(undefined);
    desk.keep([{ id: "a", before: null, after: length }]);
    await vi.advanceTimersByTimeAsync(1_000);
    expect([desk.size, told]).toEqual([1, []]);
    await vi.advanceTimersByTimeAsync(3_000);
    expect([desk.size, api.measurementPut.mock.calls.length]).toEqual([0, 2]);
  });
});

describe("what is measured without a network", () => {
  const told: string[] = [];
  let journal: Journal;
  let database = 0;

  beforeEach(async () => {
    told.length = 0;
    journal = await BrowserJournal.open(`measures-${database++}`);
    api.measurements.mockResolvedValue([]);
    api.measurementPut.mockRejectedValue(new OfflineError());
    api.measurementRemove.mockRejectedValue(new OfflineError());
  });

  afterEach(() => void vi.resetAllMocks());

  async function page(): Promise<{ desk: MeasureDesk; document: CaseDocument }> {
    const document = new CaseDocument();
    const desk = new MeasureDesk("case", "tab", document, (sentence) => told.push(sentence));
    await desk.load();
    desk.use(journal);
    await desk.resume();
    await settle();
    return { desk, document };
  }

  const online = (): void => {
    api.measurementPut.mockResolvedValue(undefined);
    api.measurementRemove.mockResolvedValue(undefined);
  };

  test("outlives the page, and is sent by the next one", async () => {
    const first = await page();
    first.desk.keep([{ id: "a", before: null, after: length }]);
    first.desk.keep([{ id: "a", before: length, after: { ...length, note: "longest" } }]);
    first.desk.keep([{ id: "b", before: length, after: null }]);
    await settle();
    first.desk.stop();

    api.measurements.mockResolvedValue([["b", length]]);
    const second = await page();
    expect([...second.document.measures.all()]).toEqual([["a", { ...length, note: "longest" }]]);
    expect(second.desk.size).toBe(2);
    second.desk.stop();

    online();
    const third = await page();
    expect(third.desk.size).toBe(0);
    expect(api.measurementPut).toHaveBeenLastCalledWith("case", "a", "tab", { ...length, note: "longest" });
    expect(api.measurementRemove).toHaveBeenLastCalledWith("case", "b", "tab");
    expect(await journal.measures("case")).toEqual([]);
    third.desk.stop();
  });

  test("is written down before it is sent", async () => {
    let known = -1;
    api.measurementPut.mockImplementation(async () => void (known = (await journal.measures("case")).length));
    const { desk } = await page();
    desk.keep([{ id: "a", before: null, after: length }]);
    await settle();
    expect([known, desk.size]).toEqual([1, 0]);
    desk.stop();
  });

  test("waits for the pen where somebody else has it now", async () => {
    api.measurementPut.mockRejectedValue(new ApiError(409, "not_holder", "Grace holds this case."));
    const { desk } = await page();
    desk.keep([{ id: "a", before: null, after: length }]);
    await settle();
    expect([desk.size, told]).toEqual([1, ["Grace holds this case."]]);
    online();
    await desk.resume();
    await settle();
    expect([desk.size, await journal.measures("case")]).toEqual([0, []]);
    desk.stop();
  });

  test("and taken back before anybody heard of it, is no trouble", async () => {
    const { desk } = await page();
    desk.keep([{ id: "a", before: null, after: length }]);
    desk.keep([{ id: "a", before: length, after: null }]);
    await settle();
    api.measurementRemove.mockRejectedValue(new ApiError(404, "not_found", "There is no such measurement."));
    await desk.resume();
    await settle();
    expect([desk.size, told]).toEqual([0, []]);
    desk.stop();
  });
});
