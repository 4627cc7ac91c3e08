"""The inner loops of suppression, compiled: a grid of cells, and the overlap of two shapes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.compiled import compiled

Indices = NDArray[np.int64]
Floats = NDArray[np.float64]
Ints = NDArray[np.int32]


class Shapes(NamedTuple):
    """What n candidates cover: boxes ``(n, 4)``, areas, groups, and their row spans (spans.py)."""

    boxes: Floats
    areas: Floats
    groups: Indices
    offsets: Indices
    y: Ints
    x1: Ints
    x2: Ints


class Grid(NamedTuple):
    """First and last cell of each candidate ``(x1, y1, x2, y2)``, included; cells of the field."""

    cells: Indices
    columns: int
    rows: int


class Register(NamedTuple):
    """Which shapes lie in which cell: linked lists, in order of registration.

    ``head`` and ``tail`` of each cell name an entry or -1; an entry has its ``shape`` and the
    ``following`` entry. ``seen`` remembers for whom a shape was last compared, since two shapes may
    meet in several cells; ``used[0]`` counts the entries.
    """

    head: Indices
    tail: Indices
    shape: Indices
    following: Indices
    seen: Indices
    used: Indices


@compiled
def _open_register(order: Indices, grid: Grid) -> Register:
    entries = 0
    cells = grid.cells
    for i in order:
        entries += (cells[i, 2] - cells[i, 0] + 1) * (cells[i, 3] - cells[i, 1] + 1)
    return Register(
        np.full(grid.columns * grid.rows, -1, dtype=np.int64),
        np.full(grid.columns * grid.rows, -1, dtype=np.int64),
        np.zeros(entries, dtype=np.int64),
        np.full(entries, -1, dtype=np.int64),
        np.full(cells.shape[0], -1, dtype=np.int64),
        np.zeros(1, dtype=np.int64),
    )


@compiled
def _add(register: Register, grid: Grid, i: int) -> None:
    """Append a shape to the list of every cell that its box covers."""
    for row in range(grid.cells[i, 1], grid.cells[i, 3] + 1):
        for column in range(grid.cells[i, 0], grid.cells[i, 2] + 1):
            cell = row * grid.columns + column
            entry = register.used[0]
            register.shape[entry] = i
            if register.head[cell] < 0:
                register.head[cell] = entry
            else:
                register.following[register.tail[cell]] = entry
            register.tail[cell] = entry
            register.used[0] = entry + 1


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
def _shared_pixels(shapes: Shapes, i: int, j: int) -> int:
    """Count the pixels that two shapes share, in one walk down their rows."""
    y, x1, x2 = shapes.y, shapes.x1, shapes.x2
    a, a_stop = shapes.offsets[i], shapes.offsets[i + 1]
    b, b_stop = shapes.offsets[j], shapes.offsets[j + 1]
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
            if x2[a] <= x2[b]:
                a += 1
            else:
                b += 1
    return shared


@compiled
def _share(shapes: Shapes, i: int, j: int, by_iou: bool, floor: float) -> float:
    """Return how much two candidates overlap, or 0 where it cannot be more than ``floor``.

    What the boxes share bounds what the shapes share, and division keeps the order, so the bound
    drops a pair only if the exact value would be dropped too.
    """
    boxes, areas = shapes.boxes, shapes.areas
    width = min(boxes[i, 2], boxes[j, 2]) - max(boxes[i, 0], boxes[j, 0])
    height = min(boxes[i, 3], boxes[j, 3]) - max(boxes[i, 1], boxes[j, 1])
    if width <= 0 or height <= 0:
        return 0.0
    common = width * height
    if by_iou:
        return float(common / (areas[i] + areas[j] - common))
    smaller = min(areas[i], areas[j])
    if common / smaller <= floor:
        return 0.0
    return float(_shared_pixels(shapes, i, j) / smaller)


@compiled
def _visit(grid: Grid, i: int, visit: int) -> int:
    """Return the cell of a candidate to look into at a visit: the centre at 0, then all."""
    left, right = grid.cells[i, 0], grid.cells[i, 2]
    top, bottom = grid.cells[i, 1], grid.cells[i, 3]
    if visit == 0:
        return int((top + bottom) // 2 * grid.columns + (left + right) // 2)
    wide = right - left + 1
    return int((top + (visit - 1) // wide) * grid.columns + left + (visit - 1) % wide)


@compiled
def greedy_kernel(
    order: Indices, shapes: Shapes, grid: Grid, by_iou: bool, cutoff: float
) -> tuple[Indices, Floats]:
    """Run the greedy rule over candidates in the given order; returns (suppressed_by, overlap).

    Within a cell kept shapes stand in order of rank, so a list is left at the first one that ranks
    behind the best suppressor found so far. The centre cell comes first: what will suppress a
    candidate is most likely there. Only kept shapes are registered.
    """
    n = shapes.areas.size
    suppressed_by, overlap = np.full(n, -1, dtype=np.int64), np.zeros(n)
    rank = np.zeros(n, dtype=np.int64)
    register = _open_register(order, grid)
    for place in range(order.size):
        i = order[place]
        rank[i], best = place, order.size
        wide = grid.cells[i, 2] - grid.cells[i, 0] + 1
        for visit in range(wide * (grid.cells[i, 3] - grid.cells[i, 1] + 1) + 1):
            entry = register.head[_visit(grid, i, visit)]
            while entry >= 0 and rank[register.shape[entry]] < best:
                j = register.shape[entry]
                entry = register.following[entry]
                if register.seen[j] == i or shapes.groups[j] != shapes.groups[i]:
                    continue
                register.seen[j] = i
                share = _share(shapes, i, j, by_iou, cutoff)
                if share > cutoff:
                    best, suppressed_by[i], overlap[i] = rank[j], j, share
        if best == order.size:
            _add(register, grid, i)
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
def pairs_kernel(order: Indices, shapes: Shapes, grid: Grid, floor: float) -> Floats:
    """List every pair of one group whose shapes overlap by more than ``floor``.

    Returns rows ``(i, j, share)``, float64 (indices are exact far beyond any count). ``order`` is
    increasing, so the smaller index of each pair is the one registered earlier.
    """
    register = _open_register(order, grid)
    table = np.zeros((256, 3))
    found = 0
    for i in order:
        wide = grid.cells[i, 2] - grid.cells[i, 0] + 1
        for visit in range(1, wide * (grid.cells[i, 3] - grid.cells[i, 1] + 1) + 1):
            entry = register.head[_visit(grid, i, visit)]
            while entry >= 0:
                j = register.shape[entry]
                entry = register.following[entry]
                if register.seen[j] == i or shapes.groups[j] != shapes.groups[i]:
                    continue
                register.seen[j] = i
                share = _share(shapes, i, j, False, floor)
                if share > floor:
                    table = _with_room(table, found)
                    table[found, 0], table[found, 1], table[found, 2] = j, i, share
                    found += 1
        _add(register, grid, i)
    return table[:found]
