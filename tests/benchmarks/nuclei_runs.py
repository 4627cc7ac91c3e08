"""What both contestants of ``tests.benchmarks.nuclei`` share: images, clock, journal, judging."""

from __future__ import annotations

import argparse
import csv
import fcntl
import hashlib
import json
import os
import resource
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from segmentation.engine.matching import average_precision
from tests.benchmarks import measuring

Labels = NDArray[np.integer]
Draw = Callable[["Nuclei"], Labels]
"""The label image that a network makes of an image."""

THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.9)
CHOSEN_AT = (0.3, 0.5, 0.7)
"""The IoU over which StarDist's ``optimize_thresholds`` takes the mean; so do we."""
OVERLAP_CUTOFFS = (0.3, 0.4, 0.5)
"""Those that ``optimize_thresholds`` tries."""
CURVE_CUTOFFS = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7)
CURVE_OVERLAP = 0.4
TENTHS = 10
SAVE_EVERY_S = 60.0


class Nuclei(NamedTuple):
    """One fluorescence image, ``pixels`` uint8 (h, w), and its nuclei, ``truth`` uint16 (h, w)."""

    id: str
    group: str
    pixels: NDArray[np.uint8]
    truth: NDArray[np.uint16]


def read(data: Path, split: str) -> list[Nuclei]:
    """The fluorescence images of one split of the index, "train" or "test"."""
    path = data / "index.csv"
    if not path.is_file():
        raise SystemExit(f"{path} is not there. Give the folder of nuclei_dsb2018 with --data.")
    with path.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["kind"] == "fluorescence"]
    return [
        Nuclei(
            row["id"],
            row["group"],
            np.asarray(Image.open(data / row["image"])),
            np.asarray(Image.open(data / row["mask"])).astype(np.uint16),
        )
        for row in rows
        if row["split"] == split
    ]


def set_aside(images: Sequence[Nuclei]) -> tuple[list[Nuclei], list[Nuclei]]:
    """Images to learn from and to validate on, the same for every seed and both contestants.

    Whole groups, in an order that a hash decides, are set aside while they fit into a tenth.
    """
    sizes: dict[str, int] = {}
    for image in images:
        sizes[image.group] = sizes.get(image.group, 0) + 1
    room, chosen = len(images) // 10, set()
    for group in sorted(sizes, key=lambda name: hashlib.sha256(name.encode()).hexdigest()):
        if sizes[group] <= room:
            chosen.add(group)
            room -= sizes[group]
    learnt = [image for image in images if image.group not in chosen]
    return learnt, [image for image in images if image.group in chosen]


@dataclass(frozen=True)
class Run:
    """One contestant with one seed and one budget; everything about it lies in its folder."""

    who: str
    seed: int
    hours: float
    work: Path

    @property
    def folder(self) -> Path:
        return self.work / f"{self.who}-seed{self.seed}-{self.hours:g}h"

    @property
    def budget_s(self) -> float:
        return 3600 * self.hours

    @property
    def result(self) -> dict[str, Any] | None:
        """What came of it, or None while it goes on."""
        path = self.folder / "result.json"
        return json.loads(path.read_text()) if path.is_file() else None

    def finish(self, **result: object) -> None:
        about = {"who": self.who, "seed": self.seed, "hours": self.hours}
        replace(self.folder / "result.json", {**about, **result, **measuring.circumstances()})


def asked(who: str, description: str | None) -> tuple[Run, Path]:
    """The run that the command line of a contestant names, and the folder of its images."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--work", required=True, type=Path)
    parser.add_argument("--seed", required=True, type=int)
    parser.add_argument("--hours", required=True, type=float)
    chosen = parser.parse_args()
    run = Run(who, chosen.seed, chosen.hours, chosen.work)
    run.folder.mkdir(parents=True, exist_ok=True)
    claim(run)
    return run, chosen.data


def claim(run: Run) -> None:
    """Keep other processes from the run for as long as this one lives, however it ends."""
    descriptor = os.open(run.folder / "lock", os.O_CREAT | os.O_RDWR)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise SystemExit(f"Another process is at work on {run.folder}. Wait, or end it.") from error


def replace(path: Path, content: object) -> None:
    """Write JSON so that a reader finds the file before or the file after, never a part."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}.part")
    fresh.write_text(json.dumps(content, indent=1) + "\n")
    os.replace(fresh, path)


def cpu_seconds() -> float:
    """CPU time of this process with all of its threads, and of its children that have ended."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


class Stopwatch:
    """CPU seconds between each start and the stop after it, on top of what was spent before."""

    def __init__(self, spent: float = 0.0, now: Callable[[], float] = cpu_seconds) -> None:
        self._before = spent
        self._now = now
        self._began: float | None = None

    @property
    def spent(self) -> float:
        return self._before + (0.0 if self._began is None else self._now() - self._began)

    def start(self) -> None:
        self._before, self._began = self.spent, self._now()

    def stop(self) -> None:
        self._before, self._began = self.spent, None


class Journal:
    """The learning curve of a run so far; on disk whenever a point is added.

    A contestant saves its state first and adds the point then, so a killed run never has a point
    that its state has not reached.
    """

    def __init__(self, run: Run) -> None:
        self._path = run.folder / "journal.json"
        self._budget_s = run.budget_s
        self._judging = Stopwatch()
        known = json.loads(self._path.read_text()) if self._path.is_file() else {}
        self.curve: list[dict[str, float]] = known.get("curve", [])
        self.starts: int = known.get("starts", 0) + 1
        self._judging = Stopwatch(known.get("judging_cpu_s", 0.0))
        self._write()

    def due(self, spent_s: float) -> bool:
        """Whether a tenth of the budget has been completed since the last point."""
        return self._tenth(spent_s) > (self.curve[-1]["tenth"] if self.curve else 0)

    def judge(self, spent_s: float, steps: int, ap50: Callable[[], float]) -> None:
        """Add a point; the time that its figure takes is counted apart."""
        self._judging.start()
        value = ap50()
        self._judging.stop()
        tenth = int(TENTHS * min(1.0, spent_s / self._budget_s))
        point = {
            "tenth": tenth,
            "cpu_s": round(spent_s, 1),
            "steps": steps,
            "ap50": round(value, 4),
        }
        self.curve.append(point)
        self._write()
        measuring.say(f"{self._path.parent.name}: {point}")

    def told(self) -> dict[str, Any]:
        return {
            "curve": self.curve,
            "starts": self.starts,
            "judging_cpu_s": round(self._judging.spent, 1),
        }

    def _tenth(self, spent_s: float) -> int:
        return int(TENTHS * min(1.0, spent_s / self._budget_s))

    def _write(self) -> None:
        replace(self._path, self.told())


def counted(
    images: Sequence[Nuclei], draw: Draw, thresholds: Sequence[float] = THRESHOLDS
) -> NDArray[np.int64]:
    """Per image and threshold: found, invented, missed."""
    return np.array(
        [
            [
                (each.true_positive, each.false_positive, each.false_negative)
                for each in average_precision(image.truth, draw(image), thresholds)
            ]
            for image in images
        ],
        np.int64,
    )


def precision(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """TP / (TP + FP + FN) per threshold, pooled over the images."""
    pooled = counts.sum(axis=0)
    return np.asarray(pooled[:, 0] / np.maximum(pooled.sum(axis=1), 1), np.float64)


def scored(images: Sequence[Nuclei], draw: Draw) -> dict[str, object]:
    """The figures over the test images, and the counts of each for the intervals."""
    counts = counted(images, draw)
    return {
        "ap": dict(zip(map(str, THRESHOLDS), precision(counts).round(4).tolist(), strict=True)),
        "images": [image.id for image in images],
        "groups": [image.group for image in images],
        "counts": counts.tolist(),
    }
