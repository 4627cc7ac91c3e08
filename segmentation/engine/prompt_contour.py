"""Answers to prompts without a network: contours of most contrast, one for each thing said.

The first click (or box) finds the star-shaped contour around it that parts likeness to the click
from what is unlike it. Every later click stands in the middle of something missing or surplus, as
people place it: it adds or takes away a contour about as large as it is deep in the mistake, ending
at image edges or at the border of the mask before. Measured against geodesic distances with a
likelihood from the seeds (GeoS, Criminisi et al., ECCV 2008), it needed a third of the clicks.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from segmentation.engine.prompt_star import Bounds, best_radii, blurred, star
from segmentation.engine.prompts import Look

Bools = NDArray[np.bool_]
Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

SEED_RADIUS: Final = 2.0
"""Cells around a click whose mean is what the object looks like."""

SMALLEST: Final = 2.0
UNCLEAR: Final = 2.4
"""A border less clear than that may be texture: the place is looked at from further away."""
BOX_SIDES: Final = (0.5, 1.2)
BOX_USUAL, BOX_PULL = 0.95, 8.0
"""A contour in a box runs near the ellipse that touches its sides."""

FIX_SIDES: Final = (0.5, 2.5)
FIX_PULL: Final = 0.5


def contour_solver(look: Look) -> Floats:
    """A ``Solver`` that needs no training."""
    if look.previous is None:
        return _first(look)
    found = look.previous.astype(np.float32)
    found = _corrected(found, look.inside & ~look.previous, look, adds=True)
    found = _corrected(found, look.outside & look.previous, look, adds=False)
    return found


def _first(look: Look) -> Floats:
    image = _levelled(look.pixels)
    shape = _shape(look.inside)
    if look.inside.any():
        found = np.zeros(shape, np.float32)
        if look.box is None:
            for group in _groups(look.inside):
                found = np.maximum(found, _around_seed(image, group, look))
            return found
    middle, halves = _box_of(look.box if look.box is not None else look.inside)
    scaled = 1 / np.maximum(halves, 0.5)
    unlike = _unlike(image, _near(np.rint(middle), max(1.0, 0.3 * float(halves[1:].min())), shape))
    bounds = Bounds(*BOX_SIDES, samples=32, usual=BOX_USUAL, pull=BOX_PULL)
    radii = best_radii(blurred(unlike), middle, scaled, bounds)
    inside = star(radii, middle, shape, scaled)
    return np.asarray(np.clip(0.5 + (inside - 0.5) * float(halves.max()), 0, 1), np.float32)


def _around_seed(image: Floats, seeds: Bools, look: Look) -> Floats:
    point = _deepest(seeds, look.cell_zyx)[0]
    cells = np.asarray(look.cell_zyx)
    sides = np.array(seeds.shape) * cells
    unlike = _unlike(image, seeds | _near(point, SEED_RADIUS, seeds.shape))
    bounds = Bounds(SMALLEST, 0.75 * float(sides[1:].max()), samples=48)
    radii = best_radii(blurred(unlike), point, cells, bounds)
    found = star(radii, point, _shape(seeds), cells)
    if any(map(any, look.cut)) and _clarity(unlike, found) < UNCLEAR:
        return np.ones_like(found)
    return found


def _clarity(unlike: Floats, found: Floats) -> float:
    """How much less alike the object is outside its border than inside, in spreads of the inside.

    Texture alone gives about a half, a border that can be seen several.
    """
    inside = found > 0.5
    size = 1 + int(0.15 * np.sqrt(inside.sum()) / 2)
    kernel = np.ones((2 * size + 1, 2 * size + 1), np.uint8)
    around = np.stack([cv2.dilate(plane.astype(np.uint8), kernel) for plane in inside]) > 0
    ring = around & ~inside
    if not ring.any() or not inside.any():
        return 0.0
    within, beyond = unlike[inside], unlike[ring]
    return float((beyond.mean() - within.mean()) / (within.std() + 1e-6))


def _corrected(found: Floats, seeds: Bools, look: Look, *, adds: bool) -> Floats:
    """The mask after all clicks that it contradicts, the ones of one kind."""
    image = _levelled(look.pixels)
    cells = np.asarray(look.cell_zyx)
    for group in _groups(seeds):
        wrong = (found <= 0.5) if adds else (found > 0.5)
        if not (group & wrong).any():
            continue
        point, depth = _deepest(wrong, look.cell_zyx, among=group & wrong)
        unlike = _unlike(image, _near(point, min(SEED_RADIUS, depth / 2), group.shape))
        unlike = np.minimum(unlike / (np.float32(np.percentile(unlike, 90)) + np.float32(1e-6)), 1)
        unlike = np.where(wrong, unlike, np.float32(1))
        low, high = (depth * side for side in FIX_SIDES)
        bounds = Bounds(low, high, samples=24, usual=depth, pull=FIX_PULL)
        radii = best_radii(blurred(unlike), point, cells, bounds)
        part = star(radii, point, _shape(group), cells)
        found = np.maximum(found, part) if adds else np.minimum(found, 1 - part)
    return found


def _levelled(pixels: Floats) -> Floats:
    """The image a little smoothed, its usual range from 0 to 1."""
    if pixels.shape[1] == 1:
        smooth = np.stack([cv2.GaussianBlur(c[0], (0, 0), 1.0)[None] for c in pixels])
    else:
        smooth = np.stack([ndimage.gaussian_filter(c, 0.5) for c in pixels])
    low, high = np.percentile(smooth, [1, 99])
    levelled: Floats = ((smooth - low) / max(float(high - low), 1e-6)).astype(np.float32)
    return levelled


def _unlike(image: Floats, cells: Bools) -> Floats:
    """How far every cell's colour lies from the mean colour of some."""
    mean = image[:, cells].mean(axis=1)
    unlike: Floats = np.sqrt(((image - mean[:, None, None, None]) ** 2).sum(axis=0))
    return unlike


def _near(point: NDArray[np.floating], radius: float, shape: tuple[int, ...]) -> Bools:
    """The cells of a square (a cube) around a point."""
    near = np.zeros(shape, np.bool_)
    near[
        tuple(
            slice(max(0, int(p - radius)), int(p + radius) + 1) if n > 1 else slice(0, 1)
            for p, n in zip(point, shape, strict=True)
        )
    ] = True
    return near


def _groups(seeds: Bools) -> list[Bools]:
    """Clicks and scribbles apart, touching ones together."""
    parts, count = ndimage.label(seeds, np.ones((3, 3, 3)))
    return [np.asarray(parts == k) for k in range(1, count + 1)]


def _deepest(
    mask: Bools, cell_zyx: tuple[float, float, float], among: Bools | None = None
) -> tuple[Doubles, float]:
    """The cell furthest from the mask's border, of those asked for, and that distance."""
    if mask.shape[0] == 1:
        depths = ndimage.distance_transform_edt(mask[0], sampling=cell_zyx[1:])[None]
    else:
        depths = ndimage.distance_transform_edt(mask, sampling=cell_zyx)
    depths = np.where(mask if among is None else among, depths, -1)
    place = np.unravel_index(int(depths.argmax()), depths.shape)
    return np.asarray(place, np.float64), max(float(depths[place]), 1.0)


def _box_of(box: Bools) -> tuple[Doubles, Doubles]:
    """Middle and half sides, in cells."""
    cells = np.argwhere(box)
    low, high = cells.min(axis=0), cells.max(axis=0)
    return (low + high) / 2, (high - low + 1) / 2


def _shape(mask: Bools) -> tuple[int, int, int]:
    return mask.shape[0], mask.shape[1], mask.shape[2]
