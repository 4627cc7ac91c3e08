"""From stored samples to the values that networks see, the same in every way into the engine."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def seen_values(
    stored: NDArray[Any], slope: float, intercept: float, low_is_bright: bool
) -> NDArray[Any]:
    """Values as a network sees them: in the image's own unit, high for bright.

    ``stored`` has any shape and is answered as it is where nothing is due, so that a map from disk
    stays one; else the answer is float32. ``low_is_bright`` says that the image is MONOCHROME1: it
    is turned round, so that bone is bright in every radiograph, as a reader sees it.
    """
    values = scaled(stored, slope, intercept)
    return turned(values) if low_is_bright else values


def scaled(stored: NDArray[Any], slope: float, intercept: float) -> NDArray[Any]:
    """``stored * slope + intercept`` in float32, unless that changes nothing."""
    if slope == 1.0 and intercept == 0.0:
        return stored
    return stored.astype(np.float32) * np.float32(slope) + np.float32(intercept)


def turned(values: NDArray[Any]) -> NDArray[np.float32]:
    """Low for high within the range that is there, in float32."""
    floats: NDArray[np.float32] = values.astype(np.float32)
    both_ends = np.float32(floats.min() + floats.max())
    return np.subtract(both_ends, floats, dtype=np.float32)
