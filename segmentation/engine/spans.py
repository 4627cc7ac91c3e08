"""Shapes as row spans: the form in which suppression compares them.

A span is the part ``[x1, x2)`` of row ``y`` that a shape covers. Whatever draws a shape (a mask,
run lengths, a polygon) is turned into spans once; two shapes are then compared row by row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from segmentation.engine import masks
from segmentation.engine.compiled import AVAILABLE, compiled
from segmentation.engine.errors import InvalidArrayError
from segmentation.engine.types import RunLengths

Ints = NDArray[np.int32]
Offsets = NDArray[np.int64]
Floats = NDArray[np.float64]


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

    @cached_property
    def areas(self) -> Floats:
        """Pixels of each shape, as float64 (whole numbers)."""
        total = np.concatenate([[0.0], np.cumsum(self.x2 - self.x1, dtype=np.float64)])
        return np.diff(total[self.offsets])

    @cached_property
    def boxes(self) -> Floats:
        """The box ``(x1, y1, x2, y2)`` around each shape, half-open; zeros for an empty shape."""
        boxes = np.zeros((len(self), 4))
        filled = np.flatnonzero(np.diff(self.offsets))
        if filled.size:
            starts = self.offsets[filled]
            boxes[filled, 0] = np.minimum.reduceat(self.x1, starts)
            boxes[filled, 1] = self.y[starts]
            boxes[filled, 2] = np.maximum.reduceat(self.x2, starts)
            boxes[filled, 3] = self.y[self.offsets[filled + 1] - 1] + 1
        return boxes


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


def runs_of(spans: Spans, index: int, width: int) -> RunLengths:
    """Return the run lengths of one shape in a slice of that width; spans must lie inside it."""
    part = slice(int(spans.offsets[index]), int(spans.offsets[index + 1]))
    return masks.from_row_spans(spans.y[part], spans.x1[part], spans.x2[part], width)


def spans_from_polygons(points: ArrayLike, height_width: tuple[int, int] | None = None) -> Spans:
    """Rasterise n closed polygons by pixel centres, with the even-odd rule.

    ``points`` is ``(n, corners, 2)``, float, ``(x, y)`` in pixels, origin at the corner of the
    top-left pixel. A pixel belongs to a polygon if its centre lies inside; a centre exactly on an
    edge belongs to the polygon on its right or below, so that polygons that share an edge share no
    pixel. What lies outside ``height_width`` is cut off; without it coordinates may be negative.
    """
    corners = np.ascontiguousarray(points, dtype=np.float64)
    if corners.ndim != 3 or corners.shape[2] != 2 or not np.isfinite(corners).all():
        raise InvalidArrayError("Polygons must be an array (n, corners, 2) of finite numbers.")
    if np.abs(corners).max(initial=0) > 2**30:
        raise InvalidArrayError("A polygon lies far outside of any image.")
    limit = np.array([-(2**31), 2**31 - 1, -(2**31), 2**31 - 1], dtype=np.int64)
    if height_width is not None:
        limit = np.array([0, height_width[0], 0, height_width[1]], dtype=np.int64)
    draw = draw_compiled if AVAILABLE else draw_numpy
    return Spans(*draw(corners, limit))


@compiled
def _crossings(
    corners: Floats, first_row: int, last_row: int, counts: Offsets, crossings: Floats
) -> None:
    """Note where the edges of one polygon cross the middle line of each row, in growing order."""
    n = corners.shape[0]
    counts[:] = 0
    for a in range(n):
        b = a + 1 if a + 1 < n else 0
        xa, ya, xb, yb = corners[a, 0], corners[a, 1], corners[b, 0], corners[b, 1]
        if ya == yb:
            continue
        if ya > yb:
            xa, ya, xb, yb = xb, yb, xa, ya
        start = max(first_row, int(np.ceil(ya - 0.5)))
        stop = min(last_row, int(np.ceil(yb - 0.5)))
        for row in range(start, stop):
            x = xa + (row + 0.5 - ya) * ((xb - xa) / (yb - ya))
            line = row - first_row
            place = counts[line]
            while place > 0 and crossings[line, place - 1] > x:
                crossings[line, place] = crossings[line, place - 1]
                place -= 1
            crossings[line, place] = x
            counts[line] += 1


@compiled
def _rows_of(corners: Floats, limit: Offsets) -> tuple[int, int]:
    """Return the rows, first and one past the last, whose middle line a polygon can cross."""
    low, high = corners[0, 1], corners[0, 1]
    for k in range(corners.shape[0]):
        low = min(low, corners[k, 1])
        high = max(high, corners[k, 1])
    first = max(limit[0], int(np.ceil(low - 0.5)))
    return first, max(first, min(limit[1], int(np.ceil(high - 0.5))))


@compiled
def draw_compiled(corners: Floats, limit: Offsets) -> tuple[Offsets, Ints, Ints, Ints]:
    """Draw polygon by polygon: cost grows with the perimeter, not with the area.

    ``limit`` is (first row, end row, first column, end column), ends excluded.
    """
    n, sides = corners.shape[0], corners.shape[1]
    offsets = np.zeros(n + 1, dtype=np.int64)
    rows = 0
    for i in range(n if sides else 0):
        first, last = _rows_of(corners[i], limit)
        rows = max(rows, last - first)
    counts = np.zeros(rows, dtype=np.int64)
    crossings = np.zeros((rows, sides))
    spans = np.zeros((max(16, 4 * n), 3), dtype=np.int32)
    used = 0
    for i in range(n if sides else 0):
        first, last = _rows_of(corners[i], limit)
        _crossings(corners[i], first, last, counts, crossings)
        for row in range(first, last):
            for k in range(0, counts[row - first] - 1, 2):
                x1 = max(limit[2], int(np.ceil(crossings[row - first, k] - 0.5)))
                x2 = min(limit[3], int(np.ceil(crossings[row - first, k + 1] - 0.5)))
                if x1 >= x2:
                    continue
                if used == spans.shape[0]:
                    grown = np.zeros((2 * used, 3), dtype=np.int32)
                    grown[:used] = spans
                    spans = grown
                spans[used, 0], spans[used, 1], spans[used, 2] = row, x1, x2
                used += 1
        offsets[i + 1] = used
    return offsets, spans[:used, 0].copy(), spans[:used, 1].copy(), spans[:used, 2].copy()


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
