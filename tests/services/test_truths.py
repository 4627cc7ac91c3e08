"""What people accepted is what the engine learns: nothing more, nothing lost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from segmentation.engine.masks import encode, to_bytes
from segmentation.errors import InvalidInputError
from segmentation.services.truths import (
    at_moment,
    engine_task,
    label_order,
    moments_to_learn,
    truth_of,
)

GRID = (1, 4, 6)


@dataclass
class DrawnLabel:
    index: int
    name: str
    is_ignore: bool = False


ORDER = label_order(
    [DrawnLabel(3, "lesion"), DrawnLabel(1, "organ"), DrawnLabel(2, "unclear", is_ignore=True)]
)


def rows_of(*columns: int) -> bytes:
    mask = np.zeros(GRID[1:], bool)
    mask[:, list(columns)] = True
    return to_bytes(encode(mask))


def finding(label: int, **fields: Any) -> dict[str, Any]:
    return {"label": label, "state": "accepted", "score": None, "source": "person"} | fields


def test_labels_are_numbered_in_the_network_without_the_ignored_one() -> None:
    assert ORDER.names == ("organ", "lesion")
    assert dict(ORDER.number_of) == {1: 1, 3: 2}
    assert ORDER.ignored == {2}


def test_the_higher_score_lies_on_top_and_a_person_above_all() -> None:
    findings = {
        1: finding(1, source="network", score=0.9),
        2: finding(3, source="network", score=0.4),
        3: finding(3),
    }
    rows = {(1, 0): rows_of(0, 1, 2), (2, 0): rows_of(2, 3), (3, 0): rows_of(0)}
    truth = truth_of("instance2d", findings, rows, GRID, ORDER)
    assert truth.classes is not None
    assert truth.instances is not None
    assert truth.classes[0, 0].tolist() == [2, 1, 1, 2, 0, 0]
    assert len(np.unique(truth.instances)) == 4


def test_rejected_and_suppressed_findings_say_nothing() -> None:
    findings = {1: finding(1, state="rejected"), 2: finding(1, state="suppressed")}
    rows = {(1, 0): rows_of(0), (2, 0): rows_of(1)}
    truth = truth_of("semantic2d", findings, rows, GRID, ORDER)
    assert truth.classes is not None
    assert not truth.classes.any()


def test_what_is_not_marked_as_reviewed_is_ignored_once_anything_is() -> None:
    findings = {1: finding(1)}
    without_mark = truth_of("semantic2d", findings, {(1, 0): rows_of(0)}, GRID, ORDER)
    assert without_mark.ignore is None
    marked = {(1, 0): rows_of(0), (0, 0): rows_of(0, 1, 2)}
    truth = truth_of("semantic2d", findings, marked, GRID, ORDER)
    assert truth.ignore is not None
    assert truth.ignore[0, 0].tolist() == [False, False, False, True, True, True]


def test_an_ignore_label_is_ignored_and_never_learned() -> None:
    truth = truth_of("semantic2d", {1: finding(2)}, {(1, 0): rows_of(5)}, GRID, ORDER)
    assert truth.classes is not None
    assert truth.ignore is not None
    assert not truth.classes.any()
    assert truth.ignore[0, 0].tolist() == [False] * 5 + [True]


def test_boxes_and_image_labels_come_without_masks() -> None:
    boxes = truth_of("boxes2d", {1: finding(3, box=[1.0, 0.0, 4.0, 2.0])}, {}, GRID, ORDER)
    assert boxes.boxes == ((2, (1, 0, 4, 2)),)
    assert truth_of("labels2d", {1: finding(3)}, {}, GRID, ORDER).label == 2
    assert truth_of("labels2d", {}, {}, GRID, ORDER).label == 0


def test_a_proposed_image_label_of_the_network_is_not_yet_truth() -> None:
    proposed = finding(3, state="proposed", source="network", score=0.8)
    assert truth_of("labels2d", {1: proposed}, {}, GRID, ORDER).label == 0


def test_volumes_are_for_semantic_projects() -> None:
    assert engine_task("semantic", is_volume=True) == "semantic3d"
    assert engine_task("instances", is_volume=False) == "instance2d"
    with pytest.raises(InvalidInputError, match="volumes"):
        engine_task("instances", is_volume=True)


def test_a_moment_has_its_own_masks_and_boxes_and_the_labels_of_the_whole_image() -> None:
    """Three slices a moment: plane 4 is slice 1 of moment 1."""
    findings = {
        1: finding(1),
        2: finding(1, box=[0, 0, 2, 2], z=1),
        3: finding(1, box=[1, 1, 3, 3], z=5),
        4: finding(3),
    }
    rows = {(1, 1): rows_of(0), (1, 4): rows_of(1, 2)}
    shown, here = at_moment(findings, rows, 1, 3)
    assert here == {(1, 1): rows_of(1, 2)}
    assert sorted(shown) == [1, 3, 4]
    first, _ = at_moment(findings, rows, 0, 3)
    assert sorted(first) == [1, 2, 4]


def test_only_reviewed_moments_are_learned_from_once_any_is_marked() -> None:
    drawn = {(1, 0): rows_of(0)}
    assert moments_to_learn(drawn, 3, 2) == [0, 1, 2]
    assert moments_to_learn(drawn | {(0, 3): rows_of(0), (0, 0): b""}, 3, 2) == [1]
