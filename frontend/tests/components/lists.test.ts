import { describe, expect, it } from "vitest";

import { bytes, percent, score, signed } from "../../src/components/numbers";
import { picked } from "../../src/components/dropped";
import { ago, clock, duration } from "../../src/components/times";
import { visibleRange } from "../../src/components/window";

describe("a long list", () => {
  it("draws what is in sight and a few lines around it", () => {
    expect(visibleRange(6400, 640, 64, 10_000)).toEqual({ from: 96, to: 114 });
  });

  it("never leaves its ends, nor an empty list", () => {
    expect(visibleRange(0, 640, 64, 3)).toEqual({ from: 0, to: 3 });
    expect(visibleRange(-50, 640, 64, 100).from).toBe(0);
    expect(visibleRange(9_000, 640, 64, 5)).toEqual({ from: 5, to: 5 });
    expect(visibleRange(0, 640, 64, 0)).toEqual({ from: 0, to: 0 });
  });
});

describe("figures", () => {
  it("say how large a file is in the unit that fits", () => {
    expect([bytes(0), bytes(999), bytes(1536), bytes(60e6), bytes(5e9)]).toEqual(["0 B", "999 B", "1.5 kB", "57.2 MB", "4.7 GB"]);
  });

  it("are as precise as they are honest, and a dash where there is none", () => {
    expect([score(0.8349), score(null), score(Number.NaN), score(0.8349, 3)]).toEqual(["0.83", "–", "–", "0.835"]);
    expect([signed(0.0125), signed(-0.0125), signed(0), signed(null)]).toEqual(["+0.013", "−0.013", "±0.000", "–"]);
    expect(percent(0.2)).toBe("20 %");
  });
});

describe("times", () => {
  const now = Date.parse("2026-03-10T12:00:00Z");

  it("are told from now within a week, by date before that", () => {
    expect(ago("2026-03-10T11:59:50Z", now)).toBe(ago("2026-03-10T12:00:00Z", now));
    expect(ago("2026-03-10T11:57:00Z", now)).toContain("3");
    expect(ago("2026-02-01T00:00:00Z", now)).toContain("2026");
  });

  it("are as long as a person waits", () => {
    expect([duration(0.2), duration(45), duration(130), duration(3900), duration(6000)]).toEqual(["1 s", "45 s", "2 min", "65 min", "1 h 40 min"]);
  });

  it("run like a clock where they are watched", () => {
    expect([0, 9.9, 247, 3727].map(clock)).toEqual(["0:00", "0:09", "4:07", "1:02:07"]);
  });
});

describe("files from a picker", () => {
  it("keep their place in the folder, and leave the system's litter behind", () => {
    const file = (name: string, path = "") => Object.defineProperty(new File([], name), "webkitRelativePath", { value: path });
    const files = [
      file("1.dcm", "scan/a/1.dcm"),
      file(".DS_Store", "scan/.DS_Store"),
      file("Thumbs.db", "scan/Thumbs.db"),
      file("x.dcm", "scan/__MACOSX/x.dcm"),
      file("b.png"),
    ];
    expect(picked(files).map(({ path }) => path)).toEqual(["scan/a/1.dcm", "b.png"]);
  });
});
