"""Small operations on pixel arrays ``(c, z, y, x)`` that training and prediction share."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.errors import UnsuitableImageError


def match_channels(pixels: NDArray[np.float32], channels: int) -> NDArray[np.float32]:
    """Give an image the number of channels a network takes.

    Grey is repeated for a colour network; colour is averaged for a grey one. Anything else has no
    obvious answer and is refused.
    """
    have = pixels.shape[0]
    if have == channels:
        return pixels
    if have == 1:
        return np.repeat(pixels, channels, axis=0)
    if channels == 1:
        grey: NDArray[np.float32] = pixels.mean(axis=0, keepdims=True, dtype=np.float32)
        return grey
    raise UnsuitableImageError(
        f"The image has {have} channels, but the network takes {channels}. Choose a network for "
        "such images, or a recipe that turns the image grey."
    )


def round_up(size: int, step: int) -> int:
    """The smallest multiple of ``step`` that is at least ``size`` and at least ``step``."""
    return max(1, -(-size // step)) * step
