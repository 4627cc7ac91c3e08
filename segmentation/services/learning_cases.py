"""From the manifest of a training set to cases the engine can load, one at a time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from segmentation.engine.cases import Split, TrainingCase, Truth
from segmentation.engine.types import Picture, Task
from segmentation.errors import InvalidInputError, StorageDamagedError
from segmentation.models import Image, Label, MaskRevision, TrainingSet
from segmentation.selectors.revisions import State, state_at
from segmentation.services.pictures import picture_open
from segmentation.services.truths import (
    LabelOrder,
    at_moment,
    engine_task,
    label_order,
    moments_to_learn,
    truth_of,
)

Entry = Mapping[str, Any]


def entries_of(training_set: TrainingSet, split: str, kind: str = "") -> list[Entry]:
    """The entries of one part, of one kind of image where a kind is given."""
    return [entry for entry in training_set.manifest[split] if not kind or entry["kind"] == kind]


def order_of(training_set: TrainingSet) -> LabelOrder:
    """The labels in the order in which a network of this set's project learns them."""
    labels = Label.objects.filter(project=training_set.project, retired_at=None)
    return label_order(labels)


def task_of(training_set: TrainingSet, entries: Iterable[Entry]) -> Task:
    """The engine's task for these entries; refuses a mixture of single images and volumes."""
    dimensions = {bool(entry["is_volume"]) for entry in entries}
    if len(dimensions) > 1:
        raise InvalidInputError(
            "This training set holds single images and volumes. Choose one kind of image to train."
        )
    return engine_task(training_set.project.task, dimensions.pop() if dimensions else False)


@dataclass(frozen=True)
class KnownCase:
    """One entry's image with its accepted truth, moment by moment; ``moments`` are those of which
    something is known."""

    image: Image
    state: State
    moments: tuple[int, ...]
    task: Task
    order: LabelOrder

    def picture(self, t: int) -> Picture:
        return picture_open(self.image, t)

    def truth(self, t: int) -> Truth:
        grid = (self.image.size_z, self.image.size_y, self.image.size_x)
        findings, rows = at_moment(self.state.findings, self.state.slices, t, self.image.size_z)
        return truth_of(self.task, findings, rows, grid, self.order)


def case_load(entry: Entry, task: Task, order: LabelOrder) -> KnownCase:
    """The pixels and the accepted truth of one entry, exactly the revision that was frozen."""
    image = Image.objects.get(pk=entry["image"])
    revision = MaskRevision.objects.get(pk=entry["revision"])
    if revision.digest != entry["digest"] or image.pixel_digest != entry["image_digest"]:
        raise StorageDamagedError(
            f"Case {entry['number']} is not what was frozen in this training set. Run verify, "
            "then freeze a new training set."
        )
    state = state_at(revision)
    moments = moments_to_learn(state.slices, image.size_t, image.size_z)
    return KnownCase(image, state, tuple(moments), task, order)


def training_cases(training_set: TrainingSet, kind: str = "") -> tuple[list[TrainingCase], Task]:
    """Train and validation parts as the engine takes them; never a hold-out case.

    Every moment of which something is known is a case of its own, in one group with the others of
    its image and together drawn as often as one still image.
    """
    parts: tuple[Split, Split] = ("train", "validation")
    listed = [(split, entry) for split in parts for entry in entries_of(training_set, split, kind)]
    task = task_of(training_set, [entry for _, entry in listed])
    order = order_of(training_set)
    cases = [
        case for split, entry in listed for case in _training_cases_of(entry, split, task, order)
    ]
    if not any(case.split == "train" for case in cases):
        raise InvalidInputError("This training set holds no case of that kind to train on.")
    return cases, task


def _training_cases_of(
    entry: Entry, split: Split, task: Task, order: LabelOrder
) -> list[TrainingCase]:
    name = f"{entry['case']}:{entry['digest']}"
    if not entry.get("is_moving"):
        return [_training_case(entry, split, task, order, name, 0, 1.0)]
    moments = case_load(entry, task, order).moments
    return [
        _training_case(entry, split, task, order, f"{name}:{t}", t, 1 / len(moments))
        for t in moments
    ]


def _training_case(
    entry: Entry, split: Split, task: Task, order: LabelOrder, name: str, t: int, weight: float
) -> TrainingCase:
    def load() -> tuple[Picture, Truth]:
        known = case_load(entry, task, order)
        return known.picture(t), known.truth(t)

    return TrainingCase(
        id=name,
        load=load,
        group=entry["group"] or entry["patient_key"] or entry["case"],
        split=split,
        weight=weight,
        kind=entry["kind"],
    )
