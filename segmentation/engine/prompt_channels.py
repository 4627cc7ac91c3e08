"""What a prompt network sees: the image at one brightness, and what a person pointed at."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from segmentation.engine.networks.prompt import PROMPT_CHANNELS
from segmentation.engine.prompts import Look

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]
INSIDE, OUTSIDE, PREVIOUS, BOX = -PROMPT_CHANNELS, -3, -2, -1
"""Channels from the end, whatever the number of the image's own."""

RADIUS_FLAT = 4
RADIUS_SOLID = 2
"""Cells that a click is drawn with, enough to be seen after the first halving."""


def encode(look: Look, channels: int) -> Floats:
    """The network's input ``(channels + 4, z, y, x)`` for one look."""
    image = levelled(look.pixels)
    if image.shape[0] != channels:
        image = np.repeat(image.mean(axis=0, keepdims=True), channels, axis=0)
    empty = np.zeros(look.inside.shape, np.float32)
    box = empty if look.box is None else look.box.astype(np.float32)
    before = empty if look.previous is None else look.previous.astype(np.float32)
    return np.concatenate(
        [image, spots(look.inside)[None], spots(look.outside)[None], before[None], box[None]]
    ).astype(np.float32)


def levelled(pixels: Floats) -> Floats:
    """Mean 0 and spread 1 over all channels, the brightest and darkest hundredth cut off."""
    low, high = np.percentile(pixels, [1, 99])
    cut = np.clip(pixels, low, high)
    spread = float(cut.std())
    if spread < 1e-6 * max(1.0, abs(float(high))):
        return np.zeros_like(pixels)
    levelled: Floats = ((cut - cut.mean()) / spread).astype(np.float32)
    return levelled


def spots(cells: Bools) -> Floats:
    """Every cell as a disc (a ball in a volume)."""
    if cells.shape[0] == 1:
        side = 2 * RADIUS_FLAT + 1
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
        return cv2.dilate(cells[0].astype(np.uint8), disc)[None].astype(np.float32)
    grid = np.mgrid[[slice(-RADIUS_SOLID, RADIUS_SOLID + 1)] * 3]
    ball = (grid**2).sum(axis=0) <= RADIUS_SOLID**2 + 1
    return ndimage.binary_dilation(cells, ball).astype(np.float32)
