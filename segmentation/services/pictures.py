"""From a stored image to what the engine looks at: values in the image's own unit."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.types import Picture
from segmentation.models import Image
from segmentation.storage.planes import volume_open


def picture_open(image: Image, t: int = 0) -> Picture:
    """One moment ``t`` of an image as ``(c, z, y, x)``, mapped from disk where no scaling is due.

    Stored values become ``stored * slope + intercept`` in float32 unless that changes nothing.
    MONOCHROME1 is turned round: a network sees bone bright in every radiograph, as a reader does.
    """
    stored = volume_open(image.pack_id)[t]
    values = scaled(stored, image.slope, image.intercept)
    return Picture(
        pixels=turned(values) if image.photometric == "MONOCHROME1" else values,
        spacing_mm=spacing_of(image),
        modality=image.modality,
    )


def scaled(stored: NDArray[Any], slope: float, intercept: float) -> NDArray[Any]:
    if slope == 1.0 and intercept == 0.0:
        return stored
    return stored.astype(np.float32) * np.float32(slope) + np.float32(intercept)


def turned(values: NDArray[Any]) -> NDArray[np.float32]:
    """Low for high within the range that is there, in float32."""
    floats: NDArray[np.float32] = values.astype(np.float32)
    both_ends = np.float32(floats.min() + floats.max())
    return np.subtract(both_ends, floats, dtype=np.float32)


def spacing_of(image: Image) -> tuple[float, float, float] | None:
    """The spacing ``(z, y, x)`` in millimetres, None where the file states none."""
    if not image.spacing_mm:
        return None
    z, y, x = (float(value) for value in image.spacing_mm)
    return z, y, x
