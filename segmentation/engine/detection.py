"""How good scored boxes are: average precision as COCO defines it, and found per false alarm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.errors import InvalidArrayError
from segmentation.engine.geometry import box_iou

Boxes = NDArray[np.float64]
Scores = NDArray[np.float64]

COCO_THRESHOLDS = (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)
RECALLS = np.linspace(0, 1, 101)
MOST_BOXES = 100
"""COCO looks at the best hundred boxes of an image."""


FALSE_POSITIVE_RATES = (1 / 8, 1 / 4, 1 / 2, 1.0, 2.0, 4.0, 8.0)
NAN = float("nan")


@dataclass(frozen=True)
class Froc:
    """Sensitivity at numbers of false alarms an image; all NaN where no image has a true box."""

    rates: tuple[float, ...]
    sensitivities: tuple[float, ...]

    @property
    def mean(self) -> float:
        """The mean over the rates, by which detectors of nodules are ranked."""
        return float(np.mean(self.sensitivities))


@dataclass(frozen=True)
class BoxPrecision:
    """Average precision at each IoU threshold; all NaN where no image has a true box."""

    thresholds: tuple[float, ...]
    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        """The mean over the thresholds: COCO's AP if they are 0.50, 0.55 ... 0.95."""
        return float(np.mean(self.values))

    def at(self, threshold: float) -> float:
        """Return the value at one threshold."""
        return self.values[self.thresholds.index(threshold)]


def box_average_precision(
    truth: Sequence[Boxes],
    prediction: Sequence[tuple[Boxes, Scores]],
    thresholds: Sequence[float] = COCO_THRESHOLDS,
    most: int = MOST_BOXES,
) -> BoxPrecision:
    """Return the average precision of one label over several images.

    ``truth`` holds the boxes ``(n, 4)`` of each image, ``prediction`` its boxes and scores. In
    each image boxes are taken by decreasing score, ties in order of index; each one takes the true
    box, not taken yet, with which it has the largest IoU of at least the threshold. Precision,
    made to fall with recall, is averaged at the recalls 0, 0.01 ... 1 (Lin et al., Microsoft COCO,
    2014, and its ``cocoeval``).
    """
    total = sum(len(boxes) for boxes in truth)
    hits, _ = _hits(truth, prediction, thresholds, most)
    if total == 0:
        return BoxPrecision(tuple(thresholds), (NAN,) * len(thresholds))
    return BoxPrecision(tuple(thresholds), tuple(_area(row, total) for row in hits))


def froc(
    truth: Sequence[Boxes],
    prediction: Sequence[tuple[Boxes, Scores]],
    threshold: float = 0.1,
    rates: Sequence[float] = FALSE_POSITIVE_RATES,
) -> Froc:
    """Return how many true boxes of one label are found at given numbers of false alarms an image.

    A box is a hit as in ``box_average_precision``, at a low IoU by default since a small lesion
    that is pointed at is found. The sensitivity at a rate is the best of all score cut-offs that
    keep to it, without interpolation; predictions of one score are taken together. Rates and mean
    are those of the lung nodule challenge (Setio et al., Medical Image Analysis 42, 2017).
    """
    total = sum(len(boxes) for boxes in truth)
    if total == 0:
        return Froc(tuple(rates), (NAN,) * len(rates))
    hits, scores = _hits(truth, prediction, (threshold,), sum(len(s) for _, s in prediction))
    last = np.append(scores[1:] != scores[:-1], True)[: scores.size]
    alarms = np.cumsum(~hits[0])[last] / len(truth)
    found = np.cumsum(hits[0])[last] / total
    reached = (found[alarms <= rate].max(initial=0.0) for rate in rates)
    return Froc(tuple(rates), tuple(float(share) for share in reached))


def _hits(
    truth: Sequence[Boxes],
    prediction: Sequence[tuple[Boxes, Scores]],
    thresholds: Sequence[float],
    most: int,
) -> tuple[NDArray[np.bool_], Scores]:
    """Say per threshold which boxes of all images hit, ``(thresholds, n)``, best score first."""
    if len(truth) != len(prediction):
        raise InvalidArrayError("There must be one list of predicted boxes per image.")
    found = [np.zeros((len(thresholds), 0), np.bool_)]
    scores: list[Scores] = [np.zeros(0)]
    for true_boxes, (boxes, values) in zip(truth, prediction, strict=True):
        order = np.argsort(-np.asarray(values, dtype=np.float64), kind="stable")[:most]
        iou = box_iou(np.asarray(boxes, dtype=np.float64).reshape(-1, 4)[order], true_boxes)
        found.append(np.stack([_taken(iou, each) for each in thresholds]))
        scores.append(np.asarray(values, dtype=np.float64)[order])
    every = np.concatenate(scores)
    order = np.argsort(-every, kind="stable")
    return np.concatenate(found, axis=1)[:, order], every[order]


def _taken(iou: NDArray[np.float64], threshold: float) -> NDArray[np.bool_]:
    """Say for each box, in order, whether it takes a true box that is still free."""
    free = np.ones(iou.shape[1], dtype=np.bool_)
    taken = np.zeros(iou.shape[0], dtype=np.bool_)
    for k, row in enumerate(iou):
        if not free.any():
            break
        # Of equal ones COCO takes the last.
        best = free.size - 1 - int(np.argmax(np.where(free, row, -1.0)[::-1]))
        if row[best] >= min(threshold, 1 - 1e-10):
            free[best], taken[k] = False, True
    return taken


def _area(hits: NDArray[np.bool_], total: int) -> float:
    """Average the precision over the recalls for boxes in decreasing order of score."""
    true = np.cumsum(hits)
    precision = true / np.arange(1, hits.size + 1)
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    places = np.searchsorted(true / total, RECALLS, side="left")
    reached = places < hits.size
    return float(np.where(reached, np.append(precision, 0.0)[places], 0.0).mean())
