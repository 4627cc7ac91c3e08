"""How good a segmentation is: overlap, and whether a difference is more than chance.

What has no value is NaN (two empty masks, one single class), never 1: it is left out of a mean, and
``summarise`` says how often that happened. Instances are compared in ``matching``, surfaces in
``surfaces``, boxes in ``detection``, probabilities in ``calibration``, orders in ``ranking``; their
functions can be had from here too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from segmentation.engine.calibration import brier, calibration_error
from segmentation.engine.detection import BoxPrecision, Froc, box_average_precision, froc
from segmentation.engine.errors import InvalidArrayError
from segmentation.engine.matching import Counts, Matching, average_precision, match, pool
from segmentation.engine.ranking import auroc
from segmentation.engine.surfaces import assd, hd95, nsd, surface_distances

__all__ = [
    "BoxPrecision",
    "Counts",
    "Froc",
    "Interval",
    "Matching",
    "Summary",
    "assd",
    "auroc",
    "average_precision",
    "box_average_precision",
    "brier",
    "calibration_error",
    "dice",
    "froc",
    "hd95",
    "iou",
    "match",
    "nsd",
    "paired_bootstrap",
    "pool",
    "summarise",
    "surface_distances",
]

NAN = float("nan")
RESAMPLES = 2000
CHUNK = 2**22
"""Numbers drawn at a time in the bootstrap, so that memory stays small."""


@dataclass(frozen=True)
class Summary:
    """A mean over the cases that have a value, how many they are, and how many have none."""

    mean: float
    counted: int
    excluded: int


@dataclass(frozen=True)
class Interval:
    """A mean and the interval around it; NaN where there is no case."""

    mean: float
    low: float
    high: float


def summarise(values: Iterable[float]) -> Summary:
    """Average the values that are numbers; NaN without any."""
    every = np.asarray(list(values), dtype=np.float64)
    there = every[~np.isnan(every)]
    mean = float(there.mean()) if there.size else NAN
    return Summary(mean, int(there.size), int(every.size - there.size))


def dice(
    truth: NDArray[np.generic],
    prediction: NDArray[np.generic],
    label: int = 1,
    ignore: NDArray[np.bool_] | None = None,
) -> float:
    """Return 2 |A and B| / (|A| + |B|) of one label, 0 to 1; NaN where neither image has it.

    Arrays have one shape; pixels where ``ignore`` is true count nowhere.
    """
    both, either = _shared(truth, prediction, label, ignore)
    return 2 * both / (both + either) if either else NAN


def iou(
    truth: NDArray[np.generic],
    prediction: NDArray[np.generic],
    label: int = 1,
    ignore: NDArray[np.bool_] | None = None,
) -> float:
    """Return |A and B| / |A or B| of one label, 0 to 1; NaN where neither image has it."""
    both, either = _shared(truth, prediction, label, ignore)
    return both / either if either else NAN


def _shared(
    truth: NDArray[np.generic],
    prediction: NDArray[np.generic],
    label: int,
    ignore: NDArray[np.bool_] | None,
) -> tuple[int, int]:
    if truth.shape != prediction.shape or (ignore is not None and ignore.shape != truth.shape):
        raise InvalidArrayError(
            f"Truth {truth.shape} and prediction {prediction.shape} differ in size."
        )
    a, b = truth == label, prediction == label
    if ignore is not None:
        a, b = a & ~ignore, b & ~ignore
    return int(np.count_nonzero(a & b)), int(np.count_nonzero(a | b))


def paired_bootstrap(
    differences: ArrayLike,
    groups: Sequence[object] | NDArray[np.generic],
    seed: int,
    resamples: int = RESAMPLES,
    confidence: float = 0.95,
) -> Interval:
    """Return the mean of paired differences and its percentile interval over groups.

    Whole groups (patients) are drawn with replacement, since cases of one patient are alike
    (Davison and Hinkley, Bootstrap Methods, 1997, section 3.8). NaN differences are left out. The
    same seed gives the same interval.
    """
    values = np.asarray(differences, dtype=np.float64).reshape(-1)
    names: dict[object, int] = {}
    team = np.array([names.setdefault(group, len(names)) for group in groups], dtype=np.int64)
    if team.size != values.size:
        raise InvalidArrayError("Every difference needs a group.")
    there = ~np.isnan(values)
    values, team = values[there], np.unique(team[there], return_inverse=True)[1]
    if values.size == 0:
        return Interval(NAN, NAN, NAN)
    sums, sizes = np.bincount(team, weights=values), np.bincount(team)
    rng = np.random.default_rng(seed)
    means = np.empty(resamples)
    step = max(1, CHUNK // sums.size)
    for start in range(0, resamples, step):
        part = means[start : start + step]
        drawn = rng.integers(sums.size, size=(part.size, sums.size))
        part[:] = sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)
    low, high = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(float(values.mean()), float(low), float(high))
