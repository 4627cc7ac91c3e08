"""A folder with an ``index.csv`` as cases to train on or to score."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import get_args

from segmentation.engine.cases import Split, TrainingCase, Truth
from segmentation.engine.errors import InvalidTrainingSetError
from segmentation.engine.types import Picture, Task
from segmentation.interchange.index_csv import CLASS_COLUMN, NAME
from segmentation.interchange.intake import IntakeReader
from segmentation.interchange.types import ReadCase, ReadTruth, Refusal
from segmentation.management.console import UsageError
from segmentation.management.reading import (
    LabelBook,
    group_of,
    identifier_of,
    labels_in,
    moments_of,
    truth_of,
)
from segmentation.management.spool import Spool
from segmentation.services.pictures import picture_read

Say = Callable[[str], None]
TASK_WORDS: Mapping[str, Task] = {
    **{task: task for task in get_args(Task)},
    "instances": "instance2d",
    "boxes": "boxes2d",
    "labels": "labels2d",
}
VALIDATION_TENTH = 10
LEAST_GROUPS = 5
"""With fewer groups none is taken away for validation."""


@dataclass(frozen=True)
class KnownCase:
    """One image with its truth, and where the index puts it; a moment counts as a ``share``."""

    id: str
    group: str
    kind: str
    split: str
    picture: Picture
    truth: Truth
    share: float = 1.0


def read_folder(folder: Path, say: Say, column: str = CLASS_COLUMN) -> Iterator[ReadCase]:
    """Every image under a folder, one at a time; what is refused is said and left out.

    ``column`` of the index names the class of each image. Asking for one that an index lacks is
    misuse.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder. Give a folder with images and an index.csv.")
    with IntakeReader([folder], class_column=column) as reader:
        for found in reader:
            if isinstance(found, Refusal):
                if column != CLASS_COLUMN and found.name.endswith(NAME):
                    raise UsageError(f"{found.name}: {found.sentence}")
                if found.code != "not_an_image":
                    say(f"{found.name}: {found.sentence}")
            else:
                yield found


def task_of(word: str, folder: Path, say: Say) -> Task:
    """The engine's task for its own word or a project's; "semantic" follows the first image."""
    if word != "semantic":
        return TASK_WORDS[word]
    first = next(read_folder(folder, say), None)
    if first is None:
        raise InvalidTrainingSetError("The folder holds no image.")
    return "semantic3d" if first.image.pixels.shape[2] > 1 else "semantic2d"


def known_cases(
    folder: Path, task: Task, book: LabelBook, split: str, say: Say, column: str = CLASS_COLUMN
) -> Iterator[KnownCase]:
    """The cases of one split (all where ``split`` is empty), with the truth of the task.

    Every moment of a cine is a case of its own, in one group with the others.
    """
    for case in read_folder(folder, say, column):
        if split and case.split != split:
            continue
        try:
            yield from _moments(case, task, book)
        except InvalidTrainingSetError as error:
            say(f"{identifier_of(case)}: {error}")


def _moments(case: ReadCase, task: Task, book: LabelBook) -> Iterator[KnownCase]:
    moments, name = moments_of(case), identifier_of(case)
    for t in moments:
        yield KnownCase(
            id=name if len(case.image.pixels) == 1 else f"{name}, moment {t + 1}",
            group=group_of(case),
            kind=case.kind,
            split=case.split,
            picture=picture_read(case.image, t),
            truth=truth_of(case, task, book, t),
            share=1 / len(moments),
        )


def labels_of(
    folder: Path, task: Task, ignored: frozenset[int], say: Say, column: str = CLASS_COLUMN
) -> list[str]:
    """The labels that the folder's own files name."""
    truths: list[tuple[ReadTruth, ...]] = [
        case.truths for case in read_folder(folder, say, column) if case.split in ("", "train")
    ]
    return labels_in(truths, task, ignored)


def training_cases(
    folder: Path,
    task: Task,
    book: LabelBook,
    seed: int,
    spool: Spool,
    say: Say,
    column: str = CLASS_COLUMN,
) -> list[TrainingCase]:
    """The train split as training cases, about a tenth of its groups set aside for validation.

    A split "validation" or "val" in the index is used as it stands. Kinds of image are drawn by
    the root of their number, so that a rare kind is not lost among a common one; all moments of a
    cine are drawn as often as one still image.
    """
    cases = []
    for known in known_cases(folder, task, book, "", say, column):
        if known.split in ("", "train", "validation", "val"):
            own: Split = "validation" if known.split in ("validation", "val") else "train"
            load = spool.put(known.picture, known.truth)
            cases.append(TrainingCase(known.id, load, known.group, own, known.share, known.kind))
    if not any(case.split == "validation" for case in cases):
        cases = set_aside(cases, seed)
    counts: dict[str, float] = {}
    for case in cases:
        counts[case.kind] = counts.get(case.kind, 0.0) + case.weight
    return [replace(case, weight=case.weight * counts[case.kind] ** -0.5) for case in cases]


def set_aside(cases: Sequence[TrainingCase], seed: int) -> list[TrainingCase]:
    """Set groups aside kind by kind, drawn by a hash of their name, whatever their order.

    Each that still fits into a tenth of its kind's images is taken, so that neither a rare kind
    nor one large group is lost to training; where none fits, the smallest.
    """
    groups: dict[str, list[TrainingCase]] = {}
    for case in cases:
        groups.setdefault(case.group, []).append(case)
    if len(groups) < LEAST_GROUPS:
        return list(cases)
    drawn = sorted(groups, key=lambda group: _draw(seed, group))
    chosen: set[str] = set()
    for kind in {case.kind for case in cases}:
        own = [group for group in drawn if groups[group][0].kind == kind]
        room = -(-sum(len(groups[group]) for group in own) // VALIDATION_TENTH)
        fitting = []
        for group in own:
            if len(groups[group]) <= room:
                fitting.append(group)
                room -= len(groups[group])
        if not fitting and len(own) > 1:
            fitting = [min(own, key=lambda group: len(groups[group]))]
        chosen.update(fitting)
    return [
        replace(case, split="validation" if case.group in chosen else "train") for case in cases
    ]


def _draw(seed: int, group: str) -> int:
    return int(hashlib.sha256(f"{seed}:{group}".encode()).hexdigest(), 16)
