from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from segmentation.engine import masks
from segmentation.interchange.types import ReadFinding, ReadTruth
from segmentation.models import Label, Project
from segmentation.services.import_truths import FirstRevision, first_revision
from tests.builders import a_project

pytestmark = pytest.mark.django_db

SIZE = (6, 8)


def an_array(*planes: list[str]) -> Any:
    """Slices drawn with digits, ``.`` is background."""
    return np.array(
        [[[int(word.replace(".", "0")) for word in row] for row in plane] for plane in planes],
        dtype=np.uint16,
    )


def read(project: Project, *truths: ReadTruth, depth: int = 0) -> FirstRevision:
    """By default everything is one moment."""
    labels = Label.objects.filter(project=project)
    depth = depth or max(1 if truth.array is None else len(truth.array) for truth in truths)
    return first_revision(truths, project, labels, SIZE, depth)


def areas(made: FirstRevision) -> list[tuple[int, int, int]]:
    """(label, slices, pixels) of each finding."""
    found = []
    for finding in made.findings:
        rows = [row for row in made.slices if row.finding == finding.finding]
        pixels = sum(masks.area(masks.from_bytes(row.runs)) for row in rows)
        assert finding.fields is not None
        found.append((finding.fields["label"], len(rows), pixels))
    return found


TWO_OBJECTS = an_array(["11......", "11......", "........", "....222.", "........", "........"])
PIECES = an_array(["11....1.", "11......", "........", "....222.", "........", "22......"])


def test_numbered_objects_are_one_finding_each() -> None:
    made = read(a_project(), ReadTruth("instances", TWO_OBJECTS))
    assert areas(made) == [(1, 1, 4), (1, 1, 3)]
    assert [finding.finding for finding in made.findings] == [1, 2]


def test_pieces_of_a_class_are_the_objects_of_an_instance_project() -> None:
    made = read(a_project(labels=("a", "b")), ReadTruth("classes", PIECES))
    assert areas(made) == [(1, 1, 4), (1, 1, 1), (2, 1, 3), (2, 1, 2)]


def test_a_piece_may_run_through_slices() -> None:
    empty = ["........"] * 5
    array = an_array(["1.......", *empty], [".1......", *empty], ["......1.", *empty])
    made = read(a_project(), ReadTruth("classes", array))
    assert areas(made) == [(1, 2, 2), (1, 1, 1)]


def test_a_semantic_project_has_one_finding_a_label() -> None:
    project = a_project(task="semantic", labels=("a", "b"))
    made = read(project, ReadTruth("classes", PIECES))
    assert areas(made) == [(1, 1, 5), (2, 1, 5)]


def test_classes_in_one_piece_each_are_still_classes_where_labels_say_so() -> None:
    project = a_project(task="semantic", labels=("a", "b"))
    assert areas(read(project, ReadTruth("instances", TWO_OBJECTS))) == [(1, 1, 4), (2, 1, 3)]
    single = a_project(task="semantic", labels=("a",))
    assert areas(read(single, ReadTruth("instances", TWO_OBJECTS))) == [(1, 1, 7)]


def test_two_masks_of_one_image_join_label_by_label() -> None:
    project = a_project(task="semantic", labels=("a",))
    row = ["........"] * 5
    first, second = an_array(["11......", *row]), an_array([".11.....", *row])
    made = read(project, ReadTruth("classes", first), ReadTruth("classes", second))
    assert areas(made) == [(1, 1, 3)]


def test_regions_to_ignore_go_to_the_label_that_says_so_or_are_told() -> None:
    project = a_project(task="semantic", labels=("a", "unsure"))
    truth = ReadTruth("classes", PIECES, {}, ignore_value=2)
    told = read(project, truth)
    assert areas(told) == [(1, 1, 5)]
    assert told.left_out == ["Value 2 of the mask marks regions to ignore and was left out."]
    Label.objects.filter(project=project, index=2).update(is_ignore=True)
    assert areas(read(project, truth)) == [(1, 1, 5), (2, 1, 5)]


def test_names_of_classes_beat_their_numbers() -> None:
    project = a_project(task="semantic", labels=("liver", "spleen"))
    made = read(project, ReadTruth("classes", PIECES, {1: "Spleen", 2: "Liver"}))
    assert areas(made) == [(1, 1, 5), (2, 1, 5)]
    assert masks.from_bytes(made.slices[0].runs).tolist()[0] == 8 * 3 + 4  # liver is value 2


def test_a_boxes_project_takes_the_boxes_of_masks_and_of_findings() -> None:
    project = a_project(task="boxes", labels=("cell",))
    made = read(
        project,
        ReadTruth("instances", TWO_OBJECTS),
        ReadTruth("findings", findings=(ReadFinding("cell", (1, 2, 4, 5)),)),
    )
    boxes = [finding.fields["box"] for finding in made.findings if finding.fields]
    assert boxes == [[0, 0, 2, 2], [4, 3, 7, 4], [1, 2, 4, 5]]
    assert made.slices == []


def test_drawn_findings_may_overlap() -> None:
    crop = np.ones((2, 3), dtype=bool)
    findings = tuple(ReadFinding("nucleus", (x, 1, x + 3, 3), crop=crop) for x in (0, 1))
    made = read(a_project(), ReadTruth("findings", findings=findings))
    assert areas(made) == [(1, 1, 6), (1, 1, 6)]


def test_words_become_image_labels_and_unknown_ones_are_told() -> None:
    project = a_project(task="labels", labels=("benign", "malignant"))
    made = read(project, ReadTruth("labels", labels=("Malignant", "sarcoma")))
    assert areas(made) == [(2, 0, 0)]
    assert made.left_out == ["The project has no label 'sarcoma'."]


def test_pieces_of_a_class_end_with_their_moment() -> None:
    """One place at two frames of a cine is two objects; as two slices of a volume it is one."""
    project = a_project()
    twice = np.concatenate([an_array(["11......", *["........"] * 5])] * 2)
    truth = ReadTruth("classes", twice)
    cine, volume = read(project, truth, depth=1), read(project, truth, depth=2)
    assert areas(cine) == [(1, 1, 2), (1, 1, 2)]
    assert [row.z for row in cine.slices] == [0, 1]
    assert areas(volume) == [(1, 2, 4)]


def test_an_object_of_one_number_is_one_finding_through_all_moments() -> None:
    twice = np.concatenate([TWO_OBJECTS] * 2)
    made = read(a_project(), ReadTruth("instances", twice))
    assert areas(made) == [(1, 2, 8), (1, 2, 6)]
