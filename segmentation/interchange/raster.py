"""PNG, JPEG and TIFF pictures in; label pictures in and out.

Pixels are read as they were measured: 16 bits stay 16 bits in every channel, nothing is
stretched. Pictures are turned upright by their own orientation tag, and the grid says how.
"""

from __future__ import annotations

import struct
import warnings
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from segmentation.interchange.budget import Budget
from segmentation.interchange.errors import reading
from segmentation.interchange.kinds import kind_of_pixels
from segmentation.interchange.types import ReadImage, SourceGrid
from segmentation.interchange.values import store

# Sizes are checked against the budget before any pixel is decoded.
Image.MAX_IMAGE_PIXELS = None

_ORIENTATION_TAG = 0x0112
_TURNS: dict[int, tuple[bool, bool, bool]] = {
    1: (False, False, False),
    2: (False, False, True),
    3: (False, True, True),
    4: (False, True, False),
    5: (True, False, False),
    6: (True, False, True),
    7: (True, True, True),
    8: (True, True, False),
}
"""Orientation tag to (transpose, flip rows, flip columns), the flips after the transpose."""


def upright_grid(shape: tuple[int, int, int], orientation: int) -> SourceGrid:
    """Make the grid of a picture that its orientation tag (1 to 8) turns upright."""
    transpose, flip_rows, flip_columns = _TURNS.get(orientation, _TURNS[1])
    return SourceGrid(
        permutation=(0, 2, 1) if transpose else (0, 1, 2),
        flips=(False, flip_rows, flip_columns),
        shape=shape,
    )


def read_picture(path: Path, kind: str, budget: Budget) -> ReadImage:
    """Read a PNG or JPEG file (``kind`` as ``sniff`` names it) as one slice of one time step."""
    notes: list[str] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        channels, orientation = _decode(path, kind, budget, notes)
    grid = upright_grid((1, *channels.shape[1:]), orientation)
    upright = grid.from_source(channels[np.newaxis, :, np.newaxis])
    return image_of(upright, grid, tuple(notes))


def image_of(
    pixels: NDArray[Any], grid: SourceGrid, notes: tuple[str, ...] = (), **more: Any
) -> ReadImage:
    """Wrap decoded samples ``(t, c, z, y, x)`` of a picture without patient geometry."""
    stored = store(grey_if_equal(pixels))
    if stored.non_finite:
        notes += (f"{stored.non_finite} values are not numbers; they were set to the smallest.",)
    return ReadImage(
        pixels=stored.pixels,
        source=grid,
        kind=kind_of_pixels(stored.pixels),
        photometric="MONOCHROME2" if stored.pixels.shape[1] == 1 else "RGB",
        slope=stored.slope,
        intercept=stored.intercept,
        value_error=stored.error,
        warnings=notes,
        **more,
    )


def grey_if_equal(pixels: NDArray[Any]) -> NDArray[Any]:
    """Keep one of three equal channels: a grey picture saved as colour is a grey picture."""
    if pixels.shape[1] != 3 or pixels.size == 0:
        return pixels
    first = pixels[:, :1]
    equal = (pixels[:, 1:2] == first).all() and (pixels[:, 2:] == first).all()
    return first if equal else pixels


def _decode(path: Path, kind: str, budget: Budget, notes: list[str]) -> tuple[NDArray[Any], int]:
    """Give samples ``(c, y, x)`` as the file lays them out, and the orientation tag."""
    sentence = f"This {kind.upper()} file is damaged or cut short. Export it again."
    with reading(sentence), Image.open(path, formats=(kind.upper(),)) as picture:
        deep = kind == "png" and _png_depth(path) == 16
        depth = 2 if deep or picture.mode.startswith("I") else 1
        budget.claim((len(picture.getbands()), picture.height, picture.width), depth)
        if getattr(picture, "n_frames", 1) > 1:
            notes.append("The file holds several frames; only the first one was read.")
        # Pillow cuts deep colour to 8 bits, so 16 bit files go to libpng itself.
        samples = imagecodecs.png_decode(path.read_bytes()) if deep else np.asarray(_plain(picture))
        # Only now: asking for EXIF decodes a PNG, and a failure there must not pass unseen.
        return _channels_first(samples), _orientation(picture)


def _plain(picture: Image.Image) -> Image.Image:
    """Turn palettes, print colours and single bits into grey or RGB samples."""
    if picture.mode == "P":
        return picture.convert("RGB")
    if picture.mode in ("CMYK", "YCbCr", "LAB", "HSV", "PA"):
        return picture.convert("RGB")
    return picture.convert("L") if picture.mode == "1" else picture


def _channels_first(samples: NDArray[Any]) -> NDArray[Any]:
    """Bring ``(y, x)`` or ``(y, x, c)`` to ``(c, y, x)`` and leave out an opacity channel."""
    if samples.ndim == 2:
        return samples[np.newaxis]
    moved = np.moveaxis(samples, -1, 0)
    return moved[: 1 if len(moved) < 3 else 3]


def _orientation(picture: Image.Image) -> int:
    try:
        return int(picture.getexif().get(_ORIENTATION_TAG, 1))
    except Exception:
        # A damaged EXIF block says nothing about the pixels, which are still good.
        return 1


def _png_depth(path: Path) -> int:
    with path.open("rb") as stream:
        head = stream.read(26)
    return struct.unpack(">B", head[24:25])[0] if len(head) == 26 else 8
