"""Features of one finding: its size and shape, its intensity, texture and colour.

Measured by scikit-image on the source grid, so that every figure can be had again from the mask
and the image alone. Lengths are in millimetres where the image has a spacing and in pixels
otherwise; ``LENGTH_UNIT`` of the answer says which. What cannot be said of a finding is None.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from skimage import feature, measure  # both load at their first use, which the web server thanks

from segmentation.engine.errors import InvalidArrayError
from segmentation.engine.grey import luminance
from segmentation.engine.masks import bounding_box, decode
from segmentation.engine.types import RunLengths

Features = dict[str, float | str | None]
Mask = NDArray[np.bool_]
Place = tuple[slice, slice, slice]
"""Half-open ranges of z, y and x."""

LENGTH_UNIT: Final = "length_unit"
SHAPE: Final = (
    "equivalent_diameter", "feret_diameter", "major_axis", "minor_axis", "perimeter",
    "eccentricity", "solidity", "circularity",
)  # fmt: skip
INTENSITY: Final = (
    "intensity_mean", "intensity_sd", "intensity_min", "intensity_median", "intensity_max",
)  # fmt: skip
COLOUR: Final = ("red_mean", "green_mean", "blue_mean")
TEXTURE: Final = (
    "glcm_contrast", "glcm_homogeneity", "glcm_energy", "glcm_correlation", "glcm_entropy",
    "lbp_entropy",
)  # fmt: skip
FEATURES: Final = (LENGTH_UNIT, *SHAPE, *INTENSITY, *COLOUR, *TEXTURE)
"""The names of all features, in the order of a table's columns."""

GREY_LEVELS: Final = 32
"""Levels between the darkest and the brightest pixel of a finding in its co-occurrence matrix."""

ANGLES: Final = (0.0, math.pi / 4, math.pi / 2, 3 * math.pi / 4)
LBP_POINTS: Final = 8
LBP_VALUES: Final = LBP_POINTS + 2


def finding_features(
    slices: Mapping[int, RunLengths],
    grid_zyx: tuple[int, int, int],
    spacing_mm: tuple[float, float, float] | None,
    read: Callable[[Place], NDArray[Any]],
) -> Features:
    """Measure one finding.

    Shape comes from ``skimage.measure.regionprops`` with the image's spacing: Feret's diameter,
    perimeter, eccentricity, solidity and circularity (4 pi area / perimeter², Cox 1927) of a
    finding in a plane only; perimeter where pixels are square. Intensity is luminance of colour
    images (ITU-R BT.601), the mean of all channels of others. Texture is the mean over four
    directions of Haralick's co-occurrence figures (IEEE Trans SMC 3(6), 1973) at distance 1 within
    the finding, entropies in bits, and the entropy of uniform local binary patterns of 8 points at
    radius 1 (Ojala et al., IEEE TPAMI 24(7), 2002), both in axial slices.

    slices: the mask by z, on a grid of ``grid_zyx`` pixels, ``spacing_mm`` (z, y, x) apart. read:
    gives the values at a place of that grid as ``(c, z, y, x)``; it is asked once, for the
    finding's box and one pixel around it. Returns every name of ``FEATURES``; all but the unit are
    None for an empty mask. Raises InvalidArrayError where the mask does not fit the grid.
    """
    none: Features = dict.fromkeys(FEATURES)
    none[LENGTH_UNIT] = "px" if spacing_mm is None else "mm"
    place, mask = _crop(slices, grid_zyx)
    if not mask.any():
        return none
    wide, edge = _widened(place, grid_zyx)
    pixels = np.pad(np.asarray(read(wide), dtype=np.float32), edge, mode="edge")
    around = luminance(pixels)[0]
    return {
        **none,
        **_shape(mask, spacing_mm),
        **_intensity(mask, around[:, 1:-1, 1:-1]),
        **_colour(mask, pixels[:, :, 1:-1, 1:-1]),
        **_texture(mask, around),
    }


def _crop(slices: Mapping[int, RunLengths], grid_zyx: tuple[int, int, int]) -> tuple[Place, Mask]:
    """Where the finding lies, and its mask there, bool ``(z, y, x)``."""
    depth, height, width = grid_zyx
    boxes = {z: box for z, runs in slices.items() if (box := bounding_box(runs, width))}
    if not boxes:
        return (slice(0, 0), slice(0, 0), slice(0, 0)), np.zeros((0, 0, 0), np.bool_)
    if min(boxes) < 0 or max(boxes) >= depth:
        raise InvalidArrayError(
            f"The mask reaches slice {max(boxes)}, but the image has {depth}. "
            "It belongs to an image of another size."
        )
    corners = np.array(list(boxes.values()))
    x1, y1 = (int(side) for side in corners[:, :2].min(axis=0))
    x2, y2 = (int(side) for side in corners[:, 2:].max(axis=0))
    first, last = min(boxes), max(boxes) + 1
    mask = np.zeros((last - first, y2 - y1, x2 - x1), np.bool_)
    for z in boxes:
        mask[z - first] = decode(slices[z], (height, width))[y1:y2, x1:x2]
    return (slice(first, last), slice(y1, y2), slice(x1, x2)), mask


def _widened(place: Place, grid_zyx: tuple[int, int, int]) -> tuple[Place, list[tuple[int, int]]]:
    """The place with one pixel around it in y and x, and what of that lies outside the image."""
    z, y, x = place
    sides = list(zip((y, x), grid_zyx[1:], strict=True))
    wide_y, wide_x = (slice(max(s.start - 1, 0), min(s.stop + 1, size)) for s, size in sides)
    missing = [(int(s.start == 0), int(s.stop == size)) for s, size in sides]
    return (z, wide_y, wide_x), [(0, 0), (0, 0), *missing]


def _shape(mask: Mask, spacing_mm: tuple[float, float, float] | None) -> Features:
    sides = spacing_mm or (1.0, 1.0, 1.0)
    if mask.shape[0] > 1:
        region = measure.regionprops(mask.astype(np.uint8), spacing=sides)[0]
        return {
            "equivalent_diameter": float(region.equivalent_diameter_area),
            "major_axis": float(region.axis_major_length),
            "minor_axis": float(region.axis_minor_length),
        }
    region = measure.regionprops(mask[0].astype(np.uint8), spacing=sides[1:])[0]
    perimeter = float(region.perimeter) if math.isclose(sides[1], sides[2]) else None
    return {
        "equivalent_diameter": float(region.equivalent_diameter_area),
        "feret_diameter": float(region.feret_diameter_max),
        "major_axis": float(region.axis_major_length),
        "minor_axis": float(region.axis_minor_length),
        "perimeter": perimeter,
        "eccentricity": float(region.eccentricity),
        "solidity": _solidity(region),
        "circularity": 4 * math.pi * float(region.area) / perimeter**2 if perimeter else None,
    }


def _solidity(region: Any) -> float | None:
    """Share of the convex hull that is filled; pixels in a row have no hull to fill."""
    if min(region.image.shape) < 2:
        return None
    return float(region.solidity)


def _intensity(mask: Mask, grey: NDArray[np.float32]) -> Features:
    inside = grey[mask].astype(np.float64)
    figures = (inside.mean(), inside.std(), inside.min(), np.median(inside), inside.max())
    return dict(zip(INTENSITY, map(float, figures), strict=True))


def _colour(mask: Mask, pixels: NDArray[np.float32]) -> Features:
    if pixels.shape[0] not in (3, 4):
        return {}
    means = (float(channel[mask].mean(dtype=np.float64)) for channel in pixels[:3])
    return dict(zip(COLOUR, means, strict=True))


def _texture(mask: Mask, around: NDArray[np.float32]) -> Features:
    counts = np.zeros((GREY_LEVELS, GREY_LEVELS, 1, len(ANGLES)))
    patterns = np.zeros(LBP_VALUES)
    levels = _levels(mask, around[:, 1:-1, 1:-1])
    for z in np.flatnonzero(mask.any(axis=(1, 2))):
        matrix = feature.graycomatrix(
            levels[z], [1], ANGLES, levels=GREY_LEVELS + 1, symmetric=True
        )
        counts += matrix[1:, 1:]  # level 0 is what lies outside
        patterns += np.bincount(_patterns(around[z])[mask[z]], minlength=LBP_VALUES)
    figures: Features = {"lbp_entropy": _entropy_bits(patterns)}
    # A direction in which no two pixels of the finding lie side by side says nothing.
    counts = counts[..., counts.sum(axis=(0, 1, 2)) > 0]
    if not counts.size:
        return figures
    shares = counts / counts.sum(axis=(0, 1), keepdims=True)
    for name in ("contrast", "homogeneity", "energy", "correlation"):
        figures[f"glcm_{name}"] = float(feature.graycoprops(shares, name).mean())
    per_angle = [_entropy_bits(shares[..., 0, angle]) for angle in range(shares.shape[-1])]
    figures["glcm_entropy"] = float(np.mean(per_angle))
    return figures


def _levels(mask: Mask, grey: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Brightness in ``GREY_LEVELS`` equal steps from the finding's darkest to its brightest pixel,
    from 1; 0 outside."""
    low, high = float(grey[mask].min()), float(grey[mask].max())
    step = (high - low) / GREY_LEVELS or 1.0
    levels = np.clip((grey - low) / step, 0, GREY_LEVELS - 1).astype(np.uint8) + 1
    return np.where(mask, levels, 0).astype(np.uint8)


def _patterns(plane: NDArray[np.float32]) -> NDArray[np.int64]:
    """The uniform pattern of every pixel but the outermost."""
    with warnings.catch_warnings():
        # It warns that floats which differ by rounding only make noise. Equal pixels stay equal
        # here: luminance is the only arithmetic that was done.
        warnings.filterwarnings("ignore", message="Applying `local_binary_pattern`")
        found = feature.local_binary_pattern(plane, LBP_POINTS, 1, method="uniform")
    return np.asarray(found[1:-1, 1:-1], dtype=np.int64)


def _entropy_bits(counts: NDArray[np.float64]) -> float:
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log2(shares)).sum())
