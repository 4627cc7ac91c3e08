"""Lengths and angles between points of an image, in millimetres where the spacing is known.

Points are continuous voxel positions ``(x, y, z)``: voxel ``i`` covers ``[i, i + 1)`` (see
``geometry``). The page measures the same in ``domain/measures.ts``; both are held to
``tests/vectors/measures.json``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from segmentation.engine.errors import InvalidArrayError

SpacingZyx = tuple[float, float, float]


def line_length(points: ArrayLike, spacing_mm: SpacingZyx | None) -> float:
    """Length of the line through ``points`` (n, 3), in mm, or in voxels without a spacing.

    The sum of the Euclidean lengths of its legs; 0 where all points are one. ``spacing_mm`` is
    that of the array's axes, ``(z, y, x)``.
    """
    placed = _placed(points, spacing_mm, 2)
    return float(np.linalg.norm(np.diff(placed, axis=0), axis=1).sum())


def corner_angle(points: ArrayLike, spacing_mm: SpacingZyx | None) -> float | None:
    """Angle at the second of three ``points`` (3, 3) between its two legs, in degrees, 0 to 180.

    Without a spacing voxels are taken for cubes. None where a leg has no length. By ``atan2`` of
    cross and dot product, which keeps its precision near 0 and 180 degrees, where the arc cosine
    loses it (W. Kahan, "How Futile are Mindless Assessments of Roundoff", 2006, section 12).
    """
    first, corner, last = _placed(points, spacing_mm, 3)
    one, other = first - corner, last - corner
    if not one.any() or not other.any():
        return None
    across = float(np.linalg.norm(np.cross(one, other)))
    return float(np.degrees(np.arctan2(across, float(one @ other))))


def _placed(
    points: ArrayLike, spacing_mm: Sequence[float] | None, least: int
) -> NDArray[np.float64]:
    placed = np.asarray(points, dtype=np.float64)
    if placed.ndim != 2 or placed.shape[1] != 3 or len(placed) < least:
        raise InvalidArrayError(f"A measurement needs {least} or more points (x, y, z).")
    if not np.isfinite(placed).all():
        raise InvalidArrayError("The points of a measurement must be finite numbers.")
    scale = np.array((1.0, 1.0, 1.0) if spacing_mm is None else spacing_mm[::-1], np.float64)
    scaled: NDArray[np.float64] = placed * scale
    return scaled
