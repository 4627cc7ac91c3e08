"""The inner loops of drawing, compiled: polygons to row spans.

Helpers take plain arrays, for the reason given in ``nms_kernel``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.compiled import compiled

Ints = NDArray[np.int32]
Offsets = NDArray[np.int64]
Floats = NDArray[np.float64]
Rays = NDArray[np.float32]
Drawn = tuple[Offsets, Ints, Ints, Ints]
"""What ``spans.Spans`` is made of: offsets, y, x1 and x2."""

AHEAD = 3
"""Rows that are noted for each edge before asking whether it reaches further."""


@compiled
def _rows_of(ys: Floats, limit: Offsets) -> tuple[int, int]:
    """Return the rows, first and one past the last, whose middle line a polygon can cross."""
    low, high = ys[0], ys[0]
    for k in range(ys.size):
        low, high = min(low, ys[k]), max(high, ys[k])
    first = max(limit[0], int(np.ceil(low - 0.5)))
    return first, max(first, min(limit[1], int(np.ceil(high - 0.5))))


@compiled
def _lines_and_slopes(
    xs: Floats, ys: Floats, first: int, last: int, lines: Offsets, slopes: Floats
) -> int:
    """For each corner the first row of the field at or below it; for each edge dx per row.

    Returns how many crossings of an edge with a row there are.
    """
    end = ys.size - 1
    for k in range(end + 1):
        lines[k] = min(max(int(np.ceil(ys[k] - 0.5)), first), last)
    crossings = abs(lines[0] - lines[end])
    for k in range(end):
        slopes[k] = (xs[k + 1] - xs[k]) / (ys[k + 1] - ys[k])
        crossings += abs(lines[k + 1] - lines[k])
    slopes[end] = (xs[0] - xs[end]) / (ys[0] - ys[end])
    return int(crossings)


@compiled
def _two_sides(
    xs: Floats, ys: Floats, first: int, lines: Offsets, slopes: Floats, sides: Offsets
) -> None:
    """Note in ``sides`` where each row is crossed on the way down (column 0) and up (1).

    For a polygon that goes down and up once. The first row stands at ``AHEAD``. Of each edge
    ``AHEAD`` rows are noted whether it reaches them or not: the edges that follow correct what was
    too much, and the processor has no branch to guess.
    """
    count = ys.size
    top, bottom = int(lines.argmin()), int(lines.argmax())
    a = top
    while a != bottom:
        b = a + 1 if a + 1 < count else 0
        x, y, slope = xs[a], ys[a], slopes[a]
        for row in range(lines[a], max(lines[b], lines[a] + AHEAD)):
            sides[row - first + AHEAD, 0] = int(np.ceil(x + (row + 0.5 - y) * slope - 0.5))
        a = b
    while a != top:
        b = a + 1 if a + 1 < count else 0
        x, y, slope = xs[b], ys[b], slopes[a]
        for row in range(min(lines[b], lines[a] - AHEAD), lines[a]):
            sides[row - first + AHEAD, 1] = int(np.ceil(x + (row + 0.5 - y) * slope - 0.5))
        a = b


@compiled
def _all_sides(
    xs: Floats,
    ys: Floats,
    first: int,
    lines: Offsets,
    slopes: Floats,
    counts: Offsets,
    sides: Offsets,
) -> None:
    """Note all columns where edges cross each row, sorted, and their number in ``counts``."""
    counts[:] = 0
    for a in range(ys.size):
        b = a + 1 if a + 1 < ys.size else 0
        upper = a if lines[a] < lines[b] else b
        x, y, slope = xs[upper], ys[upper], slopes[a]
        for row in range(min(lines[a], lines[b]), max(lines[a], lines[b])):
            column = int(np.ceil(x + (row + 0.5 - y) * slope - 0.5))
            line = row - first
            place = counts[line]
            while place > 0 and sides[line + AHEAD, place - 1] > column:
                sides[line + AHEAD, place] = sides[line + AHEAD, place - 1]
                place -= 1
            sides[line + AHEAD, place] = column
            counts[line] += 1


@compiled
def _write(
    first: int,
    counts: Offsets,
    sides: Offsets,
    limit: Offsets,
    y: Ints,
    x1: Ints,
    x2: Ints,
    at: int,
) -> int:
    """Write the spans between sides by the even-odd rule; returns where the next one goes."""
    for line in range(counts.size):
        for k in range(0, counts[line], 2):
            a, b = sides[line + AHEAD, k], sides[line + AHEAD, k + 1]
            left, right = max(min(a, b), limit[2]), min(max(a, b), limit[3])
            y[at], x1[at], x2[at] = first + line, left, right
            at += left < right
    return at


@compiled
def _longer(column: Ints, size: int) -> Ints:
    longer = np.empty(size, dtype=np.int32)
    longer[: column.size] = column
    return longer


@compiled
def rows_compiled(polygons: Floats | Rays, limit: Offsets) -> Offsets:
    """The rows ``(n, 2)``, first and one past the last, that each polygon can cross."""
    n, count = polygons.shape[0], polygons.shape[1]
    rows, ys = np.zeros((n, 2), dtype=np.int64), np.zeros(count)
    for i in range(n if count else 0):
        ys[:] = polygons[i, :, 1]
        rows[i, 0], rows[i, 1] = _rows_of(ys, limit)
    return rows


@compiled
def draw_compiled(
    polygons: Floats | Rays, rows: Offsets, limit: Offsets, y: Ints, x1: Ints, x2: Ints
) -> Drawn:
    """Draw polygon by polygon: cost grows with the perimeter, not with the area.

    ``polygons`` is (n, sides, 2) as (x, y), float32 or float64; ``limit`` is (first row, end row,
    first column, end column), ends excluded; ``y``, ``x1`` and ``x2`` are room for the spans, left
    for larger ones if it does not suffice. A closed line crosses each of its rows at least once
    each way; so where there are twice as many crossings as rows it goes down and up once, and what
    lies between is simple.
    """
    n, count = polygons.shape[0], polygons.shape[1]
    offsets, xs, ys = np.zeros(n + 1, dtype=np.int64), np.zeros(count), np.zeros(count)
    highest = 0
    for i in range(n):
        highest = max(highest, rows[i, 1] - rows[i, 0])
    lines, slopes = np.zeros(count, np.int64), np.zeros(count)
    twice, counts = np.full(highest, 2, np.int64), np.zeros(highest, np.int64)
    sides = np.zeros((highest + 2 * AHEAD, max(2, count)), dtype=np.int64)
    used = 0
    for i in range(n if count else 0):
        xs[:], ys[:] = polygons[i, :, 0], polygons[i, :, 1]
        first, height = rows[i, 0], rows[i, 1] - rows[i, 0]
        crossings = _lines_and_slopes(xs, ys, first, rows[i, 1], lines, slopes)
        if used + crossings > y.size:
            size = 2 * (y.size + crossings)
            y, x1, x2 = _longer(y, size), _longer(x1, size), _longer(x2, size)
        if crossings == 2 * height:
            _two_sides(xs, ys, first, lines, slopes, sides)
            used = _write(first, twice[:height], sides, limit, y, x1, x2, used)
        else:
            _all_sides(xs, ys, first, lines, slopes, counts[:height], sides)
            used = _write(first, counts[:height], sides, limit, y, x1, x2, used)
        offsets[i + 1] = used
    return offsets, y[:used], x1[:used], x2[:used]


@compiled
def measure_compiled(
    offsets: Offsets, y: Ints, x1: Ints, x2: Ints
) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Areas, boxes, and which shapes are stacked, in one pass; see ``spans.measure_numpy``."""
    n = offsets.size - 1
    areas, boxes, stacked = np.zeros(n), np.zeros((n, 4)), np.ones(n, dtype=np.bool_)
    for i in range(n):
        start, stop = offsets[i], offsets[i + 1]
        if start == stop:
            continue
        left, right, area, jumps = x1[start], x2[start], 0, 0
        for k in range(start, stop):
            left, right = min(left, x1[k]), max(right, x2[k])
            area += x2[k] - x1[k]
            jumps += y[k] - y[start] != k - start
        areas[i], stacked[i] = area, jumps == 0
        boxes[i, 0], boxes[i, 1], boxes[i, 2], boxes[i, 3] = left, y[start], right, y[stop - 1] + 1
    return areas, boxes, stacked
