"""Label pictures: PNG and TIFF files whose pixel values are numbers of objects or classes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

from segmentation.interchange.budget import Budget
from segmentation.interchange.errors import UnreadableError, UnsupportedError, reading

Labels = NDArray[np.uint16]
_HIGHEST = 65535


def read_labels(path: Path, kind: str, budget: Budget) -> Labels:
    """Read a label picture as uint16 ``(z, y, x)`` on the file's own grid.

    Palette pictures give their indices, not their colours. Values must be whole and at most
    65,535; a picture in colours is refused, since no colour has a number.
    """
    with reading(f"This {kind.upper()} mask is damaged or cut short. Export it again."):
        array = _tiff_labels(path, budget) if kind == "tiff" else _png_labels(path, kind, budget)
    return as_labels(array)


def as_labels(array: NDArray[Any]) -> Labels:
    """Bring whole numbers of any type to uint16. Raises where that would change a value."""
    if array.dtype == np.uint16:
        return array
    if array.dtype.kind == "b":
        return array.astype(np.uint16)
    if array.dtype.kind not in "uif":
        raise UnsupportedError("The mask's values are not plain numbers. Save it with 16 bits.")
    if array.dtype.kind == "f" and not bool((array == np.rint(array)).all()):
        raise UnsupportedError(
            "The mask holds fractions. Save it with whole numbers: 0 for background, 1, 2, ..."
        )
    if array.size and (array.min() < 0 or array.max() > _HIGHEST):
        raise UnsupportedError(
            "The mask holds values below 0 or above 65535. Number its objects from 1."
        )
    return array.astype(np.uint16)


def write_labels(path: Path, labels: NDArray[Any], axes: str = "") -> None:
    """Write ``(z, y, x)`` or ``(y, x)`` labels: ``.png`` for one slice, ``.tif`` for any number.

    Eight bits where all values fit, sixteen otherwise; compressed without loss. ``axes``, such as
    "TYX", tells a TIFF's readers what its pages are.
    """
    array = as_labels(labels)
    stack = array if array.ndim == 3 else array[np.newaxis]
    small = stack.astype(np.uint8) if stack.size == 0 or stack.max() < 256 else stack
    if path.suffix.lower() == ".png":
        if len(small) != 1:
            raise UnsupportedError("A PNG mask has one slice. Export a volume as TIFF or NIfTI.")
        path.write_bytes(imagecodecs.png_encode(np.ascontiguousarray(small[0])))
        return
    planes = small if len(small) > 1 else small[0]
    told = {"axes": axes} if axes and planes.ndim == len(axes) else None
    tifffile.imwrite(path, planes, compression="deflate", photometric="minisblack", metadata=told)


def _tiff_labels(path: Path, budget: Budget) -> NDArray[Any]:
    with tifffile.TiffFile(path) as tiff:
        series = tiff.series[0]
        budget.claim(series.shape, series.dtype.itemsize)
        array = series.asarray()
    if array.ndim not in (2, 3) or series.axes.endswith("S"):
        raise UnsupportedError("The TIFF mask is in colour. Save it as one channel of numbers.")
    return array if array.ndim == 3 else array[np.newaxis]


def _png_labels(path: Path, kind: str, budget: Budget) -> NDArray[Any]:
    with Image.open(path, formats=(kind.upper(),)) as picture:
        budget.claim((len(picture.getbands()), picture.height, picture.width), 2)
        mode = picture.mode
        array = np.asarray(picture)
    if mode in ("LA", "RGB", "RGBA"):
        colour = array[..., : 1 if mode == "LA" else 3]
        if not (colour == colour[..., :1]).all():
            raise UnsupportedError(
                "The mask is a colour picture. Save it as one channel with numbers for objects."
            )
        array = colour[..., 0]
    if array.ndim != 2:
        raise UnreadableError("The mask is not a plain picture. Save it as an 8 or 16 bit PNG.")
    return array[np.newaxis]
