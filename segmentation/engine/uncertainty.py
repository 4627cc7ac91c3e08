"""How unsure a network is: of a pixel, and of a whole image.

A pixel's uncertainty is the entropy of its probabilities, as a share of the greatest possible: 0 is
sure, 1 a coin's toss; maps hold it as bytes, 0 to 255. An image of pixel classes is as uncertain
as the root of the mean square over its doubtful pixels; an image of objects as much as its expected
panoptic quality falls short of 1.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.errors import InvalidArrayError

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]
PlaneKeeper = Callable[[int, Bytes], None]
"""Takes the map plane by plane: the z of a plane of the source grid, in order, and its bytes
``(y, x)``. It must not keep the array, but what it needs of it: so no map is ever held whole."""

DOUBTFUL_FROM = 0.1
"""Foreground probability from which a pixel counts for an image's uncertainty."""

SURE_FROM = 0.9999
"""Where the best class reaches this, the entropy is less than half a byte's step."""


def tempered(probabilities: Floats, temperature: float) -> Floats:
    """Return probabilities ``(classes, ...)`` as if the logits had been divided by ``temperature``.

    Guo et al., On calibration of modern neural networks, ICML 2017, section 4.2: above 1 a network
    becomes less sure of itself; which class is best does not change. float32.
    """
    if temperature == 1:
        return probabilities
    if not temperature > 0:
        raise InvalidArrayError(f"A temperature must be above 0, not {temperature:g}.")
    softer = np.maximum(probabilities, 1e-9) ** np.float32(1 / temperature)
    result: Floats = softer / softer.sum(axis=0)
    return result


def entropies(probabilities: Floats, temperature: float = 1.0) -> Floats:
    """Return the entropy of ``(classes, ...)`` in units of its maximum, 0 to 1, float32 ``(...)``.

    Probabilities sum to 1; there are at least two classes.
    """
    p = np.clip(tempered(probabilities, temperature), 1e-9, 1.0)
    result: Floats = -(p * np.log(p)).sum(axis=0) / np.float32(np.log(p.shape[0]))
    return np.clip(result, 0, 1)


def entropy_plane(probabilities: Floats, temperature: float = 1.0) -> Bytes:
    """Return the map of one plane ``(classes, y, x)``: 0 to 255, ``(y, x)``.

    Only where no class is as good as sure is anything computed. A temperature softens what is
    sure, too, so the bound moves with it.
    """
    plane = np.zeros(probabilities.shape[1:], np.uint8)
    bound = SURE_FROM if temperature <= 1 else 1 - (1 - SURE_FROM) ** temperature
    doubtful = probabilities.max(axis=0) < bound
    if doubtful.any():
        plane[doubtful] = to_bytes(entropies(probabilities[:, doubtful], temperature))
    return plane


def foreground_levels(temperature: float = 1.0) -> Bytes:
    """Return the uncertainty of each of the 256 levels of a foreground map, ``(256,)``."""
    p = (np.arange(256) / 255).astype(np.float32)
    return to_bytes(entropies(np.stack([1 - p, p]), temperature))


def to_bytes(shares: Floats) -> Bytes:
    """Return numbers from 0 to 1 as bytes, rounded."""
    rounded: Bytes = np.rint(shares * np.float32(255)).astype(np.uint8)
    return rounded


class DoubtfulMean:
    """The uncertainty of an image of pixel classes, gathered part by part.

    It is the root mean square of the entropy over all pixels whose foreground reaches
    ``DOUBTFUL_FROM``. Squares, because ten pixels that are half sure are a thin edge, and five that
    know nothing are a place to look at.
    """

    def __init__(self, temperature: float = 1.0) -> None:
        self._temperature = temperature
        self._sum = 0.0
        self._count = 0

    def add(self, probabilities: Floats) -> None:
        """Count probabilities ``(classes, ...)``; class 0 is the background."""
        looked_at = probabilities[0] <= 1 - DOUBTFUL_FROM
        found = entropies(probabilities[:, looked_at], self._temperature)
        self._sum += float(np.square(found, dtype=np.float64).sum())
        self._count += int(looked_at.sum())

    def add_counts(self, foreground: NDArray[np.float64], counts: NDArray[np.int64]) -> None:
        """Count pixels of a foreground map by their probability, ``(levels,)`` both."""
        p = foreground.astype(np.float32)
        found = entropies(np.stack([1 - p, p]), self._temperature).astype(np.float64)
        counted = np.where(foreground >= DOUBTFUL_FROM, counts, 0)
        self._sum += float((found**2 * counted).sum())
        self._count += int(counted.sum())

    @property
    def value(self) -> float:
        """0 to 1; 0 where nothing could be foreground."""
        return float(np.sqrt(self._sum / self._count)) if self._count else 0.0


def expected_quality(
    scores: NDArray[np.floating],
    foreground: NDArray[np.floating],
    areas: NDArray[np.floating],
    unclaimed: float,
) -> float:
    """Return the panoptic quality that an image's shown objects may hope for, 0 to 1.

    Panoptic quality (Kirillov et al., CVPR 2019, equation 1) is the sum of IoU over the matched,
    over the mean number of predicted and true objects. An object's IoU is expected to be its score
    (whether it is there) times the mean foreground probability within it; true objects are
    expected to be as many as the scores' sum, and those that foreground outside of all objects
    would make.

    ``scores``, ``foreground`` (summed over the mask) and ``areas`` are ``(n,)``, ``unclaimed`` the
    foreground outside, in pixels. NaN without an object.
    """
    if not scores.size:
        return float("nan")
    sizes = np.maximum(areas, 1.0)
    hoped_for = float((scores * foreground / sizes).sum())
    truths = float(scores.sum()) + max(unclaimed, 0.0) / float(sizes.mean())
    return min(2 * hoped_for / (scores.size + truths), 1.0)
