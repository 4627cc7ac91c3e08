"""From cases read out of files to truths of the engine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.cases import Truth
from segmentation.engine.errors import InvalidTrainingSetError
from segmentation.engine.geometry import moment_and_z, plane_number
from segmentation.engine.types import PROMPT_TASKS, Box, Task
from segmentation.interchange.types import ReadCase, ReadTruth


def identifier_of(case: ReadCase) -> str:
    """How the case is called in a report: its id in the index, else its file's name."""
    return case.identifier or case.image.name


def group_of(case: ReadCase) -> str:
    """What must not be torn apart: the group or patient the index names, else the case itself."""
    return case.patient or case.group or case.image.patient_key or identifier_of(case)


@dataclass(frozen=True)
class LabelBook:
    """Which number a label of the files has for the network: by name, else by value.

    ``ignored`` are class values that mean "nobody knows".
    """

    labels: tuple[str, ...]
    ignored: frozenset[int] = frozenset()

    def by_name(self, name: str) -> int:
        """The number of a label's name, letters' case aside; raises where it is not known."""
        known = [label.casefold() for label in self.labels]
        if name.casefold() not in known:
            raise InvalidTrainingSetError(
                f"The label {name!r} is not one of: {', '.join(self.labels)}."
            )
        return known.index(name.casefold()) + 1

    def of_value(self, value: int, names: Mapping[int, str]) -> int:
        """The number of a class value: by its name where the files and the book share names."""
        named = {label.casefold() for label in names.values()}
        if named & {label.casefold() for label in self.labels}:
            return self.by_name(names[value]) if value in names else 0
        return value


def labels_in(
    cases: Iterable[tuple[ReadTruth, ...]], task: Task, ignored: frozenset[int]
) -> list[str]:
    """The labels that the files themselves name, in the order of their values or of the alphabet.

    Where files have values without names, labels are called after their values.
    """
    named: dict[int, str] = {}
    words: set[str] = set()
    highest = 0
    for truths in cases:
        for truth in truths:
            whole = task == "labels2d"
            words |= set(truth.labels) if whole else {f.label for f in truth.findings}
            named |= {v: n for v, n in truth.names.items() if v != truth.ignore_value}
            if truth.array is not None and _counts(task, truth):
                seen = np.unique(truth.array)
                there = [int(v) for v in seen if v not in ignored and v != truth.ignore_value]
                highest = max(highest, *there, 0)
    if task in ("semantic2d", "semantic3d") or highest:
        return [named.get(value, f"label {value}") for value in range(1, highest + 1)]
    if task in ("instance2d", *PROMPT_TASKS) and not words:
        return ["object"]
    return sorted(words)


def moments_of(case: ReadCase) -> list[int]:
    """The moments of a case that its files speak of: where only single objects or boxes are listed,
    those that hold one."""
    moments, depth = case.image.pixels.shape[0], case.image.pixels.shape[2]
    listed = [truth for truth in case.truths if truth.kind == "findings"]
    if moments == 1 or not listed or any(truth.array is not None for truth in case.truths):
        return list(range(moments))
    return sorted({moment_and_z(f.z, depth)[0] for truth in listed for f in truth.findings})


def _at_moment(truth: ReadTruth, t: int, depth: int) -> ReadTruth:
    first = plane_number(t, 0, depth)
    findings = [f for f in truth.findings if first <= f.z < first + depth]
    array = truth.array
    return replace(
        truth,
        array=None if array is None else array[first : first + depth],
        findings=tuple(replace(f, z=f.z - first) for f in findings),
    )


def _counts(task: Task, truth: ReadTruth) -> bool:
    """Whether a mask's values are labels: always for pixel classes, by the file for prompts."""
    return task in ("semantic2d", "semantic3d") or (
        task in PROMPT_TASKS and truth.kind == "classes"
    )


def truth_of(case: ReadCase, task: Task, book: LabelBook, t: int = 0) -> Truth:
    """What the files say about moment ``t`` of a case, for a task; raises where they say nothing
    about the case."""
    depth = case.image.pixels.shape[2]
    truths = [_at_moment(truth, t, depth) for truth in case.truths]
    grid = case.image.pixels.shape[2:]
    if task == "labels2d":
        words = [word for truth in truths for word in truth.labels]
        if not words:
            raise InvalidTrainingSetError("Its index names no class, so there is nothing to learn.")
        return Truth(label=book.by_name(words[0]))
    drawn = [truth for truth in truths if truth.array is not None or truth.kind == "findings"]
    if not drawn:
        raise InvalidTrainingSetError("It has no mask, so there is nothing to learn or compare.")
    if task == "boxes2d":
        return Truth(boxes=_boxes(drawn, book))
    if task == "instance2d" or (task in PROMPT_TASKS and drawn[0].kind != "classes"):
        return _instances(drawn[0], grid, book)
    return _classes(drawn[0], grid, book)


def _boxes(truths: Sequence[ReadTruth], book: LabelBook) -> tuple[tuple[int, Box], ...]:
    found: list[tuple[int, Box]] = []
    for truth in truths:
        found += [(book.by_name(f.label), f.box) for f in truth.findings]
        if truth.array is not None:
            found += [(1, box) for box in _boxes_around(truth.array)]
    return tuple(found)


def _boxes_around(objects: NDArray[np.uint16]) -> list[Box]:
    boxes = []
    for value in np.unique(objects)[1:] if objects.any() else []:
        _, rows, columns = np.nonzero(objects == value)
        box = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        boxes.append((int(box[0]), int(box[1]), int(box[2]), int(box[3])))
    return boxes


def _instances(truth: ReadTruth, grid: tuple[int, ...], book: LabelBook) -> Truth:
    if truth.array is not None:
        return Truth(instances=truth.array)
    instances, classes = np.zeros(grid, np.uint16), np.zeros(grid, np.uint8)
    for number, finding in enumerate(truth.findings, start=1):
        if finding.crop is None:
            raise InvalidTrainingSetError("It has boxes only; objects are learnt from masks.")
        x1, y1, x2, y2 = finding.box
        instances[finding.z, y1:y2, x1:x2][finding.crop] = number
        classes[finding.z, y1:y2, x1:x2][finding.crop] = book.by_name(finding.label)
    return Truth(instances=instances, classes=classes if len(book.labels) > 1 else None)


def _classes(truth: ReadTruth, grid: tuple[int, ...], book: LabelBook) -> Truth:
    classes = np.zeros(grid, np.uint8)
    ignore = np.zeros(grid, np.bool_)
    if truth.array is None:
        for finding in truth.findings:
            if finding.crop is not None:
                x1, y1, x2, y2 = finding.box
                number = book.by_name(finding.label)
                classes[finding.z, y1:y2, x1:x2][finding.crop] = number
        return Truth(classes=classes)
    unknown = book.ignored | ({truth.ignore_value} if truth.ignore_value is not None else set())
    for value in np.unique(truth.array):
        there = truth.array == value
        if int(value) in unknown:
            ignore |= there
        elif value:
            number = book.of_value(int(value), truth.names)
            if number > len(book.labels):
                raise InvalidTrainingSetError(
                    f"Its mask holds the value {int(value)}, but there are only "
                    f"{len(book.labels)} labels. Name it, or ignore it."
                )
            classes[there] = number
    return Truth(classes=classes, ignore=ignore if ignore.any() else None)
