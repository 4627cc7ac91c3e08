"""The volumes of the comparison with nnU-Net: how they are read and split, how both are scored."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from functools import partial
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.benchmarks import measuring

SEED = 0
PATIENCE_S = 600.0

Figures = dict[str, float]


def split_as_ours(data: Path, labels: Sequence[str]) -> dict[str, list[str]]:
    """The ids that ``train`` learns from with its usual seed, and those it sets aside."""
    from segmentation.engine.cases import TrainingCase
    from segmentation.management.folder import set_aside

    read = attrgetter("picture", "truth")
    known = [
        TrainingCase(case.id, partial(read, case), case.group, kind=case.kind)
        for case in known_cases(data, "train", labels)
    ]
    chosen = {case.id: case.split for case in set_aside(known, SEED)}
    return {
        "train": sorted(name for name, split in chosen.items() if split == "train"),
        "val": sorted(name for name, split in chosen.items() if split == "validation"),
    }


def known_cases(folder: Path, split: str, labels: Sequence[str]) -> list[Any]:
    """The volumes of a split with their truth, as ``train`` and ``evaluate`` read them.

    On a busy machine a file may take long, so it may here; one that is missing all the same ends
    the program, since both sides must learn from and be scored on the same volumes.
    """
    from segmentation.interchange.intake import IntakeReader
    from segmentation.interchange.types import Limits, Refusal
    from segmentation.management.folder import KnownCase
    from segmentation.management.reading import LabelBook, group_of, identifier_of, truth_of
    from segmentation.services.pictures import picture_read

    book, cases = LabelBook(tuple(labels), frozenset()), []
    with IntakeReader([folder], limits=Limits(file_seconds=PATIENCE_S)) as reader:
        for case in reader:
            if isinstance(case, Refusal):
                measuring.say(f"{case.name}: {case.sentence}")
            elif case.split == split:
                picture, truth = picture_read(case.image), truth_of(case, "semantic3d", book)
                name, group = identifier_of(case), group_of(case)
                cases.append(KnownCase(name, group, case.kind, split, picture, truth))
    if missing := index_rows(folder, split).keys() - {case.id for case in cases}:
        measuring.say(f"Not read: {', '.join(sorted(missing))}. Mend them and run this again.")
        raise SystemExit(1)
    return cases


def index_rows(data: Path, split: str) -> dict[str, dict[str, str]]:
    with (data / "index.csv").open(newline="", encoding="utf-8") as file:
        return {row["id"]: row for row in csv.DictReader(file) if row["split"] == split}


def compare(
    data: Path, network: Any, predicted: Mapping[bool, Path]
) -> tuple[list[dict[str, object]], int, int]:
    """The figures of both, row by row; the number of cases and of patients."""
    from segmentation.engine.inference import segment
    from segmentation.engine.render import label_map
    from segmentation.engine.types import Settings

    labels: Sequence[str] = network.labels
    known = known_cases(data, "test", labels)
    settings = Settings(device="cpu", threads=1)
    patients = {case.id: case.group for case in known}
    truths = {case.id: case.truth for case in known}
    ours = {
        case.id: dice_of(case.truth, label_map(segment(case.picture, network, settings)), labels)
        for case in known
    }
    rows: list[dict[str, object]] = []
    for mirroring, folder in predicted.items():
        drawn = {case.id: case.truth.classes for case in known_cases(folder, "test", labels)}
        theirs = {name: dice_of(truth, drawn[name], labels) for name, truth in truths.items()}
        for figure in ("dice", *labels):
            told = lead(patients, ours, theirs, figure)
            rows.append({"mirroring": "yes" if mirroring else "no", "figure": figure, **told})
    return rows, len(known), len(set(patients.values()))


def lead(
    patients: Mapping[str, str],
    ours: Mapping[str, Figures],
    theirs: Mapping[str, Figures],
    figure: str,
) -> dict[str, float]:
    """One figure of both over the cases that both have it for, and the lead of ours."""
    from segmentation.engine.gate import PairedScore, judge

    pairs = [
        PairedScore(case, patient, theirs[case][figure], ours[case][figure])
        for case, patient in patients.items()
    ]
    verdict = judge(pairs)
    return {
        "ours": round(verdict.challenger, 4),
        "nnunet": round(verdict.champion, 4),
        "lead": round(verdict.difference, 4),
        "low": round(verdict.low, 4),
        "high": round(verdict.high, 4),
    }


def dice_of(truth: Any, drawn: NDArray[np.integer], labels: Sequence[str]) -> Figures:
    """Dice of each label, and their mean as ``dice``; NaN where neither has the label."""
    from segmentation.engine import metrics

    figures = {
        name: float(metrics.dice(truth.classes, drawn, label, truth.ignore))
        for label, name in enumerate(labels, start=1)
    }
    return {"dice": metrics.summarise(figures.values()).mean, **figures}
