import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { ApiError, OfflineError } from "../../src/api/errors";
import { voxel } from "../../src/domain/coordinates";
import { MeasureDesk } from "../../src/pages/review/measuring";
import type { CaseDocument } from "../../src/state/document";
import type { MeasureFields } from "../../src/state/measures";

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
