"""Any kind of number to the 8 or 16 bits that are stored, with the error stated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segmentation.interchange.errors import UnsupportedError

_STORED = (np.uint8, np.int16, np.uint16)
_SLAB = 1 << 22


@dataclass(frozen=True)
class StoredValues:
    """Pixels as stored; a value is ``pixel * slope + intercept`` up to ``error``."""

    pixels: NDArray[Any]
    slope: float
    intercept: float
    error: float
    non_finite: int


def store(array: NDArray[Any], slope: float = 1.0, intercept: float = 0.0) -> StoredValues:
    """Bring an array to uint8, uint16 or int16, exactly wherever that can be done.

    array: any shape, bool, integer or float, standing for ``array * slope + intercept``. Whole
    slopes and intercepts are folded into the pixels where the result fits; whole numbers of any
    type are kept exactly if they span at most 65,536 steps; everything else is spread linearly
    over uint16, with an error of half a step. NaN and infinities become the smallest finite value
    and are counted.
    """
    if array.dtype.kind not in "buif":
        raise UnsupportedError(
            "The voxels are complex or compound numbers. Export a magnitude image instead."
        )
    whole, non_finite = _finite(_native(array))
    low, high = (float(whole.min()), float(whole.max())) if whole.size else (0.0, 0.0)
    if whole.dtype.kind != "f" or _is_whole(whole, low, high):
        folded = _fold(whole, low, high, slope, intercept, non_finite)
        if folded is not None:
            return folded
    return _spread(whole, low, high, slope, intercept, non_finite)


def _finite(array: NDArray[Any]) -> tuple[NDArray[Any], int]:
    if array.dtype.kind == "b":
        return array.astype(np.uint8), 0
    if array.dtype.kind != "f":
        return array, 0
    bad = ~np.isfinite(array)
    count = int(bad.sum())
    if not count:
        return array, 0
    good = array[~bad]
    lowest = good.min() if good.size else 0.0
    return np.where(bad, lowest, array), count


def _is_whole(array: NDArray[Any], low: float, high: float) -> bool:
    return high - low <= 65535 and abs(low) < 2**53 and bool((array == np.rint(array)).all())


def _fold(
    array: NDArray[Any], low: float, high: float, slope: float, intercept: float, non_finite: int
) -> StoredValues | None:
    """Keep whole numbers exactly: with the rescale applied, as they are, or moved to zero."""
    unscaled = slope == 1.0 and intercept == 0.0
    if unscaled and array.dtype in _STORED:
        return StoredValues(array, 1.0, 0.0, 0.0, non_finite)
    if float(slope).is_integer() and float(intercept).is_integer() and slope:
        ends = sorted((low * slope + intercept, high * slope + intercept))
        kind = _fitting(ends[0], ends[1])
        if kind is not None:
            pixels = _by_slabs(array, kind, lambda slab: slab * slope + intercept)
            return StoredValues(pixels, 1.0, 0.0, 0.0, non_finite)
    if array.dtype in _STORED:
        return StoredValues(array, slope, intercept, 0.0, non_finite)
    kind = _fitting(low, high)
    if kind is not None:
        return StoredValues(array.astype(kind), slope, intercept, 0.0, non_finite)
    if high - low > 65535:
        return None
    pixels = _by_slabs(array, np.uint16, lambda slab: slab - low)
    return StoredValues(pixels, slope, low * slope + intercept, 0.0, non_finite)


def _spread(
    array: NDArray[Any], low: float, high: float, slope: float, intercept: float, non_finite: int
) -> StoredValues:
    step = (high - low) / 65535 if high > low else 1.0
    pixels = _by_slabs(array, np.uint16, lambda slab: np.rint((slab - low) / step).clip(0, 65535))
    error = abs(step * slope) / 2 if high > low else 0.0
    return StoredValues(pixels, step * slope, low * slope + intercept, error, non_finite)


def _by_slabs(
    array: NDArray[Any],
    kind: type[np.generic],
    change: Callable[[NDArray[np.float64]], NDArray[np.float64]],
) -> NDArray[Any]:
    """Apply a change in double precision a slab at a time, so that no second copy is 64 bit."""
    source = np.ascontiguousarray(array).reshape(-1)
    result = np.empty(source.shape, kind)
    for start in range(0, source.size, _SLAB):
        part = slice(start, start + _SLAB)
        result[part] = change(source[part].astype(np.float64))
    return result.reshape(array.shape)


def _fitting(low: float, high: float) -> type[np.generic] | None:
    for kind in _STORED:
        if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max:
            return kind
    return None


def _native(array: NDArray[Any]) -> NDArray[Any]:
    return array.astype(array.dtype.newbyteorder("<"), copy=False)
