"""From the channels of an image to what the network shall see: brightness, a dye, a window."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.config import Step
from segmentation.engine.errors import InvalidRecipeError, UnsuitableImageError

Pixels = NDArray[np.float32]

LUMINANCE = np.array([0.299, 0.587, 0.114], dtype=np.float32)
"""Weights of red, green and blue, ITU-R BT.601."""

STAINS = np.array([[0.65, 0.70, 0.29], [0.07, 0.99, 0.11], [0.27, 0.57, 0.78]])
"""Optical density in red, green and blue of haematoxylin, eosin and DAB.

Ruifrok and Johnston, Quantification of histochemical staining by color deconvolution, Anal Quant
Cytol Histol 23(4), 2001, normalised matrix. The third row takes up what is neither.
"""

DYES = {"haematoxylin": 0, "eosin": 1}


def grey(pixels: Pixels, step: Step, white: float) -> Pixels:
    """Return the channels that the step asks for, float32 ``(c, z, y, x)``.

    ``white`` is the value of full light in the source's own type (255 for bytes); only stain
    separation uses it. Raises ``UnsuitableImageError`` where the image lacks the channels.
    """
    if step.method == "keep":
        return pixels
    if step.method == "luminance":
        return luminance(pixels)
    if step.method == "channel":
        index = step.integer("index")
        if index > pixels.shape[0]:
            raise UnsuitableImageError(
                f"The recipe takes channel {index}, but the image has only {pixels.shape[0]}. "
                "Choose another channel in the project's recipe."
            )
        return pixels[index - 1 : index]
    if step.method == "stain":
        return separate_stain(pixels, str(step.options["dye"]), white)
    if step.method == "window":
        low = step.number("centre") - step.number("width") / 2
        stretched = (pixels - np.float32(low)) / np.float32(step.number("width"))
        return np.asarray(np.clip(stretched, 0, 1), dtype=np.float32)
    raise InvalidRecipeError(f"There is no grey scale called “{step.method}”.")


def luminance(pixels: Pixels) -> Pixels:
    """Return one channel: as it is, red-green-blue weighted (no alpha), or the mean of all."""
    channels = pixels.shape[0]
    if channels == 1:
        return pixels
    if channels in (3, 4):
        return np.tensordot(LUMINANCE, pixels[:3], axes=1)[None].astype(np.float32)
    return np.asarray(pixels.mean(axis=0, keepdims=True), dtype=np.float32)


def separate_stain(pixels: Pixels, dye: str, white: float) -> Pixels:
    """Return how much of one dye each pixel holds, in optical density, never negative.

    By Beer and Lambert's law densities add up, so the amounts solve a 3 x 3 linear system in the
    dyes' unit vectors (Ruifrok and Johnston 2001). Light is counted from 1 to keep its logarithm
    finite. ``pixels`` is ``(3 or 4, z, y, x)`` in 0 to ``white``.
    """
    if pixels.shape[0] not in (3, 4):
        raise UnsuitableImageError(
            "Stain separation needs a colour image; this one has no red, green and blue. "
            "Choose luminance or one channel in the project's recipe."
        )
    light = (np.clip(pixels[:3], 0, white) + 1) / np.float32(white + 1)
    density = -np.log10(light)
    unit = STAINS / np.linalg.norm(STAINS, axis=1, keepdims=True)
    weights = np.linalg.inv(unit)[:, DYES[dye]].astype(np.float32)
    return np.maximum(np.tensordot(weights, density, axes=1), 0)[None].astype(np.float32)
