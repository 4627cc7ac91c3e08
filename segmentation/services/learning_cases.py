"""From the manifest of a training set to cases the engine can load, one at a time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from segmentation.engine.cases import Split, TrainingCase, Truth
from segmentation.engine.types import Picture, Task
from segmentation.errors import InvalidInputError, StorageDamagedError
from segmentation.models import Image, Label, MaskRevision, TrainingSet
from segmentation.selectors.revisions import state_at
from segmentation.services.pictures import picture_open
from segmentation.services.truths import LabelOrder, engine_task, label_order, truth_of

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


def case_load(entry: Entry, task: Task, order: LabelOrder) -> tuple[Picture, Truth]:
    """The pixels and the accepted truth of one entry, exactly the revision that was frozen."""
    image = Image.objects.get(pk=entry["image"])
    revision = MaskRevision.objects.get(pk=entry["revision"])
    if revision.digest != entry["digest"] or image.pixel_digest != entry["image_digest"]:
        raise StorageDamagedError(
            f"Case {entry['number']} is not what was frozen in this training set. Run verify, "
            "then freeze a new training set."
        )
    state = state_at(revision)
    grid = (image.size_z, image.size_y, image.size_x)
    return picture_open(image), truth_of(task, state.findings, state.slices, grid, order)


def training_cases(training_set: TrainingSet, kind: str = "") -> tuple[list[TrainingCase], Task]:
    """Train and validation parts as the engine takes them; never a hold-out case."""
    parts: tuple[Split, Split] = ("train", "validation")
    listed = [(split, entry) for split in parts for entry in entries_of(training_set, split, kind)]
    task = task_of(training_set, [entry for _, entry in listed])
    order = order_of(training_set)
    cases = [_training_case(entry, split, task, order) for split, entry in listed]
    if not any(case.split == "train" for case in cases):
        raise InvalidInputError("This training set holds no case of that kind to train on.")
    return cases, task


def _training_case(entry: Entry, split: Split, task: Task, order: LabelOrder) -> TrainingCase:
    def load() -> tuple[Picture, Truth]:
        return case_load(entry, task, order)

    return TrainingCase(
        id=f"{entry['case']}:{entry['digest']}",
        load=load,
        group=entry["group"] or entry["patient_key"] or entry["case"],
        split=split,
        kind=entry["kind"],
    )
