"""Instances of two label images matched one to one, and the counts that follow from it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from segmentation.engine.errors import InvalidArrayError

Labels = NDArray[np.integer]
UNIQUE_ABOVE = 0.5
"""Two disjoint instances cannot both share more than half of their union with a third one."""


@dataclass(frozen=True)
class Counts:
    """Found, invented and missed instances; counts of several images are pooled with ``+``.

    ``shared`` is the sum of the IoU of the matched pairs.
    """

    true_positive: int = 0
    false_positive: int = 0
    false_negative: int = 0
    shared: float = 0.0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.true_positive + other.true_positive,
            self.false_positive + other.false_positive,
            self.false_negative + other.false_negative,
            self.shared + other.shared,
        )

    @property
    def average_precision(self) -> float:
        """TP / (TP + FP + FN), as in the Data Science Bowl 2018; NaN where there is nothing."""
        return _ratio(
            self.true_positive, self.true_positive + self.false_positive + self.false_negative
        )

    @property
    def precision(self) -> float:
        """Share of the predicted instances that are true; NaN without a prediction."""
        return _ratio(self.true_positive, self.true_positive + self.false_positive)

    @property
    def recall(self) -> float:
        """Share of the true instances that were found; NaN without a true one."""
        return _ratio(self.true_positive, self.true_positive + self.false_negative)

    @property
    def f1(self) -> float:
        """2 TP / (2 TP + FP + FN); NaN where there is nothing."""
        twice = 2 * self.true_positive
        return _ratio(twice, twice + self.false_positive + self.false_negative)

    @property
    def panoptic_quality(self) -> float:
        """Sum of IoU over TP + FP / 2 + FN / 2 (Kirillov et al., Panoptic Segmentation, 2019)."""
        errors = self.false_positive + self.false_negative
        return _ratio(self.shared, self.true_positive + errors / 2)


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")


@dataclass(frozen=True)
class Overlaps:
    """Every pair of a true and a predicted instance that share a pixel, with their IoU.

    ``truth`` and ``prediction`` list the labels of each image in increasing order; ``i`` and ``j``
    are indices into them.
    """

    truth: NDArray[np.int64]
    prediction: NDArray[np.int64]
    i: NDArray[np.int64]
    j: NDArray[np.int64]
    iou: NDArray[np.float64]


@dataclass(frozen=True)
class Matching:
    """Matched pairs of labels ``(truth, prediction, iou)`` by truth, and the labels left over."""

    pairs: tuple[tuple[int, int, float], ...]
    missed: tuple[int, ...]
    invented: tuple[int, ...]

    @property
    def counts(self) -> Counts:
        """How many of each."""
        shared = float(sum(iou for _, _, iou in self.pairs))
        return Counts(len(self.pairs), len(self.invented), len(self.missed), shared)


def overlaps_of(truth: Labels, prediction: Labels, ignore: NDArray[np.bool_] | None) -> Overlaps:
    """Count the pixels that instances of two label images share; label 0 is background.

    All arrays have one shape. Pixels where ``ignore`` is true belong to no instance.
    """
    if truth.shape != prediction.shape or (ignore is not None and ignore.shape != truth.shape):
        raise InvalidArrayError(
            f"Truth {truth.shape} and prediction {prediction.shape} differ in size."
        )
    seen = slice(None) if ignore is None else ~ignore.reshape(-1)
    true_labels, a = np.unique(truth.reshape(-1)[seen], return_inverse=True)
    predicted_labels, b = np.unique(prediction.reshape(-1)[seen], return_inverse=True)
    pair, shared = np.unique(a * np.int64(predicted_labels.size) + b, return_counts=True)
    i, j = np.divmod(pair, max(1, predicted_labels.size))
    area_a = np.bincount(a, minlength=true_labels.size)
    area_b = np.bincount(b, minlength=predicted_labels.size)
    real = (true_labels[i] > 0) & (predicted_labels[j] > 0)
    i, j, shared = i[real], j[real], shared[real]
    iou = shared / (area_a[i] + area_b[j] - shared)
    skip_a, skip_b = int(np.sum(true_labels <= 0)), int(np.sum(predicted_labels <= 0))
    return Overlaps(
        true_labels[skip_a:].astype(np.int64),
        predicted_labels[skip_b:].astype(np.int64),
        i - skip_a,
        j - skip_b,
        iou,
    )


def match(
    truth: Labels,
    prediction: Labels,
    threshold: float = 0.5,
    ignore: NDArray[np.bool_] | None = None,
) -> Matching:
    """Match true with predicted instances one to one where their IoU is more than ``threshold``.

    From 0.5 on there is only one way to do so. Below it, as many pairs as possible are matched
    and, of such matchings, the one with the largest sum of IoU (Kuhn 1955, by SciPy).
    """
    return _matched(overlaps_of(truth, prediction, ignore), threshold)


def _matched(overlaps: Overlaps, threshold: float) -> Matching:
    good = overlaps.iou > threshold
    i, j, iou = overlaps.i[good], overlaps.j[good], overlaps.iou[good]
    if threshold < UNIQUE_ABOVE and i.size:
        rows, columns = np.unique(i), np.unique(j)
        gain = np.zeros((rows.size, columns.size))
        # One more pair is worth more than any sum of IoU that it could cost.
        gain[np.searchsorted(rows, i), np.searchsorted(columns, j)] = iou + min(gain.shape)
        row, column = optimize.linear_sum_assignment(gain, maximize=True)
        chosen = gain[row, column] > 0
        iou = gain[row, column][chosen] - min(gain.shape)
        i, j = rows[row[chosen]], columns[column[chosen]]
    order = np.argsort(i)
    matched = zip(
        overlaps.truth[i[order]].tolist(),
        overlaps.prediction[j[order]].tolist(),
        iou[order].tolist(),
        strict=True,
    )
    missed = np.delete(overlaps.truth, i).tolist()
    invented = np.delete(overlaps.prediction, j).tolist()
    return Matching(tuple(matched), tuple(missed), tuple(invented))


def average_precision(
    truth: Labels,
    prediction: Labels,
    thresholds: Sequence[float] = (0.5,),
    ignore: NDArray[np.bool_] | None = None,
) -> tuple[Counts, ...]:
    """Count found, invented and missed instances at each IoU threshold, in the order given.

    Each count's ``average_precision`` is the figure for one image; add the counts of several
    images (``pool``) for the figure over all of them.
    """
    overlaps = overlaps_of(truth, prediction, ignore)
    return tuple(_matched(overlaps, threshold).counts for threshold in thresholds)


def pool(counts: Iterable[Counts]) -> Counts:
    """Add up the counts of several images."""
    return sum(counts, Counts())
