"""Figures of drawn segmentations that can be counted by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from segmentation.engine import masks
from segmentation.engine.cases import Truth
from segmentation.engine.errors import InvalidTrainingSetError
from segmentation.engine.render import label_map
from segmentation.engine.scoring import score_case, summarise
from segmentation.engine.types import Candidate, Segmentation


def segmentation(task, candidates, labels=("one",), shape=(1, 16, 16)) -> Segmentation:
    return Segmentation(task, labels, tuple(candidates), (), shape, 0.5, 0.4, 0.0, "cpu", 0.0)


def square(x1, y1, x2, y2, score=0.9, label=1, **more) -> Candidate:
    mask = np.zeros((16, 16), bool)
    mask[y1:y2, x1:x2] = True
    return Candidate(label, score, (x1, y1, x2, y2), {0: masks.encode(mask)}, **more)


def test_the_better_score_is_drawn_on_top_and_the_rest_is_not_drawn() -> None:
    found = segmentation(
        "instance2d",
        [
            square(0, 0, 8, 8, 0.9),
            square(4, 4, 12, 12, 0.8),
            square(0, 10, 2, 12, 0.8, suppressed_by=0, overlap=0.9),
            square(12, 0, 16, 4, 0.3),
        ],
    )
    drawn = label_map(found)[0]
    assert drawn[5, 5] == 1
    assert drawn[10, 10] == 2
    assert drawn[11, 0] == 0
    assert drawn[0, 15] == 0


def test_instances_are_counted_and_pooled_over_images() -> None:
    truth = np.zeros((1, 16, 16), np.uint16)
    truth[0, 0:8, 0:8] = 1
    truth[0, 10:14, 10:14] = 2
    right = segmentation("instance2d", [square(0, 0, 8, 8), square(10, 10, 14, 14)])
    half = segmentation("instance2d", [square(0, 0, 8, 5), square(0, 12, 3, 15)])
    scores = [score_case(found, Truth(instances=truth)) for found in (right, half)]
    assert scores[0].figures["ap50"] == 1.0
    # IoU 5/8: found at 0.5 and 0.6; one invented, one missed.
    assert scores[1].figures["ap50"] == pytest.approx(1 / 3)
    assert scores[1].figures["ap70"] == 0.0
    assert summarise("instance2d", scores)["ap50"] == pytest.approx(3 / 5)


def test_dice_leaves_out_ignored_pixels_and_labels_that_are_nowhere() -> None:
    classes = np.zeros((1, 16, 16), np.uint8)
    classes[0, :4] = 1
    ignore = np.zeros((1, 16, 16), bool)
    ignore[0, 2:4] = True
    found = segmentation("semantic2d", [square(0, 0, 16, 2)], ("lung", "heart"))
    score = score_case(found, Truth(classes=classes, ignore=ignore))
    assert score.figures["dice lung"] == 1.0
    assert score.figures["dice heart"] is None
    assert score.figures["dice"] == 1.0
    worse = score_case(found, Truth(classes=classes))
    assert worse.figures["dice lung"] == pytest.approx(2 / 3)  # 2 * 32 / (64 + 32)
    assert summarise("semantic2d", [score, worse])["dice"] == pytest.approx(5 / 6)


def test_boxes_are_scored_by_label() -> None:
    truth = Truth(boxes=((1, (0, 0, 8, 8)), (2, (8, 8, 16, 16))))
    found = segmentation("boxes2d", [square(0, 0, 8, 8), square(8, 8, 16, 16)], ("a", "b"))
    figures = score_case(found, truth).figures
    assert figures["ap50 a"] == 1.0
    assert figures["ap50 b"] == 0.0  # its box was found, but under the wrong label
    assert figures["ap50"] == 0.5


def test_average_precision_ranks_weak_boxes_too_without_their_doubles() -> None:
    """At a cut-off of 0.5 one box is shown; both objects were found, the second with a double."""
    truth = Truth(boxes=((1, (0, 0, 8, 8)), (1, (8, 8, 16, 16))))
    candidates = [
        Candidate(1, 0.9, (0, 0, 8, 8)),
        Candidate(1, 0.4, (8, 8, 16, 15)),
        Candidate(1, 0.3, (8, 8, 16, 16)),
    ]
    found = segmentation("boxes2d", candidates)
    doubled = replace(found, overlaps=((1, 2, 7 / 8),))
    assert score_case(doubled, truth).figures["ap50 one"] == 1.0
    pooled = score_case(doubled, truth).boxes[0]
    assert pooled[2].tolist() == [0.9, 0.4]


def test_image_labels_are_ranked_over_images() -> None:
    def found(score: float) -> Segmentation:
        return segmentation("labels2d", [Candidate(1, score)])

    scores = [
        score_case(found(0.9), Truth(label=1)),
        score_case(found(0.6), Truth(label=0)),
        score_case(found(0.7), Truth(label=1)),
    ]
    figures = summarise("labels2d", scores)
    assert figures["auroc"] == 1.0
    assert figures["accuracy"] == pytest.approx(2 / 3)


@pytest.mark.parametrize("task", ["instance2d", "semantic2d", "boxes2d", "labels2d"])
def test_a_case_without_the_truth_of_the_task_is_refused(task) -> None:
    with pytest.raises(InvalidTrainingSetError):
        score_case(segmentation(task, []), Truth())


def test_nothing_true_and_nothing_found_counts_nowhere() -> None:
    empty = Truth(instances=np.zeros((1, 16, 16), np.uint16))
    score = score_case(segmentation("instance2d", []), empty)
    assert score.figures["ap50"] is None
    assert summarise("instance2d", [score])["ap50"] is None
