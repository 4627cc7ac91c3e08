"""Noise removed from an image: median, Gaussian, bilateral, non-local means.

Arrays are float32 ``(c, z, y, x)``. Median and Gaussian look at the neighbours in all axes of a
volume; the other two go slice by slice. Beyond the edge the outermost pixel is repeated (OpenCV's
non-local means mirrors instead).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from segmentation.engine.config import Step
from segmentation.engine.errors import InvalidRecipeError

Pixels = NDArray[np.float32]
Plane = Callable[[Pixels], Pixels]

LARGEST_FLOAT_MEDIAN = 2
"""OpenCV takes the median of floats up to this radius; beyond it only of bytes."""


def denoise(pixels: Pixels, step: Step) -> Pixels:
    """Return the image without noise, of the same shape; the method is the step's."""
    if step.method == "off":
        return pixels
    if step.method == "median":
        return _median(pixels, step.integer("radius"))
    if step.method == "gaussian":
        return _gaussian(pixels, step.number("sigma"))
    low, high = float(pixels.min()), float(pixels.max())
    if high <= low:
        return pixels
    if step.method == "bilateral":
        contrast = step.number("contrast") / 100 * (high - low)
        return _by_plane(pixels, lambda plane: _bilateral(plane, step.number("sigma"), contrast))
    if step.method == "nlm":
        return _by_plane(pixels, lambda plane: _non_local_means(plane, step, low, high))
    raise InvalidRecipeError(f"There is no way to denoise called “{step.method}”.")


def _by_plane(pixels: Pixels, change: Plane) -> Pixels:
    """Change each slice; three channels go together ``(y, x, 3)``, any other number one by one."""
    result = np.empty_like(pixels)
    for z in range(pixels.shape[1]):
        if pixels.shape[0] == 3:
            plane = np.ascontiguousarray(np.moveaxis(pixels[:, z], 0, -1))
            result[:, z] = np.moveaxis(change(plane), -1, 0)
        else:
            for c in range(pixels.shape[0]):
                result[c, z] = change(np.ascontiguousarray(pixels[c, z]))
    return result


def _each_channel(pixels: Pixels, change: Plane) -> Pixels:
    return np.stack([change(channel) for channel in pixels])


def _floats(plane: NDArray[Any]) -> Pixels:
    return np.asarray(plane, dtype=np.float32)


def _median(pixels: Pixels, radius: int) -> Pixels:
    size = 2 * radius + 1
    if pixels.shape[1] > 1:
        return _each_channel(
            pixels, lambda volume: ndimage.median_filter(volume, size, mode="nearest")
        )
    if radius <= LARGEST_FLOAT_MEDIAN:
        return _by_plane(pixels, lambda plane: _floats(cv2.medianBlur(plane, size)))
    return _each_channel(
        pixels, lambda volume: ndimage.median_filter(volume, (1, size, size), mode="nearest")
    )


def _gaussian(pixels: Pixels, sigma: float) -> Pixels:
    if pixels.shape[1] > 1:
        return _each_channel(
            pixels, lambda volume: ndimage.gaussian_filter(volume, sigma, mode="nearest")
        )
    side = 2 * int(4 * sigma + 0.5) + 1
    return _by_plane(
        pixels,
        lambda plane: _floats(
            cv2.GaussianBlur(
                plane, (side, side), sigmaX=sigma, sigmaY=sigma, borderType=cv2.BORDER_REPLICATE
            )
        ),
    )


def _bilateral(plane: Pixels, sigma: float, contrast: float) -> Pixels:
    """Tomasi and Manduchi, Bilateral filtering for gray and color images, 1998."""
    side = 2 * max(1, math.ceil(1.5 * sigma)) + 1
    return _floats(
        cv2.bilateralFilter(plane, side, contrast, sigma, borderType=cv2.BORDER_REPLICATE)
    )


def _non_local_means(plane: Pixels, step: Step, low: float, high: float) -> Pixels:
    """Buades, Coll and Morel, A non-local algorithm for image denoising, 2005.

    OpenCV needs whole numbers: the range of the image is spread over 16 bits, which costs at most
    1 / 131070 of it.
    """
    scale = 65535 / (high - low)
    whole = np.rint((plane - np.float32(low)) * np.float32(scale)).astype(np.uint16)
    channels = 1 if plane.ndim == 2 else plane.shape[2]
    strength = [step.number("strength") / 100 * 65535] * channels
    odd = [step.integer(name) // 2 * 2 + 1 for name in ("patch", "search")]
    clean = cv2.fastNlMeansDenoising(
        whole,
        h=strength,
        templateWindowSize=odd[0],
        searchWindowSize=odd[1],
        normType=cv2.NORM_L1,
    )
    return _floats(clean) / np.float32(scale) + np.float32(low)
