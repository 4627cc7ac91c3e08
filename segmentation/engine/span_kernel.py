"""The inner loops of drawing, compiled: polygons to row spans.

Helpers take plain arrays, for the reason given in ``nms_kernel``. Loops over the corners of one
polygon do one thing each and read what they need before they choose, so that the compiler can take
several corners at once; that takes a third off the time, and the arithmetic stays what
``spans.draw_numpy`` does, to the last bit.
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

AHEAD = 4
"""Rows that are computed for each edge before asking whether it reaches so far."""


@compiled
def _place(
    along: Floats | Rays, i: int, ways: Floats | Rays, axis: int, origin: float, found: Floats
) -> None:
    """One coordinate of the corners of polygon i, the first one once more behind the last."""
    for k in range(along.shape[1]):
        found[k] = along[i, k] * ways[axis, k] + origin
    found[along.shape[1]] = found[0]


@compiled
def _rows(ys: Floats, limit: Offsets, lines: Offsets) -> tuple[int, int]:
    """Return the first row whose middle line a closed polygon can cross, and how many there are.

    ``lines`` gets for each corner the first of these rows at or below it, counted from the first.
    """
    for k in range(ys.size):
        lines[k] = int(np.ceil(ys[k] - 0.5))
    first, last = lines[0], lines[0]
    for k in range(ys.size):
        first, last = min(first, lines[k]), max(last, lines[k])
    first = max(first, limit[0])
    last = max(first, min(last, limit[1]))
    for k in range(ys.size):
        lines[k] = min(max(lines[k], first), last) - first
    return first, last - first


@compiled
def _crossings(lines: Offsets) -> tuple[int, int]:
    """How many crossings of edges with rows there are, and the most that one edge has."""
    crossings, longest = 0, 0
    for k in range(lines.size - 1):
        rows = abs(lines[k + 1] - lines[k])
        crossings += rows
        longest = max(longest, rows)
    return crossings, longest


@compiled
def _top(lines: Offsets) -> int:
    """The first of the uppermost corners."""
    count = lines.size - 1
    top = lines[0] * count
    for k in range(count):
        top = min(top, lines[k] * count + k)
    return int(top % count)


@compiled
def _columns(
    xs: Floats,
    ys: Floats,
    first: int,
    lines: Offsets,
    upper_x: Floats,
    upper_y: Floats,
    slopes: Floats,
    columns: Ints,
) -> None:
    """The first ``AHEAD`` columns of each edge, walking round: downwards from its upper row on,
    upwards those that end at its lower row.

    Notes besides, for each edge, its upper corner and dx per row.
    """
    count = lines.size - 1
    for k in range(count):
        slopes[k] = (xs[k + 1] - xs[k]) / (ys[k + 1] - ys[k])
    for k in range(count):
        a, b = xs[k], xs[k + 1]
        upper_x[k] = a if ys[k] < ys[k + 1] else b
    for k in range(count):
        upper_y[k] = min(ys[k], ys[k + 1])
    for k in range(count):
        x, y, slope = upper_x[k], upper_y[k], slopes[k]
        middle = first + lines[k] - (0 if lines[k + 1] > lines[k] else AHEAD) + 0.5
        columns[4 * k] = int(np.ceil(x + (middle - y) * slope - 0.5))
        columns[4 * k + 1] = int(np.ceil(x + (middle + 1 - y) * slope - 0.5))
        columns[4 * k + 2] = int(np.ceil(x + (middle + 2 - y) * slope - 0.5))
        columns[4 * k + 3] = int(np.ceil(x + (middle + 3 - y) * slope - 0.5))


@compiled
def _two_starts(lines: Offsets, width: int, starts: Offsets) -> None:
    """Where the columns of each edge go if the polygon goes down once, and up once.

    A level edge, which crosses nothing, counts as upwards: what is noted for it lies above the rows
    that the upward edges still correct.
    """
    for k in range(starts.size):
        starts[k] = lines[k] + (AHEAD if lines[k + 1] > lines[k] else width)


@compiled
def _many_starts(lines: Offsets, top: int, width: int, starts: Offsets, ends: Offsets) -> int:
    """Where the columns of each edge go if it turns more often: a line of ``sides`` for each
    stretch up or down. ``ends`` gets the row where each stretch begins, and where it ends.

    Returns how many stretches there are. A level edge goes to a line of its own that nobody reads.
    """
    count = starts.size
    stretch, down, k = 0, True, top
    ends[0, 0] = lines[top]
    for _ in range(count):
        a, b = lines[k], lines[k + 1]
        if a == b:
            starts[k] = count * width
        else:
            if (b > a) != down:
                ends[stretch, 1] = a
                stretch, down = stretch + 1, not down
                ends[stretch, 0] = a
            starts[k] = stretch * width + a + (AHEAD if down else 0)
        k = k + 1 if k + 1 < count else 0
    ends[stretch, 1] = lines[top]
    return stretch + 1


@compiled
def _note(columns: Ints, starts: Offsets, start: int, stop: int, sides: Ints) -> None:
    """Note the columns of some edges in their order, so that each corrects the one before it.

    All four are read first, and places are unsigned: then one move does for all.
    """
    one, two, three, four = np.uint64(1), np.uint64(2), np.uint64(3), np.uint64(4)
    for k in range(np.uint64(start), np.uint64(stop)):
        at, place = np.uint64(starts[k]), four * k
        a, b, c, d = (
            columns[place],
            columns[place + one],
            columns[place + two],
            columns[place + three],
        )
        sides[at], sides[at + one], sides[at + two], sides[at + three] = a, b, c, d


@compiled
def _note_rest(
    first: int,
    lines: Offsets,
    upper_x: Floats,
    upper_y: Floats,
    slopes: Floats,
    starts: Offsets,
    sides: Ints,
) -> None:
    """Note what edges of more than ``AHEAD`` rows cross besides."""
    for k in range(starts.size):
        a, b = lines[k], lines[k + 1]
        if abs(b - a) <= AHEAD:
            continue
        x, y, slope = upper_x[k], upper_y[k], slopes[k]
        shift = starts[k] - a + (0 if b > a else AHEAD)
        begin, end = (a + AHEAD, b) if b > a else (b, a - AHEAD)
        for row in range(begin, end):
            sides[shift + row] = int(np.ceil(x + (first + row + 0.5 - y) * slope - 0.5))


@compiled
def _write_two(
    sides: Ints,
    width: int,
    first: int,
    height: int,
    limit: Offsets,
    y: Ints,
    x1: Ints,
    x2: Ints,
    at: int,
) -> int:
    """Write one span a row, between the two columns where it is crossed; returns the next place.

    Rows without a span are the exception: they are taken out again where there are any.
    """
    left, right = np.int32(limit[2]), np.int32(limit[3])
    start, down, up = np.uint64(at), np.uint64(AHEAD), np.uint64(width + AHEAD)
    least = np.int32(1)
    for row in range(np.uint64(height)):
        a, b = sides[down + row], sides[up + row]
        low, high = max(min(a, b), left), min(max(a, b), right)
        y[start + row] = np.int32(first + np.int64(row))
        x1[start + row], x2[start + row] = low, high
        least = min(least, np.int32(high - low))
    if least > 0:
        return at + height
    stop = at + height
    for k in range(at, stop):
        y[at], x1[at], x2[at] = y[k], x1[k], x2[k]
        at += x1[at] < x2[at]
    return at


@compiled
def _by_row(
    sides: Ints, width: int, ends: Offsets, stretches: int, counts: Offsets, crossed: Ints
) -> None:
    """Gather what the stretches note of each row: its n-th column at ``n * width + row``."""
    counts[:] = 0
    for k in range(stretches):
        for row in range(min(ends[k, 0], ends[k, 1]), max(ends[k, 0], ends[k, 1])):
            crossed[counts[row] * width + row] = sides[k * width + AHEAD + row]
            counts[row] += 1


@compiled
def _write_many(
    crossed: Ints,
    width: int,
    counts: Offsets,
    first: int,
    limit: Offsets,
    y: Ints,
    x1: Ints,
    x2: Ints,
    at: int,
) -> int:
    """Write the spans between the columns of each row by the even-odd rule; returns the next place.

    Most rows are crossed twice; the columns of others are sorted in place.
    """
    left, right = np.int32(limit[2]), np.int32(limit[3])
    for row in range(counts.size):
        end = counts[row] * width + row
        for k in range(row + width, end if counts[row] > 2 else row, width):
            column, place = crossed[k], k
            while place > row and crossed[place - width] > column:
                crossed[place] = crossed[place - width]
                place -= width
            crossed[place] = column
        for k in range(row, end, 2 * width):
            a, b = crossed[k], crossed[k + width]
            low, high = max(min(a, b), left), min(max(a, b), right)
            y[at], x1[at], x2[at] = first + row, low, high
            at += low < high
    return at


@compiled
def _longer(column: Ints, size: int) -> Ints:
    longer = np.empty(size, dtype=np.int32)
    longer[: column.size] = column
    return longer


@compiled
def draw_compiled(
    along_x: Floats | Rays,
    along_y: Floats | Rays,
    ways: Floats | Rays,
    origins: Floats | Rays,
    limit: Offsets,
    y: Ints,
    x1: Ints,
    x2: Ints,
) -> Drawn:
    """Draw polygon by polygon: cost grows with the perimeter, not with the area.

    Corner k of polygon i stands at ``origins[0, i] + along_x[i, k] * ways[0, k]``, and alike in y;
    so stars are drawn from their rays, without a list of corners in between. All four are float32,
    or all float64. ``limit`` is (first row, end row, first column, end column), ends excluded;
    ``y``, ``x1`` and ``x2`` are room for the spans, left for larger ones if it does not suffice. A
    closed line crosses each of its rows at least once each way; so where there are twice as many
    crossings as rows it goes down and up once, and what lies between is simple.
    """
    n, count = along_x.shape
    offsets = np.zeros(n + 1, dtype=np.int64)
    xs, ys, lines = np.zeros(count + 1), np.zeros(count + 1), np.zeros(count + 1, np.int64)
    upper_x, upper_y, slopes = np.zeros(count), np.zeros(count), np.zeros(count)
    columns = np.zeros(AHEAD * count, np.int32)
    starts, ends = np.zeros(count, np.int64), np.zeros((count, 2), np.int64)
    width, used = 64, 0
    sides, crossed = np.zeros((count + 1) * width, np.int32), np.zeros(count * width, np.int32)
    counts = np.zeros(width, np.int64)
    for i in range(n if count else 0):
        _place(along_x, i, ways, 0, origins[0, i], xs)
        _place(along_y, i, ways, 1, origins[1, i], ys)
        first, height = _rows(ys, limit, lines)
        crossings, longest = _crossings(lines)
        if used + crossings > y.size:
            size = 2 * (y.size + crossings)
            y, x1, x2 = _longer(y, size), _longer(x1, size), _longer(x2, size)
        if height + 2 * AHEAD > width:
            width = 2 * (height + AHEAD)
            counts, crossed = np.zeros(width, np.int64), np.zeros(count * width, np.int32)
            sides = np.zeros((count + 1) * width, np.int32)
        _columns(xs, ys, first, lines, upper_x, upper_y, slopes, columns)
        top, stretches = _top(lines), 2
        if crossings == 2 * height:
            _two_starts(lines, width, starts)
        else:
            stretches = _many_starts(lines, top, width, starts, ends)
        _note(columns, starts, top, count, sides)
        _note(columns, starts, 0, top, sides)
        if longest > AHEAD:
            _note_rest(first, lines, upper_x, upper_y, slopes, starts, sides)
        if crossings == 2 * height:
            used = _write_two(sides, width, first, height, limit, y, x1, x2, used)
        else:
            _by_row(sides, width, ends, stretches, counts[:height], crossed)
            used = _write_many(crossed, width, counts[:height], first, limit, y, x1, x2, used)
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
