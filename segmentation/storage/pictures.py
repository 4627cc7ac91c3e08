"""Small 8-bit pictures of stored pixels, made anew from decoded samples and never copied bytes."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

THUMBNAIL_PX = 192
QUALITY = 85
Window = tuple[float, float]


def thumbnail_jpeg(plane: NDArray[Any], window: Window | None, inverted: bool = False) -> bytes:
    """A JPEG of at most 192 pixels a side of one plane ``(c, y, x)``; see ``eight_bit``."""
    return _jpeg(eight_bit(plane, window, inverted), THUMBNAIL_PX)


def preview_jpeg(plane: NDArray[Any], window: Window | None, inverted: bool = False) -> bytes:
    """A full-size JPEG of one plane ``(c, y, x)``; see ``eight_bit``."""
    return _jpeg(eight_bit(plane, window, inverted), None)


def eight_bit(
    plane: NDArray[Any], window: Window | None, inverted: bool = False
) -> NDArray[np.uint8]:
    """Display values of one plane ``(c, y, x)`` as uint8 ``(y, x)`` or ``(y, x, 3)``.

    ``window`` is (centre, width) in stored values; without one, grey values are spread between
    their 0.5th and 99.5th percentile. Three channels of 8 bit are colour and stay as they are;
    any other number of channels is spread channel by channel, the first three shown as red,
    green and blue. ``inverted`` shows low values bright (MONOCHROME1).
    """
    channels = plane[:3]
    if len(channels) == 2:
        channels = np.concatenate([channels, np.zeros_like(channels[:1])])
    if len(channels) == 3:
        colour = plane.dtype == np.uint8 and len(plane) == 3
        shown = channels if colour else np.stack([_spread(one, None) for one in channels])
        return np.ascontiguousarray(shown.transpose(1, 2, 0))
    grey = _spread(channels[0], window)
    return np.asarray(255 - grey, dtype=np.uint8) if inverted else grey


def _spread(grey: NDArray[Any], window: Window | None) -> NDArray[np.uint8]:
    if window is not None and window[1] > 0:
        low, high = window[0] - window[1] / 2, window[0] + window[1] / 2
    else:
        low, high = (float(value) for value in np.percentile(grey, (0.5, 99.5)))
    scale = 255.0 / (high - low) if high > low else 0.0
    spread = np.clip((grey.astype(np.float32) - low) * scale, 0.0, 255.0)
    return np.asarray(np.rint(spread), dtype=np.uint8)


def _jpeg(pixels: NDArray[np.uint8], longest: int | None) -> bytes:
    picture = Pillow.fromarray(pixels)
    if longest is not None:
        picture.thumbnail((longest, longest), Pillow.Resampling.BOX)
    target = io.BytesIO()
    picture.save(target, "JPEG", quality=QUALITY)
    return target.getvalue()
