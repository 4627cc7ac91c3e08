"""From an image, stored or just read, to what the engine looks at."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from segmentation.engine.types import Picture
from segmentation.engine.values import scaled, seen_values
from segmentation.interchange.types import ReadImage
from segmentation.models import Image
from segmentation.storage.planes import volume_open


def picture_open(image: Image, t: int = 0) -> Picture:
    """One moment ``t`` of a stored image as ``(c, z, y, x)``, mapped from disk where its values
    need no change."""
    stored = volume_open(image.pack_id)[t]
    is_turned = image.photometric == "MONOCHROME1"
    return Picture(
        pixels=seen_values(stored, image.slope, image.intercept, is_turned),
        spacing_mm=spacing_of(image),
        modality=image.modality,
    )


def picture_read(image: ReadImage, t: int = 0) -> Picture:
    """One moment ``t`` of an image out of a file, stored nowhere yet."""
    return Picture(
        pixels=seen_values(image.pixels[t], image.slope, image.intercept, image.inverted_display),
        spacing_mm=image.spacing_mm,
        modality=image.modality,
    )


def values_at(image: Image, t: int, place: tuple[slice, slice, slice]) -> NDArray[Any]:
    """The values of a stored image at moment ``t`` and ranges of z, y and x: ``(c, z, y, x)``, in
    the image's own unit, not turned round."""
    return scaled(volume_open(image.pack_id)[t][:, *place], image.slope, image.intercept)


def spacing_of(image: Image) -> tuple[float, float, float] | None:
    """The spacing ``(z, y, x)`` in millimetres, None where the file states none."""
    if not image.spacing_mm:
        return None
    z, y, x = (float(value) for value in image.spacing_mm)
    return z, y, x
