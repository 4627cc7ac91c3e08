"""The inner loops of surface distances, compiled: surfaces, and how far each pixel is from one.

Exact Euclidean distances: along each row by two passes, within each slice by the lower envelope of
parabolas (Felzenszwalb and Huttenlocher, Distance transforms of sampled functions, 2012), and
across slices by looking outwards from each pixel that is asked about, until no slice can be nearer.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.compiled import compiled

Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]


@compiled
def surface_of(mask: Mask, axes: int) -> Mask:
    """The pixels of ``mask`` (z, y, x) with a face neighbour that is clear or beyond the edge.

    Only the last ``axes`` axes count.
    """
    depth, height, width = mask.shape
    result = np.zeros(mask.shape, dtype=np.bool_)
    for z in range(depth):
        for y in range(height):
            for x in range(width):
                if not mask[z, y, x]:
                    continue
                inner = 0 < x < width - 1 and mask[z, y, x - 1] and mask[z, y, x + 1]
                if inner and axes > 1:
                    inner = 0 < y < height - 1 and mask[z, y - 1, x] and mask[z, y + 1, x]
                if inner and axes > 2:
                    inner = 0 < z < depth - 1 and mask[z - 1, y, x] and mask[z + 1, y, x]
                result[z, y, x] = not inner
    return result


@compiled
def _along_rows(marked: Mask, step: float, squared: Floats) -> None:
    """Set the squared distance of every pixel of a slice to the nearest marked one in its row."""
    height, width = marked.shape
    for y in range(height):
        last = -1
        for x in range(width):
            if marked[y, x]:
                last = x
            squared[y, x] = ((x - last) * step) ** 2 if last >= 0 else np.inf
        last = -1
        for x in range(width - 1, -1, -1):
            if marked[y, x]:
                last = x
            if last >= 0:
                squared[y, x] = min(squared[y, x], ((last - x) * step) ** 2)


@compiled
def _along_columns(squared: Floats, step: float, spots: NDArray[np.int64], starts: Floats) -> None:
    """Turn squared distances within rows into those within the slice, in place.

    ``spots`` and ``starts`` are room for a column: the rows whose parabolas form the envelope, and
    from where on each is the lowest.
    """
    height, width = squared.shape
    column = np.zeros(height)
    for x in range(width):
        count = 0
        for y in range(height):
            column[y] = squared[y, x]
            if not np.isfinite(column[y]):
                continue
            height_here = column[y] / (step * step) + y * y
            start = -np.inf
            while count:
                rival = spots[count - 1]
                start = (height_here - column[rival] / (step * step) - rival * rival) / (
                    2.0 * (y - rival)
                )
                if start > starts[count - 1]:
                    break
                count -= 1
                start = -np.inf
            spots[count], starts[count] = y, start
            count += 1
        if count == 0:
            continue
        place = 0
        for y in range(height):
            while place + 1 < count and starts[place + 1] < y:
                place += 1
            squared[y, x] = ((y - spots[place]) * step) ** 2 + column[spots[place]]


@compiled
def distances_to(marked: Mask, asked: Mask, steps: Floats) -> Floats:
    """For every pixel of ``asked`` the distance to the nearest one of ``marked``, in row order.

    Both are (z, y, x); ``steps`` is the size of a pixel along each axis. At least one is marked.
    """
    depth, height, width = marked.shape
    squared = np.zeros((depth, height, width))
    spots, starts = np.zeros(height, dtype=np.int64), np.zeros(height)
    for z in range(depth):
        _along_rows(marked[z], steps[2], squared[z])
        if height > 1:
            _along_columns(squared[z], steps[1], spots, starts)
    result = np.zeros(asked.sum())
    found = 0
    for z in range(depth):
        for y in range(height):
            for x in range(width):
                if not asked[z, y, x]:
                    continue
                best, away = squared[z, y, x], 1
                while away < depth and (away * steps[0]) ** 2 < best:
                    far = (away * steps[0]) ** 2
                    if z >= away:
                        best = min(best, far + squared[z - away, y, x])
                    if z + away < depth:
                        best = min(best, far + squared[z + away, y, x])
                    away += 1
                result[found] = np.sqrt(best)
                found += 1
    return result
