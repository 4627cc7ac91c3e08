"""Resampling against scipy, and on pictures whose result is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from segmentation.engine import resampling


@pytest.mark.parametrize("order", [1, 3])
@pytest.mark.parametrize("shapes", [((9, 17, 30), (14, 11, 41)), ((1, 40, 64), (1, 25, 96))])
def test_interpolation_equals_that_of_scipy(
    order: int, shapes: tuple[tuple[int, int, int], tuple[int, int, int]]
) -> None:
    old, new = shapes
    pixels = np.random.default_rng(order).normal(size=(2, *old)).astype(np.float32)
    ratio = [b / a for a, b in zip(old, new, strict=True)]
    ours = resampling.resample(pixels, new, order)
    for channel in range(2):
        theirs = ndimage.zoom(
            pixels[channel].astype(float), ratio, order=order, mode="nearest", grid_mode=True
        )
        assert theirs.shape == new
        assert np.abs(ours[channel] - theirs).max() < 1e-5


@pytest.mark.parametrize(("old", "new"), [(1, 5), (5, 1), (2, 3), (3, 7), (200, 64), (64, 200)])
def test_a_constant_stays_constant(old: int, new: int) -> None:
    for order in (1, 3):
        assert np.allclose(resampling.operator(old, new, order).sum(axis=1), 1, atol=1e-6)


@pytest.mark.parametrize(("old", "new"), [(700, 300), (300, 700), (130, 129), (64, 640)])
@pytest.mark.parametrize("order", [1, 3])
def test_blocks_along_a_long_axis_do_what_the_whole_operator_does(
    old: int, new: int, order: int
) -> None:
    line = np.random.default_rng(old).normal(size=(1, 1, 2, old)).astype(np.float32)
    expected = line.astype(float) @ resampling.operator(old, new, order).T.astype(float)
    assert np.abs(resampling.resample(line, (1, 2, new), order) - expected).max() < 2e-6
    turned = np.ascontiguousarray(line.swapaxes(2, 3))
    ours = resampling.resample(turned, (1, new, 2), order)
    assert np.abs(ours - expected.swapaxes(2, 3)).max() < 2e-6


def test_the_same_grid_is_left_alone() -> None:
    pixels = np.random.default_rng(0).normal(size=(1, 3, 4, 5)).astype(np.float32)
    assert np.array_equal(resampling.resample(pixels, (3, 4, 5)), pixels)


def test_smoothing_is_a_gaussian_before_the_interpolation() -> None:
    pixels = np.random.default_rng(3).normal(size=(1, 1, 90, 70)).astype(np.float32)
    blurred = ndimage.gaussian_filter(pixels, (0, 0, 1, 0.375), mode="nearest")
    expected = resampling.resample(blurred, (1, 30, 40))
    assert np.abs(resampling.resample(pixels, (1, 30, 40), smooth=True) - expected).max() < 1e-6


def test_fine_stripes_fade_to_grey_when_shrunk_with_smoothing() -> None:
    # Stripes two pixels wide, seen at a sixth of the size: their mean is 0.5 everywhere.
    stripes = np.tile((np.arange(96) // 2 % 2).astype(np.float32), (1, 1, 12, 1))
    smooth = resampling.resample(stripes, (1, 12, 16), smooth=True)
    assert np.abs(smooth[..., 2:-2] - 0.5).max() < 0.1
    assert np.abs(resampling.resample(stripes, (1, 12, 16)) - 0.5).max() > 0.2


@pytest.mark.parametrize(("old", "new"), [(1, 4), (4, 1), (3, 7), (7, 3), (10, 10), (5, 50)])
def test_the_nearest_pixel_is_the_one_that_holds_the_centre(old: int, new: int) -> None:
    expected = [min(old - 1, int((i + 0.5) * old / new)) for i in range(new)]
    assert resampling.nearest(old, new).tolist() == expected


def test_labels_grow_to_blocks_and_shrink_back() -> None:
    labels = np.random.default_rng(1).integers(0, 9, (2, 3, 4)).astype(np.uint16)
    grown = resampling.resample_nearest(labels, (4, 9, 4))
    assert np.array_equal(grown, labels.repeat(2, axis=0).repeat(3, axis=1))
    assert grown.dtype == np.uint16
    assert np.array_equal(resampling.resample_nearest(grown, (2, 3, 4)), labels)


@pytest.mark.parametrize("grid", [(6, 20, 31), (3, 8, 40), (5, 13, 17)])
def test_the_best_class_equals_that_of_the_whole_interpolated_scores(
    grid: tuple[int, int, int],
) -> None:
    scores = np.random.default_rng(2).normal(size=(4, 5, 13, 17)).astype(np.float32)
    whole = resampling.resample(scores, grid, order=1).argmax(axis=0)
    ours = resampling.resample_argmax(scores, grid)
    assert ours.dtype == np.uint8
    assert (ours != whole).mean() < 1e-3
