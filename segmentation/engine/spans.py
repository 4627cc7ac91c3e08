"""Shapes as row spans: the form in which suppression compares them.

A span is the part ``[x1, x2)`` of row ``y`` that a shape covers. Whatever draws a shape (a mask,
run lengths, a polygon) is turned into spans once; two shapes are then compared row by row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from segmentation.engine import masks
from segmentation.engine.compiled import AVAILABLE
from segmentation.engine.errors import InvalidArrayError
from segmentation.engine.span_kernel import draw_compiled, measure_compiled
from segmentation.engine.types import RunLengths

Ints = NDArray[np.int32]
Offsets = NDArray[np.int64]
Floats = NDArray[np.float64]
Rays = NDArray[np.float32]

SAMPLE = 32
"""Polygons looked at to guess how much room all of them need."""


@dataclass(frozen=True)
class Spans:
    """The spans of n shapes, back to back; shape i owns ``offsets[i]`` to ``offsets[i + 1]``.

    Within a shape spans are half-open, disjoint, not empty, and sorted by y, then x1. ``offsets``
    has n + 1 places; ``y``, ``x1`` and ``x2`` are int32. A shape may have no span at all.
    """

    offsets: Offsets
    y: Ints
    x1: Ints
    x2: Ints

    def __len__(self) -> int:
        return self.offsets.size - 1

    @property
    def areas(self) -> Floats:
        """Pixels of each shape, as float64 (whole numbers)."""
        return self._measures[0]

    @property
    def boxes(self) -> Floats:
        """The box ``(x1, y1, x2, y2)`` around each shape, half-open; zeros for an empty shape."""
        return self._measures[1]

    @property
    def stacked(self) -> NDArray[np.bool_]:
        """Whether a shape has exactly one span in every row from its first to its last."""
        return self._measures[2]

    @cached_property
    def _measures(self) -> tuple[Floats, Floats, NDArray[np.bool_]]:
        measure = measure_compiled if AVAILABLE else measure_numpy
        return measure(self.offsets, self.y, self.x1, self.x2)


def measure_numpy(
    offsets: Offsets, y: Ints, x1: Ints, x2: Ints
) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Areas, boxes, and which shapes are stacked, of the shapes of ``Spans``."""
    total = np.concatenate([[0.0], np.cumsum(x2 - x1, dtype=np.float64)])
    boxes = np.zeros((offsets.size - 1, 4))
    filled = np.flatnonzero(np.diff(offsets))
    starts = offsets[filled]
    if filled.size:
        boxes[filled, 0] = np.minimum.reduceat(x1, starts)
        boxes[filled, 1] = y[starts]
        boxes[filled, 2] = np.maximum.reduceat(x2, starts)
        boxes[filled, 3] = y[offsets[filled + 1] - 1] + 1
    jumps = np.diff(y, prepend=0) != 1
    jumps[starts] = False
    broken = np.concatenate([[0], np.cumsum(jumps)])
    return np.diff(total[offsets]), boxes, np.diff(broken[offsets]) == 0


def _gather(parts: Sequence[tuple[NDArray[np.integer], ...]]) -> Spans:
    offsets = np.concatenate([[0], np.cumsum([part[0].size for part in parts])]).astype(np.int64)
    columns = [
        np.concatenate([part[k] for part in parts]).astype(np.int32)
        if parts
        else np.zeros(0, dtype=np.int32)
        for k in range(3)
    ]
    return Spans(offsets, *columns)


def spans_from_runs(runs: Sequence[RunLengths], width: int) -> Spans:
    """Return the spans of masks given as run lengths over slices of one width."""
    return _gather([masks.row_spans(each, width) for each in runs])


def spans_from_masks(shapes: Sequence[NDArray[np.generic]]) -> Spans:
    """Return the spans of 2-D masks ``(h, w)``, or of an array ``(n, h, w)`` of them."""
    return _gather([masks.row_spans(masks.encode(each), each.shape[1]) for each in shapes])


def spans_from_volumes(shapes: Sequence[NDArray[np.generic]]) -> Spans:
    """Return the spans of masks ``(z, y, x)`` of one shape, slice below slice.

    ``y`` counts the rows of all slices from the first on, so that two shapes share a row only
    within one slice and everything made of spans works for volumes as it stands.
    """
    return _gather(
        [masks.row_spans(masks.encode(v.reshape(-1, v.shape[2])), v.shape[2]) for v in shapes]
    )


def runs_of(spans: Spans, width: int) -> list[RunLengths]:
    """Return the run lengths of every shape in a slice of that width; spans must lie inside it."""
    rows = spans.y.astype(np.int64) * width
    starts, ends = rows + spans.x1, rows + spans.x2
    filled = np.diff(spans.offsets) > 0
    begins = np.append(True, starts[1:] != ends[:-1])[: starts.size]
    begins[spans.offsets[:-1][filled]] = True
    edges = np.stack([starts[begins], ends[np.append(begins[1:], True)[: ends.size]]], axis=1)
    places = 2 * np.concatenate([[0], np.cumsum(begins)])[spans.offsets]
    lengths = np.diff(edges.reshape(-1), prepend=0)
    first = places[:-1][filled]
    lengths[first] = edges.reshape(-1)[first]
    found = lengths.astype(np.uint32)
    return [found[a:b].copy() for a, b in pairwise(places.tolist())]


def spans_from_polygons(points: ArrayLike, height_width: tuple[int, int] | None = None) -> Spans:
    """Rasterise n closed polygons by pixel centres, with the even-odd rule.

    ``points`` is ``(n, corners, 2)``, float, ``(x, y)`` in pixels, origin at the corner of the
    top-left pixel. A pixel belongs to a polygon if its centre lies inside; a centre exactly on an
    edge belongs to the polygon on its right or below, so that polygons that share an edge share no
    pixel. What lies outside ``height_width`` is cut off; without it coordinates may be negative.
    """
    corners = np.asarray(points)
    if corners.dtype != np.float32:
        corners = corners.astype(np.float64)
    low, high = float(corners.min(initial=0)), float(corners.max(initial=0))
    if corners.ndim != 3 or corners.shape[2] != 2 or not np.isfinite(high - low):
        raise InvalidArrayError("Polygons must be an array (n, corners, 2) of finite numbers.")
    _check_reach(max(-low, high))
    limit = _limit(height_width)
    if not AVAILABLE:
        return Spans(*draw_numpy(corners.astype(np.float64), limit))
    x, y = np.ascontiguousarray(np.moveaxis(corners, 2, 0))
    ways, origins = np.ones((2, x.shape[1]), x.dtype), np.zeros((2, x.shape[0]), x.dtype)
    return _drawn(x, y, ways, origins, limit)


def spans_from_stars(
    centres: Rays, rays: Rays, steps: Rays, height_width: tuple[int, int] | None = None
) -> Spans:
    """Rasterise n star-convex polygons, as ``spans_from_polygons`` does, without their corners.

    ``centres`` is ``(n, 2)`` as (y, x), ``rays`` ``(n, r)`` in pixels and ``steps`` ``(r, 2)`` the
    unit step (dy, dx) of each ray, all float32; corner k of a star lies ``rays[:, k]`` steps from
    its centre, computed in float32.
    """
    extremes = [each.max(initial=0) - each.min(initial=0) for each in (rays, centres)]
    longest = float(extremes[0]) + float(extremes[1])
    if not np.isfinite(longest):
        raise InvalidArrayError("Stars must have centres and rays that are finite numbers.")
    _check_reach(longest)
    ways = np.ascontiguousarray(steps.T[::-1])
    origins = np.ascontiguousarray(centres.T[::-1])
    if not AVAILABLE:
        corners = rays[None] * ways[:, None] + origins[:, :, None]
        return spans_from_polygons(np.moveaxis(corners, 0, 2), height_width)
    lengths = np.ascontiguousarray(rays)
    return _drawn(lengths, lengths, ways, origins, _limit(height_width))


def _check_reach(reach: float) -> None:
    if reach > 2**30:
        raise InvalidArrayError("A polygon lies far outside of any image.")


def _limit(height_width: tuple[int, int] | None) -> Offsets:
    if height_width is None:
        return np.array([-(2**31), 2**31 - 1, -(2**31), 2**31 - 1], dtype=np.int64)
    return np.array([0, height_width[0], 0, height_width[1]], dtype=np.int64)


def _drawn(
    along_x: Floats | Rays,
    along_y: Floats | Rays,
    ways: Floats | Rays,
    origins: Floats | Rays,
    limit: Offsets,
) -> Spans:
    """Draw with the compiler, into room for about as many rows as a sample of polygons has."""
    n, count = along_x.shape
    sample = slice(None, None, max(1, n // SAMPLE))
    reach = along_y[sample] * ways[1]
    rows = (np.ptp(reach, axis=1) + 1).sum() * (n / max(1, reach.shape[0])) if count else 0
    room = np.empty((3, int(1.1 * rows) + 64), np.int32)  # NumPy asks for large pages
    return Spans(*draw_compiled(along_x, along_y, ways, origins, limit, *room))


def draw_numpy(corners: Floats, limit: Offsets) -> tuple[Offsets, Ints, Ints, Ints]:
    """Draw all polygons at once: every crossing of an edge with a row, sorted, taken in pairs."""
    n, sides = corners.shape[:2]
    a, b = corners.reshape(-1, 2), np.roll(corners, -1, axis=1).reshape(-1, 2)
    upper = np.where((a[:, 1] <= b[:, 1])[:, None], a, b)
    lower = np.where((a[:, 1] <= b[:, 1])[:, None], b, a)
    start = np.maximum(np.ceil(upper[:, 1] - 0.5).astype(np.int64), limit[0])
    stop = np.minimum(np.ceil(lower[:, 1] - 0.5).astype(np.int64), limit[1])
    rows = np.maximum(stop - start, 0)
    edge = np.repeat(np.arange(n * sides), rows)
    y = start[edge] + np.arange(edge.size) - np.repeat(np.cumsum(rows) - rows, rows)
    slope = (lower[edge, 0] - upper[edge, 0]) / (lower[edge, 1] - upper[edge, 1])
    x = upper[edge, 0] + (y + 0.5 - upper[edge, 1]) * slope
    order = np.lexsort((x, y, edge // max(sides, 1)))
    edge, y, x = edge[order[0::2]], y[order[0::2]], np.ceil(x[order] - 0.5).astype(np.int64)
    x1, x2 = np.maximum(x[0::2], limit[2]), np.minimum(x[1::2], limit[3])
    kept = x1 < x2
    owner = edge[kept] // max(sides, 1)
    offsets = np.searchsorted(owner, np.arange(n + 1)).astype(np.int64)
    y32, x1_32, x2_32 = (each[kept].astype(np.int32) for each in (y, x1, x2))
    return offsets, y32, x1_32, x2_32
