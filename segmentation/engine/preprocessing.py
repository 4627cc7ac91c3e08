"""A recipe applied to an image, and everything found afterwards taken back to the source grid.

The steps are taken in the order denoise, grey, normalise, size (``recipes.STEPS``). The same
function runs in preview, training and prediction. Only the size changes the grid, so its inverse is
what takes results back; masks come back in exactly the shape of the source.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from segmentation.engine import resampling
from segmentation.engine.config import Recipe, Step
from segmentation.engine.denoise import denoise
from segmentation.engine.errors import InvalidArrayError, UnsuitableImageError
from segmentation.engine.grey import grey
from segmentation.engine.recipes import DEFAULT_RECIPES, RECIPE_SCHEMA, parse_recipe
from segmentation.engine.types import Picture

__all__ = [
    "DEFAULT_RECIPES",
    "RECIPE_SCHEMA",
    "Inverse",
    "Prepared",
    "apply",
    "invert_labels",
    "invert_mask",
    "invert_points",
    "invert_probabilities",
    "parse_recipe",
    "prepare_labels",
]

Pixels = NDArray[np.float32]
Shape = tuple[int, int, int]
T = TypeVar("T", bound=np.generic)
Spacing = tuple[float, float, float]

LARGEST_GRID = 2**31
"""Pixels of one channel beyond which a recipe is refused rather than tried."""


@dataclass(frozen=True)
class Inverse:
    """The way back: the grid of the source and the grid that the network sees, ``(z, y, x)``."""

    source_zyx: Shape
    grid_zyx: Shape


@dataclass(frozen=True)
class Prepared:
    """An image as the network sees it: float32 ``(c, z, y, x)``, its spacing, and the way back."""

    pixels: Pixels
    inverse: Inverse
    spacing_mm: Spacing | None = None


def apply(recipe: Recipe, picture: Picture) -> Prepared:
    """Take all steps of a recipe. Raises ``UnsuitableImageError`` where the image lacks something.

    ``picture.pixels`` is ``(c, z, y, x)`` of any number type; values that are not finite count as
    the lowest finite one.
    """
    source = picture.pixels
    if source.ndim != 4 or source.size == 0:
        raise InvalidArrayError("An image must have four axes (c, z, y, x) and at least one pixel.")
    shape: Shape = (source.shape[1], source.shape[2], source.shape[3])
    grid = target_grid(shape, picture.spacing_mm, recipe.step("size"))
    pixels = _finite(source)
    pixels = denoise(pixels, recipe.step("denoise"))
    pixels = grey(pixels, recipe.step("grey"), _white(source))
    pixels = normalise(pixels, recipe.step("normalise"))
    if grid != shape:
        smooth = bool(recipe.step("size").options["smooth"])
        pixels = resampling.resample(pixels, grid, order=3, smooth=smooth)
    pixels = np.ascontiguousarray(pixels, dtype=np.float32)
    return Prepared(pixels, Inverse(shape, grid), _spacing_on(picture.spacing_mm, shape, grid))


def _finite(source: NDArray[Any]) -> Pixels:
    pixels = source.astype(np.float32)
    if source.dtype.kind != "f":
        return pixels
    finite = np.isfinite(pixels)
    if not finite.all():
        pixels[~finite] = pixels[finite].min() if finite.any() else 0
    return pixels


def _white(source: NDArray[Any]) -> float:
    """Return the value of full light: the type's largest, or the image's own for other types."""
    if source.dtype in (np.uint8, np.uint16):
        return float(np.iinfo(source.dtype).max)
    return max(1.0, float(source.max()))


def normalise(pixels: Pixels, step: Step) -> Pixels:
    """Shift and scale values, in place; an image, or a channel, of one single value becomes 0."""
    if step.method == "none":
        return pixels
    if step.options["per_channel"]:
        for channel in pixels:
            _normalise(channel, step)
    else:
        _normalise(pixels, step)
    return pixels


def _normalise(pixels: Pixels, step: Step) -> None:
    if step.method == "zscore":
        low, high = float(pixels.mean(dtype=np.float64)), 0.0
        high = low + float(pixels.std(dtype=np.float64))
    elif step.method == "minmax":
        low, high = float(pixels.min()), float(pixels.max())
    else:
        bounds = [step.number("low"), step.number("high")]
        low, high = (float(value) for value in np.percentile(pixels, bounds))
    if high - low <= 1e-12 * max(abs(low), abs(high)):
        pixels.fill(0)
        return
    pixels -= np.float32(low)
    pixels /= np.float32(high - low)
    if step.options.get("clip"):
        np.clip(pixels, 0, 1, out=pixels)


def target_grid(shape_zyx: Shape, spacing_mm: Spacing | None, step: Step) -> Shape:
    """Return the grid ``(z, y, x)`` that the step asks for; an axis has at least one pixel.

    Raises ``UnsuitableImageError`` where the image states no spacing or the grid would be huge.
    """
    depth, height, width = _wanted_grid(shape_zyx, spacing_mm, step)
    if depth * height * width > max(LARGEST_GRID, math.prod(shape_zyx)):
        raise UnsuitableImageError(
            f"The recipe would make {width} x {height} x {depth} pixels of the image, which is too "
            "many. Choose a larger spacing or a smaller size in the project's recipe."
        )
    return depth, height, width


def _wanted_grid(shape_zyx: Shape, spacing_mm: Spacing | None, step: Step) -> Shape:
    if step.method == "keep":
        return shape_zyx
    if step.method == "height_width":
        ratio = step.integer("longest") / max(shape_zyx[1:])
        if ratio > 1 and not step.options["enlarge"]:
            return shape_zyx
        height, width = (max(1, round(side * ratio)) for side in shape_zyx[1:])
        return shape_zyx[0], height, width
    if spacing_mm is None:
        raise UnsuitableImageError(
            "The recipe asks for a spacing in mm, but the image does not say how large its pixels "
            "are. Choose a size in pixels in the project's recipe."
        )
    wanted = [step.number(name) for name in ("z_mm", "y_mm", "x_mm")]
    depth, height, width = (
        side if goal == 0 or side == 1 else max(1, round(side * mm / goal))
        for side, mm, goal in zip(shape_zyx, spacing_mm, wanted, strict=True)
    )
    return depth, height, width


def _spacing_on(spacing_mm: Spacing | None, source: Shape, grid: Shape) -> Spacing | None:
    if spacing_mm is None:
        return None
    z, y, x = (mm * old / new for mm, old, new in zip(spacing_mm, source, grid, strict=True))
    return z, y, x


def prepare_labels(prepared: Prepared, labels: NDArray[T]) -> NDArray[T]:
    """Take labels or a mask ``(z, y, x)`` from the source grid to the network's, for training."""
    _require(labels.shape, prepared.inverse.source_zyx, "source")
    return resampling.resample_nearest(labels, prepared.inverse.grid_zyx)


def invert_labels(prepared: Prepared, labels: NDArray[T]) -> NDArray[T]:
    """Take labels ``(z, y, x)`` from the network's grid back: each pixel gets the nearest label."""
    _require(labels.shape, prepared.inverse.grid_zyx, "network")
    return resampling.resample_nearest(labels, prepared.inverse.source_zyx)


def invert_mask(prepared: Prepared, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Take a mask ``(z, y, x)`` back to the source grid, exactly its shape."""
    return invert_labels(prepared, mask)


def invert_probabilities(
    prepared: Prepared, scores: Pixels, look: Callable[[int, Pixels], None] | None = None
) -> NDArray[np.uint8]:
    """Take scores of classes ``(c, z, y, x)`` back and return the best class of each source pixel.

    Scores are interpolated before the best is chosen, which follows edges more smoothly than
    ``invert_labels``. ``look`` is shown each slice's z and its scores ``(c, y, x)``.
    """
    _require(scores.shape[1:], prepared.inverse.grid_zyx, "network")
    return resampling.resample_argmax(scores, prepared.inverse.source_zyx, look)


def invert_points(prepared: Prepared, points_xy: ArrayLike) -> NDArray[np.float64]:
    """Take points ``(..., 2)``, ``(x, y)`` from the corner of the top-left pixel, back.

    Corners of polygons and boxes go this way; grids are aligned by their edges, so it is a scale.
    """
    _, old_y, old_x = prepared.inverse.source_zyx
    _, new_y, new_x = prepared.inverse.grid_zyx
    points: NDArray[np.float64] = np.asarray(points_xy, dtype=np.float64) * [
        old_x / new_x,
        old_y / new_y,
    ]
    return points


def _require(shape: tuple[int, ...], expected: Shape, grid: str) -> None:
    if tuple(shape) != expected:
        raise InvalidArrayError(
            f"The array has the shape {tuple(shape)}, but the {grid} grid is {expected}."
        )
