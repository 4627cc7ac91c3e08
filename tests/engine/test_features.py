"""Features against scikit-image on whole images, a slow reference, and figures known by heart."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from skimage.draw import ellipse
from skimage.feature import local_binary_pattern
from skimage.measure import regionprops

from segmentation.engine.errors import InvalidArrayError
from segmentation.engine.features import FEATURES, GREY_LEVELS, Features, finding_features
from segmentation.engine.masks import encode
from segmentation.engine.types import Picture, RunLengths

DIRECTIONS = ((0, 1), (-1, 1), (-1, 0), (-1, -1))


def measured(slices: dict[int, RunLengths], picture: Picture) -> Features:
    z, y, x = picture.pixels.shape[1:]
    return finding_features(
        slices, (z, y, x), picture.spacing_mm, lambda place: picture.pixels[:, *place]
    )


def phantom(seed: int) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
    """A turned ellipse, somewhere, often cut by the border, on a textured ground."""
    rng = np.random.default_rng(seed)
    mask = np.zeros((80, 96), np.bool_)
    rows, columns = ellipse(
        *rng.uniform(5, 75, 2), *rng.uniform(4, 22, 2), mask.shape, rng.uniform(-np.pi, np.pi)
    )
    mask[rows, columns] = True
    ground = rng.normal(100, 20, mask.shape).astype(np.float32)
    return mask, ground + 60 * mask.astype(np.float32)


def slow_matrix(mask: NDArray[np.bool_], image: NDArray[np.float32], step: tuple[int, int]):
    """Haralick's matrix of one direction, pair by pair, symmetric, as shares."""
    low, high = image[mask].min(), image[mask].max()
    level = np.clip((image - low) / ((high - low) / GREY_LEVELS), 0, GREY_LEVELS - 1).astype(int)
    matrix = np.zeros((GREY_LEVELS, GREY_LEVELS))
    for y, x in np.argwhere(mask):
        other = (y + step[0], x + step[1])
        if 0 <= other[0] < mask.shape[0] and 0 <= other[1] < mask.shape[1] and mask[other]:
            matrix[level[y, x], level[other]] += 1
            matrix[level[other], level[y, x]] += 1
    return matrix / matrix.sum()


@pytest.mark.filterwarnings("ignore:Applying `local_binary_pattern`")
@pytest.mark.parametrize("seed", range(20))
def test_features_are_those_of_the_library_on_the_whole_image(seed: int) -> None:
    mask, image = phantom(seed)
    found = measured({0: encode(mask)}, Picture(image[None, None], spacing_mm=(1.0, 0.5, 0.5)))
    region = regionprops(mask.astype(np.uint8), image, spacing=(0.5, 0.5))[0]
    edged = np.pad(image, 1, mode="edge")
    patterns = local_binary_pattern(edged, 8, 1, method="uniform")[1:-1, 1:-1][mask]
    shares = np.bincount(patterns.astype(int)) / mask.sum()
    bits = -sum(share * math.log2(share) for share in shares if share)
    known = {
        "equivalent_diameter": region.equivalent_diameter_area,
        "feret_diameter": region.feret_diameter_max,
        "major_axis": region.axis_major_length,
        "minor_axis": region.axis_minor_length,
        "perimeter": region.perimeter,
        "eccentricity": region.eccentricity,
        "solidity": region.solidity,
        "circularity": 4 * math.pi * region.area / region.perimeter**2,
        "intensity_mean": region.intensity_mean,
        "intensity_min": region.intensity_min,
        "intensity_max": region.intensity_max,
        "intensity_sd": image[mask].astype(np.float64).std(),
        "intensity_median": np.median(image[mask]),
        "lbp_entropy": bits,
    }
    for name, value in known.items():
        assert found[name] == pytest.approx(float(value), rel=1e-6, abs=1e-6), name


@pytest.mark.parametrize("seed", range(5))
def test_co_occurrence_equals_counting_pair_by_pair(seed: int) -> None:
    mask, image = phantom(seed)
    found = measured({0: encode(mask)}, Picture(image[None, None]))
    i, j = np.mgrid[:GREY_LEVELS, :GREY_LEVELS]
    contrast, energy, entropy = [], [], []
    for step in DIRECTIONS:
        shares = slow_matrix(mask, image, step)
        contrast.append((shares * (i - j) ** 2).sum())
        energy.append(math.sqrt((shares**2).sum()))
        entropy.append(-(shares[shares > 0] * np.log2(shares[shares > 0])).sum())
    assert found["glcm_contrast"] == pytest.approx(np.mean(contrast), rel=1e-6)
    assert found["glcm_energy"] == pytest.approx(np.mean(energy), rel=1e-6)
    assert found["glcm_entropy"] == pytest.approx(np.mean(entropy), rel=1e-6)


def test_a_square_has_the_figures_that_geometry_gives_it() -> None:
    mask = np.zeros((40, 40), np.bool_)
    mask[10:30, 10:30] = True
    found = measured({0: encode(mask)}, Picture(np.full((1, 1, 40, 40), 7, np.uint8)))
    assert found["length_unit"] == "px"
    assert found["equivalent_diameter"] == pytest.approx(math.sqrt(4 * 400 / math.pi))
    assert found["feret_diameter"] == pytest.approx(20 * math.sqrt(2), rel=0.03)
    assert found["solidity"] == 1.0
    assert (found["intensity_mean"], found["intensity_sd"]) == (7.0, 0.0)
    assert (found["glcm_contrast"], found["glcm_energy"], found["glcm_entropy"]) == (0.0, 1.0, 0.0)
    assert found["red_mean"] is None


def test_colour_has_a_mean_per_channel_and_its_brightness() -> None:
    pixels = np.zeros((3, 1, 12, 12), np.uint8)
    pixels[0], pixels[2] = 200, 50
    mask = np.zeros((12, 12), np.bool_)
    mask[3:9, 3:9] = True
    found = measured({0: encode(mask)}, Picture(pixels))
    assert [found[name] for name in ("red_mean", "green_mean", "blue_mean")] == [200, 0, 50]
    assert found["intensity_mean"] == pytest.approx(0.299 * 200 + 0.114 * 50, rel=1e-6)


def test_a_ball_in_a_volume_is_measured_in_millimetres() -> None:
    z, y, x = np.mgrid[:24, :48, :48]
    ball = ((z - 12) * 2.0) ** 2 + (y - 24.0) ** 2 + (x - 24.0) ** 2 <= 18.0**2
    slices = {k: encode(ball[k]) for k in range(24)}
    found = measured(
        slices, Picture(np.ones((1, 24, 48, 48), np.int16), spacing_mm=(2.0, 1.0, 1.0))
    )
    assert found["length_unit"] == "mm"
    for name in ("equivalent_diameter", "major_axis", "minor_axis"):
        assert found[name] == pytest.approx(36.0, rel=0.03), name
    assert found["perimeter"] is None


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (2, 2)])
def test_the_smallest_findings_have_figures_or_none(shape: tuple[int, int]) -> None:
    mask = np.zeros((9, 9), np.bool_)
    mask[: shape[0], : shape[1]] = True
    found = measured({0: encode(mask)}, Picture(np.eye(9, dtype=np.uint8)[None, None]))
    assert list(found) == list(FEATURES)
    for value in found.values():
        assert value is None or isinstance(value, str) or math.isfinite(value)


def test_an_empty_mask_has_no_figures() -> None:
    found = measured({}, Picture(np.ones((1, 1, 4, 4), np.uint8)))
    assert {name for name, value in found.items() if value is not None} == {"length_unit"}


def test_a_mask_of_another_image_is_refused() -> None:
    mask = encode(np.ones((8, 8), np.bool_))
    with pytest.raises(InvalidArrayError, match="another size"):
        measured({0: mask}, Picture(np.ones((1, 1, 4, 4), np.uint8)))
    with pytest.raises(InvalidArrayError, match="another size"):
        measured({3: mask}, Picture(np.ones((1, 2, 8, 8), np.uint8)))
