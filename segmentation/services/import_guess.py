"""What a project for a folder of data would be: its task and labels, from what its masks say."""

from __future__ import annotations

import colorsys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np

from segmentation.engine.suitability import suits
from segmentation.interchange.index_csv import NAME
from segmentation.interchange.intake import IntakeReader
from segmentation.interchange.types import ReadCase, ReadTruth
from segmentation.models import NetworkVersion, Project
from segmentation.services.import_truths import class_name
from segmentation.services.labels import LABELS_MAX, LabelSpec
from segmentation.services.network_choice import TASKS
from segmentation.services.pictures import picture_read

LOOKED_AT = 48
"""How many cases are looked at; a label that only shows up later is told as left out."""
IGNORE = "ignore"
OBJECT, REGION = "object", "region"
KEYS = "123456789"


@dataclass
class _Seen:
    """What the masks of some cases name."""

    kinds: set[str] = field(default_factory=set)
    words: list[str] = field(default_factory=list)
    classes: dict[int, str] = field(default_factory=dict)
    ignores: bool = False
    draws: bool = False
    first: ReadCase | None = None

    def add(self, truth: ReadTruth) -> None:
        self.kinds.add(truth.kind)
        self.ignores |= truth.ignore_value is not None
        for finding in truth.findings:
            self.draws |= finding.crop is not None
        for word in (*truth.labels, *(finding.label for finding in truth.findings)):
            if word not in self.words:
                self.words.append(word)
        if truth.kind == "classes" and truth.array is not None:
            for value in np.unique(truth.array).tolist():
                if value and value != truth.ignore_value:
                    self.classes.setdefault(value, truth.names.get(value) or class_name(value))


@dataclass(frozen=True)
class Guess:
    """A task and labels that a project can be made of."""

    task: str
    labels: tuple[LabelSpec, ...]


def project_guess(paths: Sequence[Path], task: str = "") -> Guess:
    """The task (unless it is given) and the labels for what lies under the paths.

    Instance masks make a project of instances, class masks a semantic one, boxes one of boxes,
    words one of image labels. Images alone make a project for the shipped network that suits the
    first of them, or else a semantic one with one label.
    """
    seen = _look(paths)
    if not seen.kinds and seen.first and (version := _network_for(seen.first, task)):
        return Guess(_task_of(version), _specs(version.card["labels"], ignores=False))
    task = task or _task(seen)
    return Guess(task, _specs(_names(seen, task), seen.ignores))


def _look(paths: Sequence[Path]) -> _Seen:
    seen = _Seen()
    looked_at = LOOKED_AT if any(_has_index(path) for path in paths) else 1
    with IntakeReader(paths) as reader:
        cases = (found for found in reader if isinstance(found, ReadCase))
        for case in islice(cases, looked_at):
            seen.first = seen.first or case
            for truth in case.truths:
                seen.add(truth)
    return seen


def _network_for(case: ReadCase, task: str) -> NetworkVersion | None:
    picture = picture_read(case.image)
    for version in NetworkVersion.objects.filter(
        network__project=None, state=NetworkVersion.State.CHAMPION
    ).select_related("network"):
        fits, _ = suits(version.card, picture, case.kind or case.image.kind)
        if fits and task in {"", _task_of(version)}:
            return version
    return None


def _task_of(version: NetworkVersion) -> str:
    """The project's task that this network serves."""
    return next(str(task) for task, served in TASKS.items() if version.card["task"] in served)


def _has_index(path: Path) -> bool:
    return (path / NAME).is_file() or path.suffix.lower() == ".zip" or path.name == NAME


def _task(seen: _Seen) -> str:
    if "instances" in seen.kinds or ("findings" in seen.kinds and seen.draws):
        return Project.Task.INSTANCES.value
    if "findings" in seen.kinds:
        return Project.Task.BOXES.value
    if "classes" not in seen.kinds and "labels" in seen.kinds:
        return Project.Task.LABELS.value
    return Project.Task.SEMANTIC.value


def _names(seen: _Seen, task: str) -> list[str]:
    classes = [name for _, name in sorted(seen.classes.items())]
    if task == Project.Task.SEMANTIC and len(classes) > 1:
        return classes
    if task == Project.Task.SEMANTIC:
        return seen.words if seen.words and seen.draws else [REGION]
    return seen.words or classes or [OBJECT]


def _specs(names: Iterable[str], ignores: bool) -> tuple[LabelSpec, ...]:
    kept = list(names)[: LABELS_MAX - 1]
    specs = [
        LabelSpec(name=name[:80], colour=_colour(place), key=KEYS[place : place + 1])
        for place, name in enumerate(kept)
    ]
    if ignores:
        specs.append(LabelSpec(name=IGNORE, colour="#808080", key="0", is_ignore=True))
    return tuple(specs)


def _colour(place: int) -> str:
    """Hues a golden angle apart, so that neighbours in the list differ most."""
    red, green, blue = colorsys.hsv_to_rgb((0.55 + place * 0.381966) % 1.0, 0.75, 0.95)
    return "#" + "".join(f"{round(255 * part):02x}" for part in (red, green, blue))
