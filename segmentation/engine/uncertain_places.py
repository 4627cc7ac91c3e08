"""Where to look first in a map of uncertainty: its largest connected regions, in order.

The map comes plane by plane and is never held whole: regions of one plane are joined with those of
the plane before that they touch, and only sums and each region's best place are kept.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from segmentation.engine.uncertainty import Bytes

FROM_LEVEL = 191
"""Three quarters of the greatest entropy: a foreground of about 0.21 to 0.79. Lower levels join all
edges of an image to one region."""

MOST_PLACES = 100
LEAST_PIXELS = 4
"""A smaller region is a speck at an edge."""

_TOUCHING = np.ones((3, 3), np.bool_)


@dataclass(frozen=True)
class Place:
    """One uncertain region: where it is widest, its pixels, and their uncertainty in all.

    ``plane`` numbers planes through all moments (``engine.geometry``); ``weight`` sums the shares
    0 to 1, so that it counts pixels that know nothing.
    """

    plane: int
    y: int
    x: int
    pixels: int
    weight: float


class PlaceFinder:
    """Takes a map's planes in order and tells its places, the weightiest first.

    ``depth`` is the number of planes of one moment: regions do not reach over moments. Pixels touch
    by a corner within a plane, and straight up and down between planes.
    """

    def __init__(self, depth: int = 1) -> None:
        self._depth = depth
        self._parents: list[int] = []
        self._regions: list[Place] = []
        self._widths: list[float] = []
        self._above: tuple[int, NDArray[np.int64]] | None = None

    def add(self, plane: int, levels: Bytes) -> None:
        """Take the plane of this number, ``(y, x)``."""
        drawn = levels >= FROM_LEVEL
        labels, count = ndimage.label(drawn, structure=_TOUCHING)
        first = len(self._parents)
        if count:
            self._measure(plane, levels, drawn, labels, count)
        numbers = np.where(drawn, labels.astype(np.int64) + first - 1, -1)
        if self._above is not None and self._joins(self._above[0], plane):
            before = self._above[1]
            both = (before >= 0) & (numbers >= 0)
            for a, b in np.unique(np.stack([before[both], numbers[both]], axis=1), axis=0):
                self._join(int(a), int(b))
        self._above = (plane, numbers) if count else None

    def places(self) -> tuple[Place, ...]:
        """The places so far, by decreasing weight, ties in the order of the planes."""
        roots = [n for n in range(len(self._parents)) if self._parents[n] == n]
        found = [self._regions[n] for n in roots if self._regions[n].pixels >= LEAST_PIXELS]
        found.sort(key=lambda place: (-place.weight, place.plane, place.y, place.x))
        return tuple(found[:MOST_PLACES])

    def _joins(self, before: int, plane: int) -> bool:
        return plane == before + 1 and plane // self._depth == before // self._depth

    def _measure(
        self, plane: int, levels: Bytes, drawn: NDArray[np.bool_], labels: NDArray[np.integer],
        count: int,
    ) -> None:  # fmt: skip
        numbers = labels[drawn] - 1
        pixels = np.bincount(numbers, minlength=count)
        weights = np.bincount(numbers, weights=levels[drawn], minlength=count) / 255
        framed = np.pad(drawn, 1).astype(np.uint8)
        width = cv2.distanceTransform(framed, cv2.DIST_L2, 3)[1:-1, 1:-1]
        widest = ndimage.maximum_position(width, labels, np.arange(1, count + 1))
        for n, (y, x) in enumerate(widest):
            self._parents.append(len(self._parents))
            self._regions.append(
                Place(plane, int(y), int(x), int(pixels[n]), float(weights[n]))
            )  # fmt: skip
            self._widths.append(float(width[y, x]))

    def _join(self, one: int, other: int) -> None:
        a, b = self._root(one), self._root(other)
        if a == b:
            return
        a, b = min(a, b), max(a, b)
        self._parents[b] = a
        mine, theirs = self._regions[a], self._regions[b]
        shown = theirs if self._widths[b] > self._widths[a] else mine
        self._widths[a] = max(self._widths[a], self._widths[b])
        self._regions[a] = Place(
            shown.plane, shown.y, shown.x,
            mine.pixels + theirs.pixels, mine.weight + theirs.weight,
        )  # fmt: skip

    def _root(self, number: int) -> int:
        while self._parents[number] != number:
            self._parents[number] = self._parents[self._parents[number]]
            number = self._parents[number]
        return number
