"""Recipes applied to drawn images, and results taken back to the source grid."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from segmentation.engine import preprocessing
from segmentation.engine.errors import InvalidArrayError, UnsuitableImageError
from segmentation.engine.grey import STAINS
from segmentation.engine.preprocessing import apply, parse_recipe
from segmentation.engine.types import Picture


def recipe(*steps: dict) -> preprocessing.Recipe:
    return parse_recipe({"steps": list(steps)})


def take(picture: Picture, **step: object) -> np.ndarray:
    return apply(recipe(step), picture).pixels


def phantom(shape: tuple[int, int, int]) -> np.ndarray:
    """Draw labels without any symmetry: a plate at one side, a rod, and a box in one corner."""
    z, y, x = (
        np.arange(n).reshape([-1 if k == a else 1 for k in range(3)]) / n
        for a, n in enumerate(shape)
    )
    labels = np.zeros(shape, dtype=np.uint8)
    labels[np.broadcast_to((x < 0.3) & (y > 0.2), shape)] = 1
    labels[np.broadcast_to((x > 0.5) & (x < 0.9) & (y < 0.35), shape)] = 2
    labels[np.broadcast_to((x > 0.6) & (y > 0.6) & (z >= 0.5), shape)] = 3
    return labels


def dice(a: np.ndarray, b: np.ndarray) -> float:
    return 2 * float((a & b).sum()) / float(a.sum() + b.sum())


SIZES = [
    {"method": "keep"},
    {"method": "spacing", "x_mm": 1.0, "y_mm": 1.0, "z_mm": 0},
    {"method": "spacing", "x_mm": 1.7, "y_mm": 0.6, "z_mm": 2.0},
    {"method": "height_width", "longest": 64},
    {"method": "height_width", "longest": 37},
    {"method": "height_width", "longest": 512, "enlarge": False},
]
PICTURES = [
    ((1, 1, 61, 48), np.uint8),
    ((3, 1, 50, 77), np.uint8),
    ((1, 12, 40, 53), np.int16),
    ((2, 1, 33, 90), np.uint16),
    ((1, 1, 40, 41), np.float32),
]


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize(("shape", "dtype"), PICTURES)
def test_everything_comes_back_on_the_source_grid_and_where_it_was(
    size: dict, shape: tuple[int, int, int, int], dtype: type
) -> None:
    labels = phantom(shape[1:])
    picture = Picture(np.repeat(labels[None], shape[0], 0).astype(dtype), (2.5, 0.8, 0.7))
    prepared = apply(recipe({"name": "size", **size}), picture)
    assert prepared.pixels.shape[1:] == prepared.inverse.grid_zyx
    there = preprocessing.prepare_labels(prepared, labels)
    assert there.shape == prepared.inverse.grid_zyx
    back = preprocessing.invert_labels(prepared, there)
    scores = np.stack([there == k for k in range(4)]).astype(np.float32)
    smooth = preprocessing.invert_probabilities(prepared, scores)
    for returned in (back, smooth):
        assert returned.shape == labels.shape
        for label in np.unique(labels):
            # Half a pixel of the coarser grid may be lost at an edge; a mirrored or shifted
            # phantom would share far less.
            assert dice(returned == label, labels == label) > 0.9
    if prepared.inverse.grid_zyx == labels.shape:
        assert np.array_equal(back, labels)
        assert np.array_equal(smooth, labels)
    mask = preprocessing.invert_mask(prepared, there == 2)
    assert mask.shape == labels.shape
    assert mask.dtype == np.bool_


METHODS = [
    {"name": kind["name"], "method": method["name"]}
    for kind in preprocessing.RECIPE_SCHEMA["steps"]
    for method in kind["methods"]
]


@pytest.mark.parametrize("step", METHODS, ids=lambda step: "-".join(step.values()))
@pytest.mark.parametrize("shape", [(3, 1, 20, 24), (1, 4, 20, 24)])
def test_every_method_returns_finite_floats_and_a_way_back(
    step: dict, shape: tuple[int, int, int, int]
) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, shape).astype(np.uint8)
    if step["method"] == "stain" and shape[0] == 1:
        with pytest.raises(UnsuitableImageError, match="colour"):
            take(Picture(pixels), **step)
        return
    prepared = apply(recipe(step), Picture(pixels, (1.0, 2.0, 2.0)))
    assert prepared.pixels.dtype == np.float32
    assert prepared.pixels.flags.c_contiguous
    assert np.isfinite(prepared.pixels).all()
    mask = np.ones(prepared.inverse.grid_zyx, dtype=bool)
    assert preprocessing.invert_mask(prepared, mask).shape == shape[1:]


def test_a_bright_spot_stays_at_its_place_in_mm() -> None:
    y, x = np.mgrid[:60, :90]
    spot = np.exp(-((x + 0.5 - 63.0) ** 2 + (y + 0.5 - 21.0) ** 2) / 18).astype(np.float32)
    prepared = apply(
        recipe({"name": "size", "method": "spacing", "x_mm": 0.9, "y_mm": 2.0}),
        Picture(spot[None, None], (1.0, 1.0, 1.0)),
    )
    assert prepared.inverse.grid_zyx == (1, 30, 100)
    assert prepared.spacing_mm == pytest.approx((1.0, 2.0, 0.9))
    values = prepared.pixels[0, 0]
    rows, columns = np.mgrid[:30, :100] + 0.5
    centre = [(columns * values).sum() / values.sum(), (rows * values).sum() / values.sum()]
    assert np.allclose(preprocessing.invert_points(prepared, centre), (63, 21), atol=0.02)


def test_percentiles_become_zero_and_one() -> None:
    ramp = np.arange(101, dtype=np.float32).reshape(1, 1, 1, 101)
    scaled = take(Picture(ramp), name="normalise", method="percentile", low=10, high=60)
    # Percentile p of 0..100 is p: 10 -> 0, 60 -> 1, 35 half-way; beyond is cut off.
    assert np.allclose(scaled[0, 0, 0, [0, 10, 35, 60, 100]], [0, 0, 0.5, 1, 1])
    free = take(Picture(ramp), name="normalise", method="percentile", low=10, high=60, clip=False)
    assert np.allclose(free[0, 0, 0, [0, 100]], [-0.2, 1.8])


def test_channels_may_be_normalised_by_themselves() -> None:
    pixels = np.stack([np.arange(12), 10 * np.arange(12)]).reshape(2, 1, 3, 4)
    together = take(Picture(pixels), name="normalise", method="minmax")
    apart = take(Picture(pixels), name="normalise", method="minmax", per_channel=True)
    assert np.allclose(together[0] * 10, together[1])
    assert np.allclose(apart[0], apart[1])
    assert apart.max() == 1


def test_mean_and_spread_become_zero_and_one() -> None:
    pixels = np.random.default_rng(0).normal(-300, 77, (1, 4, 9, 9)).astype(np.float32)
    scaled = take(Picture(pixels), name="normalise", method="zscore")
    assert abs(scaled.mean()) < 1e-5
    assert abs(scaled.std() - 1) < 1e-5


@pytest.mark.parametrize("method", ["percentile", "zscore", "minmax"])
def test_an_image_of_one_value_becomes_zero(method: str) -> None:
    pixels = np.full((1, 1, 5, 5), 4321, dtype=np.uint16)
    assert not take(Picture(pixels), name="normalise", method=method).any()


def test_a_window_in_hounsfield_units() -> None:
    values = np.array([-1000, -160, 40, 140, 240, 3000], dtype=np.int16).reshape(1, 1, 1, 6)
    shown = take(Picture(values), name="grey", method="window", centre=40, width=400)
    # 40 +- 200: -160 is black, 240 white, 40 in the middle.
    assert np.allclose(shown.reshape(-1), [0, 0, 0.5, 0.75, 1, 1])


def test_luminance_weighs_colours_and_leaves_grey_alone() -> None:
    colours = np.array([[100, 0, 0], [0, 100, 0], [0, 0, 100], [100, 100, 100]])
    pixels = colours.T.reshape(3, 1, 1, 4).astype(np.uint8)
    seen = take(Picture(pixels), name="grey", method="luminance")
    assert np.allclose(seen.reshape(-1), [29.9, 58.7, 11.4, 100])
    grey = take(Picture(pixels[:1]), name="grey", method="luminance")
    assert np.array_equal(grey, pixels[:1])


@pytest.mark.parametrize(("dye", "row"), [("haematoxylin", 0), ("eosin", 1)])
def test_stains_mixed_by_the_law_of_beer_and_lambert_are_told_apart(dye: str, row: int) -> None:
    amounts = np.array(list(itertools.product((0, 0.3, 0.8), (0, 0.5)))).T
    unit = STAINS / np.linalg.norm(STAINS, axis=1, keepdims=True)
    density = unit[:2].T @ amounts
    pixels = np.rint(256 * 10**-density - 1).reshape(3, 1, 1, -1).astype(np.uint8)
    found = take(Picture(pixels), name="grey", method="stain", dye=dye)
    assert np.abs(found.reshape(-1) - amounts[row]).max() < 0.02


def test_what_the_image_lacks_is_said_in_a_sentence() -> None:
    grey = Picture(np.zeros((1, 1, 4, 4), dtype=np.uint8))
    with pytest.raises(UnsuitableImageError, match="channel 3"):
        take(grey, name="grey", method="channel", index=3)
    with pytest.raises(UnsuitableImageError, match="spacing in mm"):
        take(grey, name="size", method="spacing")
    huge = Picture(np.zeros((1, 1, 4, 4), dtype=np.uint8), (1.0, 5000.0, 5000.0))
    with pytest.raises(UnsuitableImageError, match="too many"):
        take(huge, name="size", method="spacing", x_mm=0.1, y_mm=0.1)


def test_values_that_are_not_finite_count_as_the_lowest() -> None:
    pixels = np.array([[np.nan, 2], [-np.inf, 5]], dtype=np.float32)[None, None]
    assert take(Picture(pixels), name="grey", method="keep").tolist() == [[[[2, 2], [2, 5]]]]


def test_the_source_is_never_changed() -> None:
    pixels = np.random.default_rng(0).random((1, 1, 30, 30)).astype(np.float32)
    before = pixels.copy()
    apply(
        recipe({"name": "denoise", "method": "median"}, {"name": "normalise", "method": "minmax"}),
        Picture(pixels),
    )
    assert np.array_equal(pixels, before)


def test_arrays_of_another_grid_are_refused() -> None:
    prepared = apply(recipe(), Picture(np.zeros((1, 1, 4, 5), dtype=np.uint8)))
    with pytest.raises(InvalidArrayError, match="network grid"):
        preprocessing.invert_mask(prepared, np.zeros((1, 5, 4), dtype=bool))
    with pytest.raises(InvalidArrayError, match="source grid"):
        preprocessing.prepare_labels(prepared, np.zeros((4, 5), dtype=bool))
    with pytest.raises(InvalidArrayError, match="four axes"):
        apply(recipe(), Picture(np.zeros((4, 5), dtype=np.uint8)))
