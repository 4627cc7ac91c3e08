"""Instance matching on drawn fields and against trying every matching."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from segmentation.engine import matching
from segmentation.engine.errors import InvalidArrayError
from segmentation.engine.matching import Counts


def field(*boxes: tuple[int, int, int, int]) -> np.ndarray:
    labels = np.zeros((20, 40), dtype=np.uint16)
    for k, (x1, y1, x2, y2) in enumerate(boxes, start=1):
        labels[y1:y2, x1:x2] = k
    return labels


def slow_iou(truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    t, p = np.unique(truth[truth > 0]), np.unique(prediction[prediction > 0])
    return np.array(
        [
            [
                ((truth == a) & (prediction == b)).sum() / ((truth == a) | (prediction == b)).sum()
                for b in p
            ]
            for a in t
        ]
    ).reshape(t.size, p.size)


def best_by_trying_all(iou: np.ndarray, threshold: float) -> tuple[int, float]:
    """Return the most pairs and, with so many, the largest sum of IoU."""
    n, m = iou.shape
    best = (0, 0.0)
    wide = np.pad(iou, ((0, max(0, m - n)), (0, max(0, n - m))))
    for columns in itertools.permutations(range(wide.shape[1])):
        chosen = [wide[r, c] for r, c in enumerate(columns) if wide[r, c] > threshold]
        best = max(best, (len(chosen), sum(chosen)))
    return best


def test_found_missed_and_invented_are_counted() -> None:
    # Truth 1 is met by prediction 1 (8 of 10 columns shared: 0.8 of 1.0 -> IoU 80/100), truth 2 is
    # missed, prediction 2 is invented.
    truth = field((0, 0, 10, 10), (20, 0, 30, 10))
    prediction = field((0, 0, 8, 10), (0, 12, 6, 18))
    counts = matching.average_precision(truth, prediction, (0.5, 0.75, 0.8, 0.9))
    assert [c.true_positive for c in counts] == [1, 1, 0, 0], "IoU must be more than 0.8"
    assert counts[0] == Counts(1, 1, 1, 0.8)
    assert counts[0].average_precision == pytest.approx(1 / 3)
    assert counts[0].f1 == pytest.approx(1 / 2)
    assert counts[0].precision == counts[0].recall == 0.5
    assert counts[0].panoptic_quality == pytest.approx(0.8 / 2)


def test_pooled_counts_are_not_the_mean_of_the_images() -> None:
    # One image with 1 of 1 found, one with 1 of 3: pooled 2 of 4.
    pooled = matching.pool([Counts(1, 0, 0, 1.0), Counts(1, 0, 2, 0.7)])
    assert pooled == Counts(2, 0, 2, 1.7)
    assert pooled.average_precision == 0.5


def test_below_one_half_a_greedy_choice_would_lose_a_pair() -> None:
    # Truth 1 (columns 0-10) meets prediction 1 (4-14) by 6/14 and prediction 2 (0-4) by 4/10;
    # truth 2 (10-18) meets prediction 1 by 4/14 only. Best: 1-2 and 2-1, two pairs, not 1-1 alone.
    truth = field((0, 0, 10, 1), (10, 0, 18, 1))
    prediction = field((4, 0, 14, 1), (0, 0, 4, 1))
    matched = matching.match(truth, prediction, 0.25)
    assert [(t, p) for t, p, _ in matched.pairs] == [(1, 2), (2, 1)]
    assert [iou for _, _, iou in matched.pairs] == pytest.approx([4 / 10, 4 / 14])


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("threshold", [0.0, 0.1, 0.3, 0.5, 0.7])
def test_matching_equals_the_best_of_all(seed: int, threshold: float) -> None:
    rng = np.random.default_rng(seed)

    def scatter() -> np.ndarray:
        corners = rng.integers(0, 12, (rng.integers(0, 6), 2))
        return field(*[(x, y, x + rng.integers(2, 9), y + rng.integers(2, 9)) for x, y in corners])

    truth, prediction = scatter(), scatter()
    iou = slow_iou(truth, prediction)
    matched = matching.match(truth, prediction, threshold)
    pairs, total = best_by_trying_all(iou, threshold)
    assert matched.counts.true_positive == pairs
    assert matched.counts.shared == pytest.approx(total)
    assert matched.counts.false_negative == iou.shape[0] - pairs
    assert matched.counts.false_positive == iou.shape[1] - pairs
    left = {t for t, _, _ in matched.pairs} | set(matched.missed)
    assert left == set(np.unique(truth[truth > 0]).tolist())


def test_ignored_pixels_belong_to_no_instance() -> None:
    truth = field((0, 0, 10, 10), (20, 0, 30, 10))
    prediction = field((0, 0, 10, 20))
    ignore = np.zeros(truth.shape, dtype=bool)
    ignore[10:], ignore[:, 20:] = True, True
    assert matching.match(truth, prediction, 0.9, ignore).counts == Counts(1, 0, 0, 1.0)


def test_two_empty_images_have_no_figure() -> None:
    empty = field()
    (counts,) = matching.average_precision(empty, empty)
    assert counts == Counts()
    assert math.isnan(counts.average_precision)
    assert math.isnan(counts.panoptic_quality)
    full = field((0, 0, 5, 5))
    assert matching.match(full, empty).missed == (1,)
    assert matching.match(empty, full).invented == (1,)
    assert matching.match(np.ones((2, 2), int), np.ones((2, 2), int)).pairs == ((1, 1, 1.0),)


def test_images_of_two_sizes_are_refused() -> None:
    with pytest.raises(InvalidArrayError, match="differ in size"):
        matching.match(np.zeros((2, 3), int), np.zeros((3, 2), int))
