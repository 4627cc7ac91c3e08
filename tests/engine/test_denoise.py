"""Noise removal against plain versions of each filter, and on drawn noise."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from segmentation.engine.denoise import denoise
from segmentation.engine.recipes import parse_recipe


def step(method: str, **options: float):
    return parse_recipe({"steps": [{"name": "denoise", "method": method, **options}]}).step(
        "denoise"
    )


def noisy(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("radius", [1, 2, 3])
@pytest.mark.parametrize("channels", [1, 2, 3])
def test_the_median_of_a_slice_is_that_of_its_neighbours(radius: int, channels: int) -> None:
    pixels = noisy((channels, 1, 21, 18))
    expected = ndimage.median_filter(pixels, (1, 1, 2 * radius + 1, 2 * radius + 1), mode="nearest")
    assert np.array_equal(denoise(pixels, step("median", radius=radius)), expected)


def test_the_median_of_a_volume_looks_at_neighbouring_slices() -> None:
    # One bright slice between two dark ones: the median of the 27 neighbours is dark.
    pixels = np.zeros((1, 3, 9, 9), dtype=np.float32)
    pixels[:, 1] = 1
    assert denoise(pixels, step("median", radius=1)).max() == 0


@pytest.mark.parametrize("sigma", [0.5, 1.0, 2.3])
@pytest.mark.parametrize("depth", [1, 6])
def test_the_gaussian_equals_that_of_scipy(sigma: float, depth: int) -> None:
    pixels = noisy((2, depth, 25, 22))
    widths = (0, sigma if depth > 1 else 0, sigma, sigma)
    expected = ndimage.gaussian_filter(pixels.astype(float), widths, mode="nearest")
    ours = denoise(pixels, step("gaussian", sigma=sigma))
    assert np.abs(ours - expected).max() < 1e-5


def test_the_bilateral_filter_equals_its_formula() -> None:
    pixels = noisy((1, 1, 15, 17))
    contrast = 0.2 * float(pixels.max() - pixels.min())
    ours = denoise(pixels, step("bilateral", sigma=1.5, contrast=20))[0, 0]
    radius = 3  # 1.5 sigma, rounded up
    padded = np.pad(pixels[0, 0].astype(float), radius, mode="edge")
    expected = np.zeros((15, 17))
    for y in range(15):
        for x in range(17):
            weights = total = 0.0
            for dy in range(-radius, radius + 1):
                for dx in range(-radius, radius + 1):
                    if np.hypot(dy, dx) > radius:
                        continue
                    value = padded[y + radius + dy, x + radius + dx]
                    change = value - padded[y + radius, x + radius]
                    weight = np.exp(-(dy**2 + dx**2) / 4.5 - change**2 / (2 * contrast**2))
                    weights, total = weights + weight, total + weight * value
            expected[y, x] = total / weights
    assert np.abs(ours - expected).max() < 1e-3


@pytest.mark.parametrize("shape", [(1, 1, 60, 60), (3, 1, 60, 60), (1, 2, 60, 60)])
@pytest.mark.parametrize("method", ["median", "gaussian", "bilateral", "nlm"])
def test_each_method_brings_a_drawn_edge_closer_to_the_truth(
    method: str, shape: tuple[int, ...]
) -> None:
    truth = np.zeros(shape, dtype=np.float32)
    truth[..., 30:] = 1000
    pixels = truth + 60 * noisy(shape, 4)
    options = {"nlm": {"strength": 8}, "bilateral": {"contrast": 20}}.get(method, {})
    clean = denoise(pixels, step(method, **options))
    assert clean.shape == shape
    assert clean.dtype == np.float32
    away = np.r_[2:27, 33:58]
    before = np.abs(pixels - truth)[..., away].mean()
    assert np.abs(clean - truth)[..., away].mean() < 0.7 * before


@pytest.mark.parametrize("method", ["off", "median", "gaussian", "bilateral", "nlm"])
def test_an_even_image_stays_even(method: str) -> None:
    pixels = np.full((1, 1, 12, 12), -700, dtype=np.float32)
    assert np.allclose(denoise(pixels, step(method)), -700)
