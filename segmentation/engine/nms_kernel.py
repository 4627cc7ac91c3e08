"""The inner loops of suppression, compiled: a grid of cells, and the overlap of two shapes.

Helpers take plain arrays: handing on a tuple of arrays makes numba count references in the
innermost loop, which was measured to cost ten times the work itself.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.compiled import compiled

Indices = NDArray[np.int64]
Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Flags = NDArray[np.bool_]

MOST_CELLS_PER_SHAPE = 16
SAMPLE = 512
"""Boxes looked at to find the usual size of one."""


class Shapes(NamedTuple):
    """What n candidates cover: boxes ``(n, 4)``, areas, groups, and their row spans (spans.py).

    ``stacked`` says of each whether it has exactly one span in every one of its rows.
    """

    boxes: Floats
    areas: Floats
    groups: Indices
    stacked: Flags
    offsets: Indices
    y: Ints
    x1: Ints
    x2: Ints


class Grid(NamedTuple):
    """Square cells from a corner on, and how many entries it takes to list every shape."""

    x: float
    y: float
    side: float
    columns: int
    rows: int
    entries: int


@compiled
def grid_over(boxes: Floats, order: Indices) -> Grid:
    """Choose the cells of the grid: about the size of a usual box, bounded in number.

    The side doubles until the cells are few enough for memory to grow with the number of
    candidates only, however large or far apart they are.
    """
    if order.size == 0:
        return Grid(0.0, 0.0, 1.0, 1, 1, 0)
    sample = order[:: max(1, order.size // SAMPLE)]
    sizes = np.zeros(sample.size)
    for k in range(sample.size):
        box = boxes[sample[k]]
        sizes[k] = max(box[2] - box[0], box[3] - box[1])
    first = boxes[order[0]]
    x1, y1, x2, y2 = first[0], first[1], first[2], first[3]
    for i in order:
        x1, y1 = min(x1, boxes[i, 0]), min(y1, boxes[i, 1])
        x2, y2 = max(x2, boxes[i, 2]), max(y2, boxes[i, 3])
    side = max(1.0, float(np.median(sizes)))
    most = MOST_CELLS_PER_SHAPE * order.size + 1024
    while True:
        columns, rows = np.floor((x2 - x1) / side) + 1, np.floor((y2 - y1) / side) + 1
        entries = 0.0
        for i in order:
            wide = np.floor((boxes[i, 2] - x1) / side) - np.floor((boxes[i, 0] - x1) / side) + 1
            high = np.floor((boxes[i, 3] - y1) / side) - np.floor((boxes[i, 1] - y1) / side) + 1
            entries += wide * high
        if columns * rows <= most and entries <= most:
            return Grid(x1, y1, side, int(columns), int(rows), int(entries))
        side *= 2


@compiled
def _cells(boxes: Floats, i: int, grid: Grid) -> tuple[int, int, int, int]:
    """The columns and rows of cells that a box touches: first column, row, last column, row."""
    return (
        int((boxes[i, 0] - grid.x) / grid.side),
        int((boxes[i, 1] - grid.y) / grid.side),
        int((boxes[i, 2] - grid.x) / grid.side),
        int((boxes[i, 3] - grid.y) / grid.side),
    )


@compiled
def _register(
    i: int, cells: tuple[int, int, int, int], columns: int, ends: Indices, entries: Indices
) -> None:
    """Append a shape to the list of every cell that its box touches.

    ``ends`` (cells + 1, 2) names the first and last entry of each cell or -1, and in its last row
    the next free entry; ``entries`` (n, 2) hold a shape and the entry that follows, or -1.
    """
    left, top, right, bottom = cells
    entry = ends[-1, 0]
    for row in range(top, bottom + 1):
        for cell in range(row * columns + left, row * columns + right + 1):
            entries[entry, 0], entries[entry, 1] = i, -1
            if ends[cell, 0] < 0:
                ends[cell, 0] = entry
            else:
                entries[ends[cell, 1], 1] = entry
            ends[cell, 1] = entry
            entry += 1
    ends[-1, 0] = entry


@compiled
def _first_span(y: Ints, start: int, stop: int, row: int) -> int:
    """Find the first span of a shape at or below a row, by halving."""
    while start < stop:
        middle = (start + stop) // 2
        if y[middle] < row:
            start = middle + 1
        else:
            stop = middle
    return start


@compiled
def _shared_stacked(y: Ints, x1: Ints, x2: Ints, a: int, a_stop: int, b: int, b_stop: int) -> int:
    """Count the pixels that two stacked shapes share: row meets row, without looking for it."""
    top = max(y[a], y[b])
    rows = min(y[a] + a_stop - a, y[b] + b_stop - b) - top
    if rows <= 0:
        return 0
    from_a, from_b = np.uint64(a + top - y[a]), np.uint64(b + top - y[b])
    shared, nothing = np.int64(0), np.int32(0)
    for k in range(np.uint64(rows)):
        left, right = max(x1[from_a + k], x1[from_b + k]), min(x2[from_a + k], x2[from_b + k])
        shared += max(nothing, np.int32(right - left))
    return int(shared)


@compiled
def _shared_pixels(y: Ints, x1: Ints, x2: Ints, a: int, a_stop: int, b: int, b_stop: int) -> int:
    """Count the pixels that two shapes share, in one walk down their rows."""
    row = max(y[a], y[b])
    a = _first_span(y, a, a_stop, row)
    b = _first_span(y, b, b_stop, row)
    shared = 0
    while a < a_stop and b < b_stop:
        if y[a] < y[b]:
            a += 1
        elif y[b] < y[a]:
            b += 1
        else:
            shared += max(0, min(x2[a], x2[b]) - max(x1[a], x1[b]))
            more_a = a + 1 < a_stop and y[a + 1] == y[a]
            more_b = b + 1 < b_stop and y[b + 1] == y[b]
            if not (more_a or more_b):  # most rows have one span each
                a, b = a + 1, b + 1
            elif x2[a] <= x2[b]:
                a += 1
            else:
                b += 1
    return shared


@compiled
def _common(boxes: Floats, i: int, others: Floats, k: int) -> float:
    """Return the area that two boxes share, 0 or less where they are apart."""
    width = min(boxes[i, 2], others[k, 2]) - max(boxes[i, 0], others[k, 0])
    height = min(boxes[i, 3], others[k, 3]) - max(boxes[i, 1], others[k, 1])
    return float(max(0.0, width) * max(0.0, height))


@compiled
def _bound(common: float, area: float, other: float, by_iou: bool) -> float:
    """Return the most that two candidates can overlap, which for boxes is how much they do.

    What the boxes share bounds what the shapes share, and division keeps the order, so the bound
    drops a pair only if the exact value would be dropped too.
    """
    if by_iou:
        return common / (area + other - common)
    return common / min(area, other)


@compiled
def _shared(stacked: Flags, offsets: Indices, y: Ints, x1: Ints, x2: Ints, i: int, j: int) -> int:
    """Count the pixels that two candidates share; neither is empty."""
    a, a_stop, b, b_stop = offsets[i], offsets[i + 1], offsets[j], offsets[j + 1]
    if stacked[i] and stacked[j]:
        return _shared_stacked(y, x1, x2, a, a_stop, b, b_stop)
    return _shared_pixels(y, x1, x2, a, a_stop, b, b_stop)


@compiled
def greedy_kernel(
    order: Indices, shapes: Shapes, by_iou: bool, cutoff: float
) -> tuple[Indices, Floats]:
    """Run the greedy rule over candidates in the given order; returns (suppressed_by, overlap).

    Only kept shapes are registered, under their number among the kept ones, so that what is looked
    at again and again lies close together. Within a cell numbers grow, so a list is left at the
    first one behind the best suppressor found so far. The cell in the middle comes first: what will
    suppress a candidate is most likely there.
    """
    boxes, areas, groups, stacked, offsets, y, x1, x2 = shapes
    grid = grid_over(boxes, order)
    ends = np.full((grid.columns * grid.rows + 1, 2), -1, dtype=np.int64)
    entries = np.zeros((grid.entries, 2), dtype=np.int64)
    ends[-1, 0] = 0
    suppressed_by, overlap = np.full(areas.size, -1, dtype=np.int64), np.zeros(areas.size)
    kept, seen = np.zeros(order.size, np.int64), np.full(order.size, -1, np.int64)
    kept_boxes, kept_groups, count = np.zeros((order.size, 4)), np.zeros(order.size, np.int64), 0
    for i in order:
        best, cells = order.size, _cells(boxes, i, grid)
        left, top, right, bottom = cells
        column, row = (left + right) // 2, (top + bottom) // 2
        next_column, next_row = left, top
        while row <= bottom:
            entry = ends[row * grid.columns + column, 0]
            while entry >= 0 and entries[entry, 0] < best:
                k = entries[entry, 0]
                entry = entries[entry, 1]
                if seen[k] == i or kept_groups[k] != groups[i]:
                    continue
                seen[k] = i
                common = _common(boxes, i, kept_boxes, k)
                if common <= 0:
                    continue
                j = kept[k]
                share = _bound(common, areas[i], areas[j], by_iou)
                if share > cutoff and not by_iou:
                    share = _shared(stacked, offsets, y, x1, x2, i, j) / min(areas[i], areas[j])
                if share > cutoff:
                    best, suppressed_by[i], overlap[i] = k, j, share
            column, row = next_column, next_row
            next_column += 1
            if next_column > right:
                next_column, next_row = left, next_row + 1
        if best == order.size:
            kept[count], kept_boxes[count], kept_groups[count] = i, boxes[i], groups[i]
            _register(count, cells, grid.columns, ends, entries)
            count += 1
    return suppressed_by, overlap


@compiled
def _with_room(table: Floats, used: int) -> Floats:
    """Return a table of pairs with room for one row more, twice as long where it was full."""
    if used < table.shape[0]:
        return table
    longer = np.zeros((2 * used, 3))
    longer[:used] = table
    return longer


@compiled
def pairs_kernel(order: Indices, shapes: Shapes, floor: float) -> Floats:
    """List every pair of one group whose shapes overlap by more than ``floor``.

    Returns rows ``(i, j, share)``, float64 (indices are exact far beyond any count). ``order`` is
    increasing, so the smaller index of each pair is the one registered earlier.
    """
    boxes, areas, groups, stacked, offsets, y, x1, x2 = shapes
    grid = grid_over(boxes, order)
    ends = np.full((grid.columns * grid.rows + 1, 2), -1, dtype=np.int64)
    entries = np.zeros((grid.entries, 2), dtype=np.int64)
    ends[-1, 0] = 0
    seen = np.full(areas.size, -1, np.int64)
    table, found = np.zeros((256, 3)), 0
    for i in order:
        cells = _cells(boxes, i, grid)
        left, top, right, bottom = cells
        for row in range(top, bottom + 1):
            for cell in range(row * grid.columns + left, row * grid.columns + right + 1):
                entry = ends[cell, 0]
                while entry >= 0:
                    j = entries[entry, 0]
                    entry = entries[entry, 1]
                    if seen[j] == i or groups[j] != groups[i]:
                        continue
                    seen[j] = i
                    common = _common(boxes, i, boxes, j)
                    if common <= 0 or _bound(common, areas[i], areas[j], False) <= floor:
                        continue
                    share = _shared(stacked, offsets, y, x1, x2, i, j) / min(areas[i], areas[j])
                    if share > floor:
                        table = _with_room(table, found)
                        table[found, 0], table[found, 1], table[found, 2] = j, i, share
                        found += 1
        _register(i, cells, grid.columns, ends, entries)
    return table[:found]
