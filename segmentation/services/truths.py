"""From the findings and rows of a revision to what the engine learns from and is judged by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.cases import Truth
from segmentation.engine.geometry import moment_and_z
from segmentation.engine.masks import from_bytes, paint
from segmentation.engine.types import Box, Task
from segmentation.errors import InvalidInputError
from segmentation.models import EMPTY_STATES, REVIEWED

Rows = Mapping[tuple[int, int], bytes]
Fields = Mapping[str, Any]
Findings = Mapping[int, Fields]
Numbered = tuple[int, Fields]
"""A finding with its number."""


@dataclass(frozen=True)
class LabelOrder:
    """The labels a network learns, in its own order from 1; *ignore* labels stand apart."""

    names: tuple[str, ...]
    number_of: Mapping[int, int]
    ignored: frozenset[int]


def label_order(labels: Iterable[Any]) -> LabelOrder:
    """Number the project's labels for a network: those that are not *ignore*, by index."""
    ordered = sorted(labels, key=lambda label: int(label.index))
    learned = [label for label in ordered if not label.is_ignore]
    return LabelOrder(
        names=tuple(label.name for label in learned),
        number_of={label.index: place for place, label in enumerate(learned, start=1)},
        ignored=frozenset(label.index for label in ordered if label.is_ignore),
    )


def engine_task(project_task: str, is_volume: bool) -> Task:
    """The engine's task for a project's task and the dimension of its images."""
    if project_task == "semantic":
        return "semantic3d" if is_volume else "semantic2d"
    if is_volume:
        raise InvalidInputError(
            "Networks for instances, boxes and image labels are trained on single images; this "
            "set holds volumes. Choose a semantic project for volumes."
        )
    tasks: dict[str, Task] = {
        "instances": "instance2d",
        "boxes": "boxes2d",
        "labels": "labels2d",
    }
    return tasks[project_task]


def truth_of(
    task: Task,
    findings: Findings,
    rows: Rows,
    grid_zyx: tuple[int, int, int],
    order: LabelOrder,
) -> Truth:
    """What a revision says about one moment (see ``at_moment``), as the engine's ``Truth`` on the
    stored grid.

    Rejected and suppressed findings say nothing. Where findings overlap, the one with the higher
    score is on top, a person's own above all. *Ignore* labels and, if any region is marked as
    reviewed, everything outside of it become ``ignore``.
    """
    kept = lowest_first(counting(findings))
    ignore = _ignored(kept, rows, grid_zyx, order)
    if task == "labels2d":
        return Truth(label=_image_label(kept, order))
    if task == "boxes2d":
        return Truth(boxes=_boxes(kept, order), ignore=ignore)
    classes = np.zeros(grid_zyx, np.uint8)
    instances = np.zeros(grid_zyx, np.uint16) if task == "instance2d" else None
    for place, (finding, fields) in enumerate(kept, start=1):
        number = order.number_of.get(int(fields["label"]))
        if number is None:
            continue
        for z, runs in _rows_of(finding, rows):
            paint(classes[z], runs, number)
            if instances is not None:
                paint(instances[z], runs, place)
    return Truth(instances=instances, classes=classes, ignore=ignore)


def counting(findings: Findings) -> tuple[Numbered, ...]:
    """Findings that say something, in the order of their numbers."""
    return tuple(
        (number, fields)
        for number, fields in sorted(findings.items())
        if number != REVIEWED and fields.get("state") not in EMPTY_STATES
    )


def at_moment(
    findings: Findings, rows: Rows, t: int, size_z: int
) -> tuple[Findings, dict[tuple[int, int], bytes]]:
    """What a revision says about moment ``t``: masks by z, and the findings that may stand there.

    Mere boxes of other moments are left out; a finding without box and mask speaks of the whole
    image.
    """
    here = {}
    drawn = {finding for finding, _ in rows}
    for (finding, plane), runs in rows.items():
        moment, z = moment_and_z(plane, size_z)
        if moment == t:
            here[finding, z] = runs
    shown = {
        finding: fields
        for finding, fields in findings.items()
        if finding in drawn
        or not fields.get("box")
        or moment_and_z(int(fields.get("z") or 0), size_z)[0] == t
    }
    return shown, here


def moments_to_learn(rows: Rows, moments: int, size_z: int) -> list[int]:
    """The moments of which something is known: those with a reviewed region where any is marked,
    else all, as of a still image."""
    marked = {
        moment_and_z(plane, size_z)[0]
        for (finding, plane), runs in rows.items()
        if finding == REVIEWED and runs
    }
    return sorted(marked) or list(range(moments))


def lowest_first(findings: Iterable[Numbered]) -> list[Numbered]:
    """By score, a person's own last, ties by number: painting leaves the highest on top."""
    return sorted(findings, key=lambda pair: (_rank(pair[1]), pair[0]))


def _rank(fields: Fields) -> float:
    score = fields.get("score")
    return 2.0 if score is None or fields.get("source") != "network" else float(score)


def _rows_of(finding: int, rows: Rows) -> Iterable[tuple[int, Any]]:
    for (owner, z), encoded in rows.items():
        if owner == finding and encoded:
            yield z, from_bytes(bytes(encoded))


def _ignored(
    kept: Sequence[Numbered],
    rows: Rows,
    grid_zyx: tuple[int, int, int],
    order: LabelOrder,
) -> NDArray[np.bool_] | None:
    ignore = np.zeros(grid_zyx, np.bool_)
    reviewed = list(_rows_of(REVIEWED, rows))
    if reviewed:
        ignore[:] = True
        for z, runs in reviewed:
            paint(ignore[z], runs, False)
    for finding, fields in kept:
        if int(fields["label"]) in order.ignored:
            for z, runs in _rows_of(finding, rows):
                paint(ignore[z], runs, True)
    return ignore if ignore.any() else None


def _image_label(kept: Sequence[Numbered], order: LabelOrder) -> int:
    """The label of the whole image: the highest-ranked accepted one, 0 where none applies."""
    numbers = [
        order.number_of.get(int(fields["label"]), 0)
        for _, fields in kept
        if fields.get("state") == "accepted" or fields.get("source") != "network"
    ]
    return next((number for number in reversed(numbers) if number), 0)


def _boxes(kept: Sequence[Numbered], order: LabelOrder) -> tuple[tuple[int, Box], ...]:
    found: list[tuple[int, Box]] = []
    for _, fields in kept:
        number = order.number_of.get(int(fields["label"]))
        box = fields.get("box")
        if number is not None and box:
            x1, y1, x2, y2 = (round(value) for value in box)
            found.append((number, (x1, y1, x2, y2)))
    return tuple(found)
