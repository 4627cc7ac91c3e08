"""Augmentation: pixels and truth move together, and every draw can be repeated."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from segmentation.engine.augment import Layers, crop_flat, crop_volume, vary_looks
from segmentation.engine.plans import PLANS, TrainingPlan
from tests.engine.drawn import ball, discs

PLAIN = TrainingPlan((1, 64, 64), 1, degrees=0.0, scales=(1.0, 1.0))


def disc_layers(seed: int = 0) -> Layers:
    """Pixels that equal the truth, so that moving one without the other shows."""
    instances = discs(seed)[1].instances
    return Layers((instances > 0)[None].astype(np.float32), {"instances": instances})


def test_a_plain_crop_is_the_image_itself() -> None:
    layers = disc_layers()
    rng = np.random.default_rng(0)
    crop = crop_flat(layers, (32, 48), (31.5, 43.5), PLAIN, rng)  # the middle of 32 rows from 16
    assert np.array_equal(crop.maps["instances"][0], layers.maps["instances"][0, 16:48, 20:68])
    assert np.array_equal(crop.pixels[0, 0], layers.pixels[0, 0, 16:48, 20:68])


@pytest.mark.parametrize("seed", range(5))
def test_pixels_and_truth_are_turned_and_scaled_alike(seed) -> None:
    rng = np.random.default_rng(seed)
    crop = crop_flat(disc_layers(seed), (96, 96), (48, 48), PLANS["instance2d"], rng)
    inside = crop.maps["instances"] > 0
    assert crop.pixels[0][inside].mean() > 0.93  # linear pixels, nearest truth: edges differ
    assert crop.pixels[0][~inside].mean() < 0.05


def test_what_lies_outside_anatomy_is_unknown_and_outside_microscopy_goes_on() -> None:
    layers = disc_layers()
    rng = np.random.default_rng(0)
    anatomy = crop_flat(layers, (64, 64), (0, 0), PLAIN, rng)
    assert anatomy.ignore is not None
    assert anatomy.ignore[0, :31, :].all()
    assert not anatomy.ignore[0, 33:, 33:].any()
    microscopy = crop_flat(layers, (64, 64), (0, 0), replace(PLAIN, turned=True), rng)
    assert microscopy.ignore is not None
    assert not microscopy.ignore.any()


def test_ignored_pixels_stay_ignored() -> None:
    layers = disc_layers()
    ignore = np.zeros((1, 96, 96), bool)
    ignore[:, 40:60] = True
    crop = crop_flat(
        replace(layers, ignore=ignore), (96, 96), (47.5, 47.5), PLAIN, np.random.default_rng(0)
    )
    assert np.array_equal(crop.ignore, ignore)


@pytest.mark.parametrize("seed", range(3))
def test_volumes_and_their_truth_move_together(seed) -> None:
    classes = ball(seed)[1].classes.astype(np.uint16)
    layers = Layers((classes > 0)[None].astype(np.float32), {"classes": classes})
    rng = np.random.default_rng(seed)
    crop = crop_volume(layers, (16, 24, 24), (7.5, 9.5, 11.5), PLANS["semantic3d"], rng)
    assert crop.pixels.shape == (1, 16, 24, 24)
    inside = crop.maps["classes"] > 0
    assert crop.pixels[0][inside].mean() > 0.85
    assert crop.pixels[0][~inside].mean() < 0.05
    assert crop.ignore is not None
    assert 0 < crop.ignore.mean() < 0.7  # the crop is larger than the volume


@pytest.mark.parametrize("channels", [1, 3])
def test_looks_change_values_and_nothing_else_and_repeat(channels) -> None:
    pixels = np.random.default_rng(0).random((channels, 1, 32, 32), np.float32)
    plan = PLANS["instance2d"]
    seen = set()
    for seed in range(20):
        one = vary_looks(pixels, plan, np.random.default_rng(seed))
        two = vary_looks(pixels, plan, np.random.default_rng(seed))
        assert one.shape == pixels.shape
        assert one.dtype == np.float32
        assert np.array_equal(one, two)
        assert np.isfinite(one).all()
        seen.add(round(float(one.mean()), 4))
    assert len(seen) > 10


def test_a_flat_image_stays_flat() -> None:
    flat = np.full((1, 1, 8, 8), 0.3, np.float32)
    assert np.array_equal(vary_looks(flat, PLANS["instance2d"], np.random.default_rng(0)), flat)
