"""Whether probabilities mean what they say: of all that is called 0.8, four in five should be true.

Probabilities and truths are flat lists of one length; what has no value (an empty list) is NaN.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from segmentation.engine.errors import InvalidArrayError

BINS = 15


@dataclass(frozen=True)
class Reliability:
    """A reliability curve: per bin of predicted probability, from 0 to 1.

    ``edges`` are the borders of the bins; ``predicted`` is the mean probability in a bin and
    ``observed`` the share that was true (NaN in an empty bin), ``counts`` how many fell into it.
    """

    edges: NDArray[np.float64]
    predicted: NDArray[np.float64]
    observed: NDArray[np.float64]
    counts: NDArray[np.int64]

    @property
    def expected_error(self) -> float:
        """The expected calibration error: |observed - predicted|, weighed by the bins' counts."""
        filled = self.counts > 0
        if not filled.any():
            return float("nan")
        gaps = np.abs(self.observed[filled] - self.predicted[filled])
        return float(np.average(gaps, weights=self.counts[filled]))


def reliability(probabilities: ArrayLike, truth: ArrayLike, bins: int = BINS) -> Reliability:
    """Sort predictions into equally wide bins, a border belonging to the bin below it.

    Guo et al., On calibration of modern neural networks, ICML 2017, section 2.
    """
    p, y = _checked(probabilities, truth)
    edges = np.linspace(0, 1, bins + 1)
    place = np.clip(np.searchsorted(edges, p, side="left") - 1, 0, bins - 1)
    counts = np.bincount(place, minlength=bins)
    with np.errstate(invalid="ignore"):
        predicted = np.bincount(place, weights=p, minlength=bins) / counts
        observed = np.bincount(place, weights=y, minlength=bins) / counts
    return Reliability(edges, predicted, observed, counts)


def calibration_error(probabilities: ArrayLike, truth: ArrayLike, bins: int = BINS) -> float:
    """Return the expected calibration error, 0 to 1; NaN without a prediction."""
    return reliability(probabilities, truth, bins).expected_error


def brier(probabilities: ArrayLike, truth: ArrayLike) -> float:
    """Return the mean squared distance of probability and outcome (Brier 1950), 0 to 1."""
    p, y = _checked(probabilities, truth)
    return float(np.mean((p - y) ** 2)) if p.size else float("nan")


def _checked(
    probabilities: ArrayLike, truth: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    p = np.asarray(probabilities, dtype=np.float64).reshape(-1)
    y = np.asarray(truth, dtype=np.bool_).reshape(-1)
    if p.size != y.size or not np.all((p >= 0) & (p <= 1)):
        raise InvalidArrayError("Every prediction needs a probability from 0 to 1 and a truth.")
    return p, y.astype(np.float64)
