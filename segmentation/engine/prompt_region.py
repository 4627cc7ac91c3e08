"""The part of an image that a prompt is about, on a grid small enough to answer at once.

A region is a window of the source grid and the number of cells it is seen with: at most 256 a side
in a plane and 64 in a volume. Cells are at least a pixel large and, where the image states its
spacing, as nearly cubes in millimetres as that allows.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from segmentation.engine import masks, resampling
from segmentation.engine.types import Box, RunLengths

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]
Shape = tuple[int, int, int]

SIDE_FLAT: Final = 256
SIDE_SOLID: Final = 64
ROOM: Final = 1.6
"""How much longer than the object a region is at least: its surroundings tell it apart."""


@dataclass(frozen=True)
class Region:
    """``window`` is half-open ``(start, stop)`` along z, y, x of the source; ``grid`` its cells.

    ``source`` is the source's shape, ``unit`` the length of a pixel along each axis relative to
    the shortest one, ``reach`` the region's wanted side in units, before the image cut it.
    """

    window: tuple[tuple[int, int], tuple[int, int], tuple[int, int]]
    grid: Shape
    source: Shape
    unit: tuple[float, float, float]
    reach: float
    flat: bool

    @property
    def cell_zyx(self) -> tuple[float, float, float]:
        """The size of a cell relative to its shortest side."""
        sizes = [
            unit * (stop - start) / cells
            for unit, (start, stop), cells in zip(self.unit, self.window, self.grid, strict=True)
        ]
        least = min(sizes[1:] if self.flat else sizes)
        return sizes[0] / least, sizes[1] / least, sizes[2] / least

    @property
    def cut(self) -> tuple[tuple[bool, bool], ...]:
        """For each axis, whether the image goes on before and after the window."""
        whole = [(start > 0, stop < n) for (start, stop), n in zip(self.window, self.source,
                                                                  strict=True)]  # fmt: skip
        if self.flat:
            whole[0] = (False, False)
        return tuple(whole)

    def cells(self, points: Sequence[Sequence[int]]) -> NDArray[np.int64]:
        """The cells ``(n, 3)`` that pixels of the source lie in; may lie outside the grid."""
        starts = np.array([start for start, _ in self.window])
        spans = np.array([stop - start for start, stop in self.window])
        places = np.asarray(points, dtype=np.float64).reshape(-1, 3) + 0.5 - starts
        return np.asarray(np.floor(places * np.array(self.grid) / spans), np.int64)


def first_region(
    source: Shape,
    spacing_mm: tuple[float, float, float] | None,
    corners: NDArray[np.int64],
    extent: float,
    *,
    flat: bool,
) -> Region:
    """The smallest region around ``corners`` (n, 3) that has room for an object.

    ``extent`` is the usual length of such objects in pixels. In a plane all corners share one z.
    """
    low, high = corners.min(axis=0), corners.max(axis=0) + 1
    span = ((high - low) * np.asarray(_unit(spacing_mm, flat)))[1 if flat else 0 :].max()
    z, y, x = (int(value) for value in (low + high) // 2)
    reach = max(usual_reach(extent, flat=flat), ROOM * float(span))
    return _around((z, y, x), source, _unit(spacing_mm, flat), reach, flat)


def region_around(
    middle: Shape,
    source: Shape,
    spacing_mm: tuple[float, float, float] | None,
    extent: float,
    *,
    flat: bool,
    zoom: float = 1.0,
    margin: float = 1.0,
) -> Region:
    """The region for an object of that length at ``middle``, seen ``zoom`` times from afar.

    With a ``margin`` over 1 it is that much wider at the same scale: more than is ever answered,
    for training crops that are turned.
    """
    reach = zoom * usual_reach(extent, flat=flat)
    return _around(middle, source, _unit(spacing_mm, flat), reach, flat, margin)


def usual_reach(extent: float, *, flat: bool) -> float:
    """How long a region's sides are for objects of that length; 0 where it is not known."""
    most = float(SIDE_FLAT if flat else SIDE_SOLID)
    return max(most / 2, ROOM * extent) if extent > 0 else most


def _unit(spacing_mm: tuple[float, float, float] | None, flat: bool) -> tuple[float, float, float]:
    sides = np.asarray(spacing_mm if spacing_mm is not None else (1.0, 1.0, 1.0))
    z, y, x = sides / sides[1 if flat else 0 :].min()
    return float(z), float(y), float(x)


def zoomed_out(region: Region) -> Region | None:
    """The same place at half the scale; None where all of the image is seen already."""
    if not any(before or after for before, after in region.cut):
        return None
    middle = [(start + stop) // 2 for start, stop in region.window]
    return _around(
        (middle[0], middle[1], middle[2]), region.source, region.unit, 2 * region.reach, region.flat
    )


def _around(
    middle: Shape,
    source: Shape,
    unit: tuple[float, float, float],
    reach: float,
    flat: bool,
    margin: float = 1.0,
) -> Region:
    most = SIDE_FLAT if flat else SIDE_SOLID
    cells = math.ceil(margin * most)
    there = max(n * u for n, u in zip(source[flat:], unit[flat:], strict=True))
    side = min(reach, there) / most
    window: list[tuple[int, int]] = []
    grid: list[int] = []
    for axis in range(3):
        if flat and axis == 0:
            window.append((middle[0], middle[0] + 1))
            grid.append(1)
            continue
        pixels = min(source[axis], max(1, math.ceil(margin * reach / unit[axis])))
        start = min(max(0, middle[axis] - pixels // 2), source[axis] - pixels)
        window.append((start, start + pixels))
        cell = max(unit[axis], side)
        grid.append(min(pixels, cells, max(1, round(pixels * unit[axis] / cell))))
    return Region(
        (window[0], window[1], window[2]), (grid[0], grid[1], grid[2]), source, unit, reach, flat
    )


def pixels_of(source: NDArray[Any], region: Region) -> Floats:
    """The image ``(c, z, y, x)`` on the region's grid: the mean over each cell, float32."""
    (z1, z2), (y1, y2), (x1, x2) = region.window
    crop = source[:, z1:z2, y1:y2, x1:x2].astype(np.float32)
    finite = np.isfinite(crop)
    if not finite.all():
        crop[~finite] = crop[finite].min() if finite.any() else 0
    return _shrunk(crop, region.grid)


def _shrunk(crop: Floats, grid: Shape) -> Floats:
    if crop.shape[1:] == grid:
        return np.ascontiguousarray(crop)
    if crop.shape[2:] != grid[1:]:
        size = (grid[2], grid[1])
        crop = np.stack(
            [
                np.stack([cv2.resize(plane, size, interpolation=cv2.INTER_AREA) for plane in c])
                for c in crop
            ]
        )
    return resampling.resample(crop, grid, order=1, smooth=True)


def draw_line(points: Sequence[Sequence[int]], region: Region) -> tuple[NDArray[np.int64], ...]:
    """The cells of a click or a scribble, as an index into the grid."""
    corners = region.cells(points)
    drawn = [corners[:1]]
    for start, stop in pairwise(corners):
        steps = int(np.abs(stop - start).max())
        if steps:
            part = np.arange(1, steps + 1)[:, None] / steps
            drawn.append(np.rint(start + (stop - start) * part).astype(np.int64))
    cells = np.concatenate(drawn)
    there = ((cells >= 0) & (cells < np.array(region.grid))).all(axis=1)
    return tuple(cells[there].T)


def draw_box(box: Box, depth: tuple[int, int] | None, region: Region) -> Bools:
    """The cells that a box touches."""
    (z1, z2) = depth or region.window[0]
    low, high = region.cells([(z1, box[1], box[0]), (z2 - 1, box[3] - 1, box[2] - 1)])
    drawn = np.zeros(region.grid, np.bool_)
    ends = np.maximum(high + 1, 0)
    low = np.maximum(low, 0)
    drawn[low[0] : ends[0], low[1] : ends[1], low[2] : ends[2]] = True
    return drawn


def draw_mask(
    slices: Mapping[int, RunLengths], height_width: tuple[int, int], region: Region
) -> Bools:
    """A mask of the source on the grid: cells at least half covered."""
    (z1, z2), (y1, y2), (x1, x2) = region.window
    crop = np.zeros((z2 - z1, y2 - y1, x2 - x1), np.float32)
    for z, runs in slices.items():
        if z1 <= z < z2:
            crop[z - z1] = masks.decode(runs, height_width)[y1:y2, x1:x2]
    return np.asarray(_shrunk(crop[None], region.grid)[0] >= 0.5)


def enlarge(values: Floats, region: Region) -> Floats:
    """Values of cells on the pixels of the window, interpolated linearly."""
    z, y, x = (stop - start for start, stop in region.window)
    return np.asarray(resampling.resample(values[None], (z, y, x), order=1)[0])
