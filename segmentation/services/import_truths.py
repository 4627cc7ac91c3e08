"""From what masks and annotations say to findings and rows of a first revision."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from segmentation.engine.masks import (
    bounding_box,
    encode_at,
    encode_labels,
    to_bytes,
    union,
)
from segmentation.engine.types import Box, RunLengths
from segmentation.interchange.types import ReadFinding, ReadTruth
from segmentation.models import Label, Project
from segmentation.services.changes import FindingRow, SliceRows

Slices = dict[int, RunLengths]


@dataclass
class FirstRevision:
    """Findings numbered from 1 with their rows; ``left_out`` tells what had no label."""

    height_width: tuple[int, int]
    depth: int
    findings: list[FindingRow] = field(default_factory=list)
    slices: list[SliceRows] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    def add(self, label: int, rows: Slices, box: Box | None = None, z: int | None = None) -> None:
        number = len(self.findings) + 1
        fields = {"label": label, "state": "accepted", "source": "import"}
        if box is not None:
            fields |= {"box": list(box), "z": z}
        self.findings.append(FindingRow(number, fields))
        self.slices.extend(
            SliceRows(number, at, to_bytes(runs)) for at, runs in sorted(rows.items())
        )


class _Labels:
    """The project's labels as masks name them: by word, or by a class's number."""

    def __init__(self, labels: Iterable[Label]) -> None:
        usable = sorted(labels, key=lambda label: label.index)
        self.ignore = next((label.index for label in usable if label.is_ignore), None)
        self.named = [label for label in usable if not label.is_ignore]

    def first(self) -> int | None:
        return self.named[0].index if self.named else None

    def by_word(self, word: str) -> int | None:
        for label in self.named:
            if label.name.casefold() == word.casefold():
                return label.index
        return self.first() if len(self.named) == 1 else None

    def by_class(self, value: int, name: str) -> int | None:
        """By the file's own name of the class, by ``class_name``, by number, or the only one."""
        if name and (found := self.by_word(name)) is not None:
            return found
        words = {label.name: label.index for label in self.named}
        if class_name(value) in words:
            return words[class_name(value)]
        if value in words.values() and not any(class_name(index) in words for index in range(256)):
            return value
        return self.first() if len(self.named) == 1 else None


def class_name(value: int) -> str:
    """What a class of a mask is called where its file has no word for it."""
    return f"class {value}"


def first_revision(
    truths: Sequence[ReadTruth],
    project: Project,
    labels: Iterable[Label],
    height_width: tuple[int, int],
    depth: int,
) -> FirstRevision:
    """What all masks of one image say, in the shape the project's task asks for.

    Their z is the number of a plane; ``depth`` slices make one moment of the image.

    Instances become one finding each; in a semantic project all of one label are one finding; in
    a project of boxes masks become their boxes. Values without a label are left out and told.
    """
    made, known = FirstRevision(height_width, depth), _Labels(labels)
    if project.task == Project.Task.SEMANTIC:
        _semantic(truths, known, made)
        return made
    for truth in truths:
        if truth.kind == "labels":
            _words(truth, known, made)
        elif truth.kind == "findings":
            for finding in truth.findings:
                _finding(finding, project, known, made)
        else:
            _objects(truth, project, known, made)
    return made


def _semantic(truths: Sequence[ReadTruth], known: _Labels, made: FirstRevision) -> None:
    whole: dict[int, Slices] = {}
    for truth in truths:
        for label, z, runs in _labelled_rows(truth, known, made):
            rows = whole.setdefault(label, {})
            rows[z] = union(rows[z], runs) if z in rows else runs
    for label, rows in sorted(whole.items()):
        made.add(label, rows)


def _labelled_rows(
    truth: ReadTruth, known: _Labels, made: FirstRevision
) -> Iterable[tuple[int, int, RunLengths]]:
    """Every mask of a truth as (label, z, runs)."""
    if truth.array is not None:
        missing: set[int] = set()
        label_of = _class_labels(truth, known)
        for z, plane in enumerate(truth.array):
            for value, runs in encode_labels(plane).items():
                label = label_of[value]
                if label is None:
                    missing.add(value)
                else:
                    yield label, z, runs
        _tell_missing(missing, truth, made)
    for finding in truth.findings:
        label = known.by_word(finding.label)
        if label is None:
            made.left_out.append(f"The project has no label {finding.label!r}.")
        elif finding.crop is not None:
            yield label, finding.z, _runs(finding, made.height_width)


def _class_labels(truth: ReadTruth, known: _Labels) -> dict[int, int | None]:
    """The label of every value of an array of classes.

    Classes that each lie in one piece look like numbered objects to a reader of one file; here
    they are classes if the project has a label for each of them.
    """
    values = [value for value in np.unique(np.asarray(truth.array)).tolist() if value]
    if truth.kind == "instances":
        classes = {value: known.by_class(value, "") for value in values}
        if None in classes.values():
            return dict.fromkeys(values, known.first())
        return classes
    return {value: _label_of(truth, value, known) for value in values}


def _label_of(truth: ReadTruth, value: int, known: _Labels) -> int | None:
    if truth.kind == "instances":
        return known.first()
    if value == truth.ignore_value:
        return known.ignore
    return known.by_class(value, truth.names.get(value, ""))


def _objects(truth: ReadTruth, project: Project, known: _Labels, made: FirstRevision) -> None:
    """Each object of an array as one finding; objects of a class are its connected pieces."""
    if truth.array is None:
        return
    objects, value_of = _numbered(truth, made.depth)
    rows: dict[int, Slices] = {}
    for z, plane in enumerate(objects):
        for number, runs in encode_labels(plane).items():
            rows.setdefault(number, {})[z] = runs
    missing = set()
    for number, slices in sorted(rows.items()):
        value = value_of.get(number, number)
        label = _label_of(truth, value, known)
        if label is None:
            missing.add(value)
        elif project.task == Project.Task.BOXES:
            for z, runs in slices.items():
                made.add(label, {}, bounding_box(runs, made.height_width[1]), z)
        else:
            made.add(label, slices)
    _tell_missing(missing, truth, made)


def _numbered(truth: ReadTruth, depth: int) -> tuple[NDArray[Any], dict[int, int]]:
    """An array that numbers objects, and the class of each where classes were given.

    Pieces touch at their faces, edges or corners, and end with their moment. *Ignore* stays one
    piece.
    """
    array = np.asarray(truth.array)
    if truth.kind == "instances":
        return array, {}
    numbers = np.zeros(array.shape, dtype=np.int32)
    value_of: dict[int, int] = {}
    for value in (one for one in np.unique(array).tolist() if one):
        here = array == value
        pieces, count = (here, 1) if value == truth.ignore_value else _pieces(here, depth)
        numbers[here] = pieces[here].astype(np.int32) + len(value_of)
        value_of.update({len(value_of) + place: value for place in range(1, count + 1)})
    return numbers, value_of


def _pieces(here: NDArray[np.bool_], depth: int) -> tuple[NDArray[Any], int]:
    touching = np.ones((3, 3, 3), dtype=np.uint8)
    pieces, count = np.zeros(here.shape, dtype=np.int32), 0
    for first in range(0, len(here), depth):
        moment = here[first : first + depth]
        found, more = ndimage.label(moment, touching)
        pieces[first : first + depth] = np.where(moment, found + count, 0)
        count += more
    return pieces, count


def _finding(finding: ReadFinding, project: Project, known: _Labels, made: FirstRevision) -> None:
    label = known.by_word(finding.label)
    if label is None:
        made.left_out.append(f"The project has no label {finding.label!r}.")
    elif finding.crop is None or project.task == Project.Task.BOXES:
        made.add(label, {}, finding.box, finding.z)
    else:
        made.add(label, {finding.z: _runs(finding, made.height_width)})


def _words(truth: ReadTruth, known: _Labels, made: FirstRevision) -> None:
    for word in truth.labels:
        label = known.by_word(word)
        if label is None:
            made.left_out.append(f"The project has no label {word!r}.")
        else:
            made.add(label, {})


def _tell_missing(missing: set[int], truth: ReadTruth, made: FirstRevision) -> None:
    for value in sorted(missing):
        words = "marks regions to ignore" if value == truth.ignore_value else "has no label here"
        made.left_out.append(f"Value {value} of the mask {words} and was left out.")


def _runs(finding: ReadFinding, height_width: tuple[int, int]) -> RunLengths:
    if finding.crop is None:
        raise ValueError("a finding without pixels has no rows")
    return encode_at(finding.crop, (finding.box[1], finding.box[0]), height_width)
