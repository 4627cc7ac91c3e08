"""An image on another grid of pixels that covers the same field.

Grids are aligned by their outer edges: pixel i of n new ones lies at ``(i + 0.5) * m / n - 0.5`` of
m old ones, so a field keeps its size in mm whatever the number of pixels. Interpolation along an
axis is a matrix that is 0 far from its diagonal; an image is resampled by products of its blocks.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Pixels = NDArray[np.float32]
Shape = tuple[int, int, int]
T = TypeVar("T", bound=np.generic)

PADDING = 12
"""Repeated pixels beyond each edge, as many as scipy.ndimage.zoom takes for mode "nearest"."""


BLOCK = 32
"""Rows of an operator that are multiplied at once."""

SLAB = 1 << 18
"""Pixels of neighbouring planes that are resampled together: 1 MiB."""

NEGLIGIBLE = 1e-8
"""Weights below this count as 0: a spline's weights fall by 3.7 with each pixel and never end."""


def operator(old: int, new: int, order: int, smooth: bool = False) -> Pixels:
    """Return the matrix ``(new, old)`` that interpolates along an axis, float32, read-only.

    Order 1 is linear, 3 the cubic B-spline through the samples (Unser, Splines: a perfect fit for
    signal and image processing, 1999). Beyond the edge the outermost sample is repeated. The
    columns are what interpolation makes of a single 1, so the result equals
    ``scipy.ndimage.zoom(order, mode="nearest", grid_mode=True)``. With ``smooth``, an axis that
    shrinks by a factor f is smoothed first by a Gaussian of width (f - 1) / 2 pixels.
    """
    samples = np.pad(np.eye(old), ((PADDING, PADDING), (0, 0)), mode="edge")
    places = (np.arange(new) + 0.5) * old / new - 0.5
    base = np.floor(places)
    t = (places - base)[:, None]
    if order == 1:
        weights = np.concatenate([1 - t, t], axis=1)
    else:
        samples = ndimage.spline_filter1d(samples, 3, axis=0, mode="mirror")
        weights = np.concatenate(
            [
                (1 - t) ** 3 / 6,
                2 / 3 - t**2 + t**3 / 2,
                2 / 3 - (1 - t) ** 2 + (1 - t) ** 3 / 2,
                t**3 / 6,
            ],
            axis=1,
        )
    first = base.astype(np.int64) + PADDING - (order == 3)
    columns = first[:, None] + np.arange(weights.shape[1])
    matrix = np.zeros((new, old))
    for tap in range(weights.shape[1]):
        matrix += weights[:, tap, None] * samples[columns[:, tap]]
    if smooth and new < old:
        sigma = (old / new - 1) / 2
        matrix = matrix @ ndimage.gaussian_filter1d(np.eye(old), sigma, axis=0, mode="nearest")
    result: Pixels = matrix.astype(np.float32)
    result.setflags(write=False)
    return result


@lru_cache(maxsize=32)
def bands(old: int, new: int, order: int, smooth: bool) -> tuple[tuple[slice, slice, Pixels], ...]:
    """The blocks of an operator that are not 0: which new pixels, from which old ones, and how."""
    matrix = operator(old, new, order, smooth)
    found = []
    for start in range(0, new, BLOCK):
        rows = slice(start, min(start + BLOCK, new))
        used = np.flatnonzero(np.abs(matrix[rows]).max(axis=0) > NEGLIGIBLE)
        columns = slice(int(used[0]), int(used[-1]) + 1)
        found.append((rows, columns, np.ascontiguousarray(matrix[rows, columns])))
    return tuple(found)


def _along(pixels: Pixels, axis: int, new: int, order: int, smooth: bool) -> Pixels:
    """Interpolate a contiguous array along one axis, without turning it round."""
    result = np.empty((*pixels.shape[:axis], new, *pixels.shape[axis + 1 :]), np.float32)
    _write_along(pixels, axis, order, smooth, result)
    return result


def _write_along(pixels: Pixels, axis: int, order: int, smooth: bool, result: Pixels) -> None:
    """Interpolate along one axis into ``result``, both contiguous and as long on other axes."""
    old, new = pixels.shape[axis], result.shape[axis]
    before, after = math.prod(pixels.shape[:axis]), math.prod(pixels.shape[axis + 1 :])
    if after == 1:
        flat, lines = pixels.reshape(-1, old), result.reshape(-1, new)
        for rows, columns, weights in bands(old, new, order, smooth):
            np.matmul(flat[:, columns], weights.T, out=lines[:, rows])
        return
    stacked, found = pixels.reshape(before, old, after), result.reshape(before, new, after)
    for rows, columns, weights in bands(old, new, order, smooth):
        np.matmul(weights, stacked[:, columns], out=found[:, rows])


def _within_planes(
    pixels: Pixels, height_width: tuple[int, int], order: int, smooth: bool
) -> Pixels:
    """Interpolate ``(c, z, y, x)`` along y and x, some planes at a time.

    What one axis leaves for the other is still in the processor's cache then: a volume that shrinks
    from 192 to 128 pixels a side takes a sixth less time.
    """
    planes = pixels.reshape(-1, *pixels.shape[2:])
    sizes = dict(zip((1, 2), height_width, strict=True))
    axes = [a for a in _by_shrinkage(planes.shape, sizes) if sizes[a] != planes.shape[a]]
    if not axes:
        return pixels
    result = np.empty((planes.shape[0], *height_width), np.float32)
    step = max(1, SLAB // max(1, planes[:1].size))
    for start in range(0, planes.shape[0], step):
        part = planes[start : start + step]
        for axis in axes[:-1]:
            part = _along(part, axis, sizes[axis], order, smooth)
        _write_along(part, axes[-1], order, smooth, result[start : start + step])
    return result.reshape(*pixels.shape[:2], *height_width)


def _by_shrinkage(shape: tuple[int, ...], sizes: Mapping[int, int]) -> list[int]:
    """Axes, the one that shrinks most first: what is left to do for the others is least then."""
    return sorted(sizes, key=lambda axis: sizes[axis] / shape[axis])


def resample(pixels: Pixels, shape_zyx: Shape, order: int = 3, smooth: bool = False) -> Pixels:
    """Interpolate ``(c, z, y, x)`` on a grid of ``shape_zyx`` pixels over the same field.

    With ``smooth``, axes that shrink by a factor f are smoothed first by a Gaussian of width
    (f - 1) / 2 pixels, which keeps fine texture from turning into false coarse one. Axes that
    keep their size are left alone. Returns float32.
    """
    result = np.ascontiguousarray(pixels, dtype=np.float32)
    depth, plane = shape_zyx[0], shape_zyx[1:]
    least = min(plane[0] / result.shape[2], plane[1] / result.shape[3])
    first = depth / result.shape[1] < least
    if first and depth != result.shape[1]:
        result = _along(result, 1, depth, order, smooth)
    result = _within_planes(result, plane, order, smooth)
    if depth != result.shape[1]:
        result = _along(result, 1, depth, order, smooth)
    return result


def nearest(old: int, new: int) -> NDArray[np.int64]:
    """Return for each of ``new`` pixels the one of ``old`` pixels that its centre lies in."""
    return (2 * np.arange(new) + 1) * old // (2 * new)


def resample_nearest(labels: NDArray[T], shape_zyx: Shape) -> NDArray[T]:
    """Take labels ``(z, y, x)`` to another grid: each pixel gets the label at its centre."""
    result = labels
    for axis, new in enumerate(shape_zyx):
        if result.shape[axis] != new:
            result = np.take(result, nearest(result.shape[axis], new), axis=axis)
    return result


def resample_argmax(
    scores: Pixels, shape_zyx: Shape, look: Callable[[int, Pixels], None] | None = None
) -> NDArray[np.uint8]:
    """Interpolate class scores ``(c, z, y, x)`` linearly and return the best class per pixel.

    Slice by slice, so that memory holds the scores of one slice of the result only. Ties go to
    the lower class. At most 256 classes. ``look`` is shown each slice's z and its scores
    ``(c, y, x)`` in order.
    """
    if scores.shape[1:] == shape_zyx:
        if look is not None:
            for z in range(shape_zyx[0]):
                look(z, scores[:, z])
        return np.asarray(scores.argmax(axis=0), dtype=np.uint8)
    result = np.empty(shape_zyx, dtype=np.uint8)
    weights = operator(scores.shape[1], shape_zyx[0], 1)
    for z, row in enumerate(weights):
        taps = np.flatnonzero(row)
        plane = np.tensordot(row[taps], scores[:, taps], axes=(0, 1))[:, None]
        fine = resample(plane, (1, *shape_zyx[1:]), order=1)[:, 0]
        result[z] = fine.argmax(axis=0)
        if look is not None:
            look(z, fine)
    return result
