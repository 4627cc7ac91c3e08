"""How well a network learns image labels: ``python -m tests.benchmarks.classification --data DIR``.

``DIR`` holds ``cxr_lungs`` (column ``view``) and ``nuclei_dsb2018`` (column ``kind``); each column
is learnt by one network for all of its classes, from scratch, on the train split, and judged on
the test split, whose patients or groups are others. AUROC is that of one class against the rest;
its 95 % interval, and those of the means, resample whole patients or groups. A class without a
test image has no figure and counts in no mean. The image's class is the one with the best score.
An interval from 1 to 1 says only that no image of the test split is out of order.
"""

from __future__ import annotations

import csv
import os
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import django
import numpy as np
from numpy.typing import NDArray

from tests.benchmarks import measuring

COLUMNS = {"view": "cxr_lungs", "kind": "nuclei_dsb2018"}
STEPS = 200
LONGEST = 256
Rows = NDArray[np.int64]


class Judged(NamedTuple):
    """``scores`` (images, labels) 0..1, the number of the true label, and each image's group."""

    scores: NDArray[np.float64]
    truth: Rows
    groups: list[str]


def main() -> None:
    chosen = measuring.options(
        __doc__,
        data={"type": Path, "required": True},
        only={"choices": sorted(COLUMNS)},
        steps={"type": int, "default": STEPS},
        seed={"type": int, "default": 0},
    )
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "medseg_site.settings")
    django.setup()
    rows, details = [], {}
    for column, name in COLUMNS.items():
        if chosen.only in (None, column):
            told = measure(chosen.data / name, column, chosen.steps, chosen.seed)
            details[column] = told
            rows += [{"column": column, **row} for row in told.pop("rows")]
    measuring.finish("classification", "", rows, chosen.json, columns=details)


def measure(folder: Path, column: str, steps: int, seed: int) -> dict[str, Any]:
    from segmentation.engine.preprocessing import parse_recipe
    from segmentation.engine.training import Budget, train
    from segmentation.management.folder import training_cases
    from segmentation.management.reading import LabelBook
    from segmentation.management.spool import Spool

    labels = labels_in(folder, column)
    book = LabelBook(tuple(labels))
    steps_of_recipe = [
        {"name": "normalise", "method": "percentile"},
        {"name": "size", "method": "height_width", "longest": LONGEST},
    ]
    recipe = parse_recipe({"steps": steps_of_recipe})
    with tempfile.TemporaryDirectory(prefix="classification-") as place:
        spool, out = Spool(Path(place)), Path(place) / "network"
        cases = training_cases(folder, "labels2d", book, seed, spool, measuring.say, column)
        network = train(
            cases, "labels2d", labels, Budget(steps), seed, None, recipe, out,
            lambda event: measuring.say(f"{column}: step {event.step}, loss {event.loss:.3f}"),
            device="cpu",
        )  # fmt: skip
        judged = judge(folder, column, network, book)
    learnt = [case for case in cases if case.split == "train"]
    return {
        "data": folder.name,
        "labels": labels,
        "train_images": len(learnt),
        "validation_images": len(cases) - len(learnt),
        "test_images": len(judged.groups),
        "test_groups": len(set(judged.groups)),
        "steps": network.card["training"]["steps"],
        "minutes": network.card["training"]["minutes"],
        "seed": seed,
        "rows": figures(judged, labels, seed),
    }


def labels_in(folder: Path, column: str) -> list[str]:
    with (folder / "index.csv").open(newline="", encoding="utf-8-sig") as file:
        return sorted({row[column] for row in csv.DictReader(file) if row["split"] == "train"})


def judge(folder: Path, column: str, network: Any, book: Any) -> Judged:
    """The network's scores for every image of the test split."""
    from segmentation.engine.inference import segment
    from segmentation.engine.types import Settings
    from segmentation.management.folder import known_cases

    scores, truth, groups = [], [], []
    for case in known_cases(folder, "labels2d", book, "test", measuring.say, column):
        found = segment(case.picture, network, Settings(device="cpu", threads=1))
        by_label = {candidate.label: candidate.score for candidate in found.candidates}
        scores.append([by_label[number] for number in range(1, len(book.labels) + 1)])
        truth.append((case.truth.label or 0) - 1)
        groups.append(case.group)
    return Judged(np.array(scores), np.array(truth), groups)


def figures(judged: Judged, labels: Sequence[str], seed: int) -> list[dict[str, object]]:
    """A row per figure: AUROC of each label, their mean, balanced accuracy, calibration error."""
    from segmentation.engine.calibration import calibration_error
    from segmentation.engine.ranking import auroc, bootstrap

    there = sorted(set(judged.truth.tolist()))
    counts = Counter(judged.truth.tolist())

    def of_label(number: int) -> Callable[[Rows], float]:
        return lambda rows: auroc(judged.scores[rows, number], judged.truth[rows] == number)

    def macro(rows: Rows) -> float:
        return float(np.mean([of_label(number)(rows) for number in there]))

    def balanced(rows: Rows) -> float:
        return balanced_accuracy(judged.scores[rows], judged.truth[rows])

    def error(rows: Rows) -> float:
        scores = judged.scores[rows]
        right = scores.argmax(axis=1) == judged.truth[rows]
        return calibration_error(scores.max(axis=1), right)

    wanted: Mapping[str, Callable[[Rows], float]] = {
        **{f"auroc {name}": of_label(number) for number, name in enumerate(labels)},
        "auroc": macro,
        "balanced accuracy": balanced,
        "calibration error": error,
    }
    rows = []
    for number, (name, figure) in enumerate(wanted.items()):
        found = bootstrap(figure, judged.groups, seed)
        images = counts[number] if number < len(labels) else len(judged.groups)
        rows.append(
            {
                "figure": name,
                "images": images,
                "value": rounded(found.value),
                "low": rounded(found.low),
                "high": rounded(found.high),
                "resamples": found.resamples,
            }
        )
    return rows


def balanced_accuracy(scores: NDArray[np.float64], truth: Rows) -> float:
    """The mean over the classes that are there of how many of their images are called right."""
    right = scores.argmax(axis=1) == truth
    return float(np.mean([right[truth == number].mean() for number in np.unique(truth)]))


def rounded(value: float) -> float | None:
    return None if np.isnan(value) else round(value, 4)


if __name__ == "__main__":
    main()
