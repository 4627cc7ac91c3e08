"""The star-shaped contour of most contrast around a point, in a plane or in a volume.

From the point, rays run in evenly spread directions over radii that grow by a constant factor, so a
contour of any size is looked for with the same relative precision. Where along each ray the border
stands is chosen by dynamic programming: most contrast summed over all rays, little change from ray
to ray (Malpica et al., optimal polar paths; scale-invariant through the logarithm). In a volume,
sums along the two angles are added, as in semi-global matching (Hirschmueller, PAMI 2008).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from segmentation.engine.compiled import compiled

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

RAYS_FLAT: Final = 64
RAYS_SOLID: Final = (17, 32)
"""Directions in a plane, and in a volume: heights of equal area times angles around z."""

BLURS: Final = (0.7, 1.5, 3.0, 6.0)
BLUR_SHARE: Final = 0.06
"""A sample at radius r is taken from the image blurred by about that share of r."""

WINDOW: Final = 3
"""Samples just inside and just outside a border whose means are compared."""

BEND: Final = 0.15
MOST_BEND: Final = 2
"""The price of one step in radius from ray to ray, and the most steps at once."""


@dataclass(frozen=True)
class Bounds:
    """Where the contour may run: from ``low`` to ``high`` cells from the point, in ``samples``
    radii, rather ``usual`` where ``pull`` is over 0 (per square of the logarithm)."""

    low: float
    high: float
    samples: int
    usual: float = 1.0
    pull: float = 0.0


def blurred(values: Floats) -> list[Floats]:
    """The values ``(z, y, x)`` at every strength of ``BLURS``."""
    if values.shape[0] == 1:
        return [cv2.GaussianBlur(values[0], (0, 0), sigma)[None] for sigma in BLURS]
    return [ndimage.gaussian_filter(values, sigma) for sigma in BLURS]


def best_radii(
    levels: Sequence[Floats], point: Doubles, cell_zyx: Doubles, bounds: Bounds
) -> Doubles:
    """The radius of the contour along every ray: ``(heights, angles)``, one height in a plane.

    ``levels`` are ``blurred`` values that are low inside the object and high outside; ``point`` is
    (z, y, x) in cells; radii are in units of ``cell_zyx``. Ties go to the smaller radius.
    """
    flat = levels[0].shape[0] == 1
    radii = np.geomspace(bounds.low, bounds.high, bounds.samples)
    profiles = _profiles(levels, point, cell_zyx, radii, _directions(flat=flat))
    contrast = _contrast(profiles)
    cost = -contrast / (float(contrast.std()) + 1e-6)
    cost = cost + bounds.pull * np.log(radii / bounds.usual) ** 2
    total = np.stack([_around(np.ascontiguousarray(row), True) for row in cost])
    if not flat:
        along = [_around(np.ascontiguousarray(cost[:, k]), False) for k in range(cost.shape[1])]
        total += np.stack(along, axis=1)
    best = radii[0] * np.exp(_lowest(total) * np.log(radii[1] / radii[0]))
    if flat:
        return ndimage.gaussian_filter1d(best, 0.8, axis=1, mode="wrap")
    wrapped = np.pad(best, ((0, 0), (2, 2)), mode="wrap")
    return np.asarray(ndimage.median_filter(wrapped, 3, mode="nearest")[:, 2:-2])


def star(radii: Doubles, point: Doubles, shape: tuple[int, int, int], cell_zyx: Doubles) -> Floats:
    """How much of every cell lies inside a contour: 1 well inside, 0.5 on it, 0 well outside."""
    reach = float(radii.max()) + 2 * float(cell_zyx.max())
    windows = [
        slice(max(0, int(p - reach / c)), min(n, int(p + reach / c) + 2))
        for p, c, n in zip(point, cell_zyx, shape, strict=True)
    ]
    z, y, x = (
        (np.arange(w.start, w.stop) - p) * c
        for w, p, c in zip(windows, point, cell_zyx, strict=True)
    )
    distance = np.sqrt(z[:, None, None] ** 2 + y[None, :, None] ** 2 + x[None, None, :] ** 2)
    angle = np.arctan2(y[:, None], x[None, :]) % (2 * np.pi) / (2 * np.pi) * radii.shape[1]
    angles = np.broadcast_to(angle, distance.shape)
    heights = np.zeros_like(distance)
    if radii.shape[0] > 1:
        share = (z[:, None, None] / np.maximum(distance, 1e-6) + 1) / 2
        heights = np.clip(share * (radii.shape[0] + 1) - 1, 0, radii.shape[0] - 1)
    wrapped = np.concatenate([radii, radii[:, :1]], axis=1)
    border = ndimage.map_coordinates(wrapped, [heights, angles], order=1, mode="nearest")
    found = np.zeros(shape, np.float32)
    found[tuple(windows)] = np.clip(0.5 + (border - distance) / 2, 0, 1)
    return found


def _directions(*, flat: bool) -> Doubles:
    """Unit vectors ``(heights, angles, 3)`` as (z, y, x); angle k turns from +x towards +y."""
    count = RAYS_FLAT if flat else RAYS_SOLID[1]
    angles = 2 * np.pi * np.arange(count) / count
    heights = np.zeros(1) if flat else np.linspace(-1, 1, RAYS_SOLID[0] + 2)[1:-1]
    level = np.sqrt(1 - heights**2)[:, None]
    up = np.broadcast_to(heights[:, None], (len(heights), count))
    return np.stack([up, level * np.sin(angles), level * np.cos(angles)], axis=-1)


def _profiles(
    levels: Sequence[Floats],
    point: Doubles,
    cell_zyx: Doubles,
    radii: Doubles,
    directions: Doubles,
) -> Floats:
    """The values along all rays: ``(heights, angles, radii)``; the border repeats beyond it."""
    places = point + directions[:, :, None, :] * radii[:, None] / cell_zyx
    chosen = np.clip(np.searchsorted(BLURS, radii * BLUR_SHARE), 0, len(BLURS) - 1)
    profiles = np.empty(places.shape[:3], np.float32)
    for level in np.unique(chosen):
        there = chosen == level
        at = np.moveaxis(places[:, :, there], -1, 0)
        profiles[:, :, there] = ndimage.map_coordinates(
            levels[level], at, output=np.float32, order=1, mode="nearest"
        )
    return profiles


def _contrast(profiles: Floats) -> Doubles:
    """Mean of the samples just outside each radius minus that just inside."""
    count = profiles.shape[2]
    padded = np.pad(profiles, ((0, 0), (0, 0), (WINDOW, WINDOW)), mode="edge")
    sums = np.pad(np.cumsum(padded, axis=2, dtype=np.float64), ((0, 0), (0, 0), (1, 0)))
    at = np.arange(count) + WINDOW
    outside = sums[:, :, at + WINDOW] - sums[:, :, at]
    inside = sums[:, :, at] - sums[:, :, at - WINDOW]
    contrast: Doubles = (outside - inside) / WINDOW
    return contrast


def _around(cost: Doubles, circular: bool) -> Doubles:
    """The least cost of a whole contour through each (ray, radius)."""
    forward = _chain(cost, BEND, MOST_BEND, circular)
    backward = _chain(np.ascontiguousarray(cost[::-1]), BEND, MOST_BEND, circular)[::-1]
    return forward + backward - cost


def _lowest(total: Doubles) -> Doubles:
    """Where each ray's cost is least, between samples by the parabola through three of them."""
    place = total.argmin(axis=2)
    at = np.clip(place, 1, total.shape[2] - 2)
    before, here, after = (
        np.take_along_axis(total, (at + step)[:, :, None], axis=2)[:, :, 0] for step in (-1, 0, 1)
    )
    bow = before - 2 * here + after
    shift = np.where(bow > 1e-9, 0.5 * (before - after) / np.maximum(bow, 1e-9), 0)
    return np.asarray(np.where(at == place, at + np.clip(shift, -0.5, 0.5), place))


@compiled
def _chain(cost: Doubles, bend: float, most: int, circular: bool) -> Doubles:
    """Least cost (less a constant per ray) of the way from the first ray up to each radius."""
    rays, radii = cost.shape
    best = np.zeros((rays, radii))
    before = np.zeros(radii)
    for _ in range(2 if circular else 1):
        for ray in range(rays):
            least = np.inf
            for radius in range(radii):
                value = np.inf
                for step in range(-most, most + 1):
                    other = radius + step
                    if 0 <= other < radii:
                        value = min(value, before[other] + bend * abs(step))
                best[ray, radius] = value + cost[ray, radius]
                least = min(least, best[ray, radius])
            for radius in range(radii):
                best[ray, radius] -= least
                before[radius] = best[ray, radius]
    return best
