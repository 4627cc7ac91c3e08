"""Uncertainty of pixels and images: against slow formulas, and on drawn images of known doubt."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from scipy import ndimage
from torch import Tensor, nn

from segmentation.engine import masks
from segmentation.engine.errors import InvalidArrayError
from segmentation.engine.inference import segment, temperature_of
from segmentation.engine.moments import segment_moments
from segmentation.engine.networks.star import StarNet
from segmentation.engine.render import label_map
from segmentation.engine.types import Picture, Settings
from segmentation.engine.uncertain_places import FROM_LEVEL, LEAST_PIXELS, Place, PlaceFinder
from segmentation.engine.uncertainty import (
    DoubtfulMean,
    entropies,
    entropy_plane,
    expected_quality,
    foreground_levels,
    tempered,
)
from tests.engine.drawn import discs
from tests.engine.test_inference import CPU, Brightness, Oracle, network, numbered


def some_probabilities(seed: int, classes: int, shape: tuple[int, ...]) -> np.ndarray:
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 4, (classes, *shape))
    p = np.exp(logits - logits.max(axis=0))
    return (p / p.sum(axis=0)).astype(np.float32)


def slow_entropy(p: np.ndarray) -> float:
    return -sum(float(v) * math.log(float(v)) for v in p if v > 0) / math.log(len(p))


class Maps:
    """Keeps a map whole, as a test may."""

    def __init__(self) -> None:
        self.planes: dict[int, np.ndarray] = {}

    def keep(self, z: int, plane: np.ndarray) -> None:
        assert z == len(self.planes), "planes come in order, each once"
        self.planes[z] = plane.copy()

    @property
    def whole(self) -> np.ndarray:
        return np.stack([self.planes[z] for z in sorted(self.planes)])


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_entropy_equals_the_formula_pixel_by_pixel(classes: int) -> None:
    p = some_probabilities(classes, classes, (7, 9))
    found, plane = entropies(p), entropy_plane(p)
    for y in range(7):
        for x in range(9):
            known = slow_entropy(p[:, y, x])
            assert found[y, x] == pytest.approx(known, abs=1e-5)
            assert abs(int(plane[y, x]) - 255 * known) <= 0.51 + 255 * 0.001
    assert entropy_plane(np.full((classes, 1, 1), 1 / classes, np.float32))[0, 0] == 255


def test_a_temperature_divides_the_logits_and_leaves_the_best_class() -> None:
    logits = torch.randn(3, 40, generator=torch.Generator().manual_seed(0)) * 3
    p = torch.softmax(logits, 0).numpy()
    softer = torch.softmax(logits / 1.7, 0).numpy()
    assert np.allclose(tempered(p, 1.7), softer, atol=1e-5)
    assert np.array_equal(tempered(p, 1.7).argmax(0), p.argmax(0))
    assert (entropies(p, 1.7) > entropies(p)).all()
    assert tempered(p, 1.0) is p
    with pytest.raises(InvalidArrayError):
        tempered(p, 0.0)
    # What is as good as sure without a temperature must not be cut off with one.
    sure = np.array([[[0.99995]], [[0.00005]]], np.float32)
    assert entropy_plane(sure, 3.0)[0, 0] == pytest.approx(255 * entropies(sure, 3.0)[0, 0], abs=1)


def test_levels_of_a_foreground_map_are_sure_at_the_ends_and_doubt_most_in_the_middle() -> None:
    levels = foreground_levels()
    assert levels[0] == levels[255] == 0
    assert levels[127] == levels[128] == 255
    assert levels[51] == pytest.approx(255 * slow_entropy(np.array([0.2, 0.8])), abs=0.6)


def test_an_image_s_doubt_is_the_root_mean_square_over_what_may_be_foreground() -> None:
    p = some_probabilities(4, 3, (5, 6, 7))
    looked_at = p[0] <= 0.9
    known = math.sqrt(np.mean([slow_entropy(v) ** 2 for v in p[:, looked_at].T]))
    whole, parts = DoubtfulMean(), DoubtfulMean()
    whole.add(p)
    for z in range(5):
        parts.add(p[:, z])
    assert whole.value == pytest.approx(known, abs=1e-5)
    assert parts.value == pytest.approx(whole.value, abs=1e-9)
    assert DoubtfulMean().value == 0


def test_expected_quality_of_known_objects() -> None:
    # Two sure objects that are all foreground: nothing to doubt.
    ones = np.array([1.0, 1.0])
    assert expected_quality(ones, np.array([50.0, 30.0]), np.array([50.0, 30.0]), 0.0) == 1
    # Two half-sure ones: 2 * (0.5 + 0.5) / (2 + 1) = 2/3.
    halves = np.array([0.5, 0.5])
    found = expected_quality(halves, np.array([50.0, 30.0]), np.array([50.0, 30.0]), 0.0)
    assert found == pytest.approx(2 / 3)
    # One sure object of 40 pixels, and foreground for one more outside: 2 * 1 / (1 + 2) = 2/3.
    forty = np.array([40.0])
    assert expected_quality(np.ones(1), forty, forty, 40.0) == pytest.approx(2 / 3)
    assert math.isnan(expected_quality(np.zeros(0), np.zeros(0), np.zeros(0), 5.0))


class Ramp(nn.Module):
    """Two classes whose probability is what the image shows: 0..1 of label 1."""

    def forward(self, x: Tensor) -> Tensor:
        p = x[:, 0].clamp(1e-6, 1 - 1e-6)
        return torch.stack([torch.zeros_like(p), torch.logit(p)], dim=1)


def ramp(**card: Any) -> Any:
    net = network("semantic2d", Ramp(), **card)
    return type(net)(net.task, ("one",), net.card, net.module)


def test_the_map_of_pixel_classes_is_the_entropy_of_every_pixel() -> None:
    rng = np.random.default_rng(0)
    p = rng.random((1, 3, 90, 70)).astype(np.float32)
    maps = Maps()
    found = segment(Picture(p), ramp(), CPU, keep_plane=maps.keep)
    known = 255 * entropies(np.stack([1 - p[0], p[0]]))
    assert np.abs(maps.whole - known).max() <= 1
    assert np.array_equal(label_map(found) > 0, p[0] > 0.5)
    # Nobody asked: the same answer.
    assert segment(Picture(p), ramp(), CPU).uncertainty == found.uncertainty


def test_the_map_comes_back_on_the_source_s_grid_and_doubts_its_edges() -> None:
    size = {"name": "size", "method": "height_width", "longest": 64, "smooth": True}
    p = np.zeros((1, 2, 200, 150), np.float32)
    p[:, :, 60:140, 40:110] = 1
    maps = Maps()
    found = segment(Picture(p), ramp(recipe={"steps": [size]}), CPU, keep_plane=maps.keep)
    drawn = label_map(found) > 0
    assert maps.whole.shape == drawn.shape == (2, 200, 150)
    edge = np.stack([ndimage.binary_dilation(d) & ~ndimage.binary_erosion(d) for d in drawn])
    assert maps.whole[edge].min() > 100
    assert maps.whole[:, 85:115, 70:80].max() == 0
    assert maps.whole[:, :30].max() == 0


def test_a_card_s_temperature_changes_the_map_and_neither_masks_nor_scores() -> None:
    p = np.random.default_rng(1).random((1, 1, 64, 64)).astype(np.float32)
    plain, softer = Maps(), Maps()
    one = segment(Picture(p), ramp(), CPU, keep_plane=plain.keep)
    card = {"calibration": {"temperature": 2.0}}
    two = segment(Picture(p), ramp(**card), CPU, keep_plane=softer.keep)
    assert np.array_equal(label_map(one), label_map(two))
    assert [c.score for c in one.candidates] == [c.score for c in two.candidates]
    assert softer.whole.mean() > plain.whole.mean() + 10
    assert two.uncertainty > one.uncertainty


@pytest.mark.parametrize("entry", [None, {}, {"temperature": 0}, {"temperature": "2"}, [2.0]])
def test_a_temperature_that_is_none_counts_as_1(entry: object) -> None:
    assert temperature_of({"calibration": entry}) == 1


def test_objects_that_are_read_off_have_no_doubt_and_a_map_of_zeros() -> None:
    truth = discs(3)[1].instances
    maps = Maps()
    found = segment(numbered(truth), network("instance2d", Oracle()), CPU, keep_plane=maps.keep)
    assert maps.whole.shape == truth.shape
    assert maps.whole.max() <= 1
    assert found.uncertainty < 0.15


def test_a_suppressed_rival_raises_the_doubt_of_the_pixels_it_wants() -> None:
    torch.manual_seed(1)
    net = network("instance2d", StarNet(1, 1))
    maps = Maps()
    found = segment(
        discs(6)[0], net, Settings(score_cutoff=0.3, device="cpu"), keep_plane=maps.keep
    )
    lost = [c for c in found.candidates if c.suppressed_by is not None]
    assert lost, "the untrained network proposes rivals"
    greatest = np.zeros(maps.whole.shape[1:], np.float64)
    for candidate in lost:
        there = masks.decode(candidate.slices[0], greatest.shape)
        greatest[there] = np.maximum(greatest[there], candidate.score)
    assert (maps.whole[0] >= np.rint(255 * greatest) - 1).all()


def test_the_map_of_a_cine_is_numbered_through_its_moments() -> None:
    rng = np.random.default_rng(2)
    pictures = [Picture(rng.random((1, 2, 40, 40)).astype(np.float32)) for _ in range(3)]
    maps, alone = Maps(), Maps()
    segment_moments(lambda t: pictures[t], 3, ramp(), CPU, keep_plane=maps.keep)
    segment(pictures[2], ramp(), CPU, keep_plane=alone.keep)
    assert maps.whole.shape == (6, 40, 40)
    assert np.array_equal(maps.whole[4:], alone.whole)


def test_three_classes_of_a_sure_network_are_sure() -> None:
    maps = Maps()
    grey = np.zeros((1, 1, 32, 32), np.float32)
    grey[..., 16:] = 1
    segment(Picture(grey), network("semantic2d", Brightness()), CPU, keep_plane=maps.keep)
    assert maps.whole.max() < 10


def slow_places(levels: np.ndarray) -> list[tuple[int, float]]:
    """Pixels and weight of all regions of a whole volume, by one labelling of it."""
    touching = np.zeros((3, 3, 3), bool)
    touching[1] = True
    touching[:, 1, 1] = True
    labels, count = ndimage.label(levels >= FROM_LEVEL, structure=touching)
    found = []
    for number in range(1, count + 1):
        there = labels == number
        if there.sum() >= LEAST_PIXELS:
            found.append((int(there.sum()), float(levels[there].sum() / 255)))
    return sorted(found, key=lambda region: -region[1])


def places_of(levels: np.ndarray, depth: int | None = None) -> tuple[Place, ...]:
    finder = PlaceFinder(depth or len(levels))
    for z, plane in enumerate(levels):
        finder.add(z, plane)
    return finder.places()


@pytest.mark.parametrize("seed", range(8))
def test_places_equal_one_labelling_of_the_whole_map(seed: int) -> None:
    rng = np.random.default_rng(seed)
    smooth = ndimage.gaussian_filter(rng.normal(size=(9, 40, 50)), 1.5)
    levels = np.clip(128 + smooth / smooth.std() * 60, 0, 255).astype(np.uint8)
    found, known = places_of(levels), slow_places(levels)
    assert [(p.pixels, pytest.approx(p.weight)) for p in found] == known[:100]
    for place in found:
        assert levels[place.plane, place.y, place.x] >= FROM_LEVEL


def test_a_place_lies_where_its_region_is_widest() -> None:
    levels = np.zeros((5, 60, 60), np.uint8)
    levels[1, 5, 2:40] = 255  # a long thin tail
    levels[2, 5:6, 30:40] = 255
    levels[3, 3:14, 32:43] = 255  # and the blot it leads to
    levels[4, 40:43, 10:13] = 200
    first, second = places_of(levels)
    assert (first.plane, first.y, first.x) == (3, 8, 37)
    assert (second.plane, second.y, second.x, second.pixels) == (4, 41, 11, 9)


def test_moments_are_kept_apart_and_an_empty_map_has_no_place() -> None:
    levels = np.zeros((4, 20, 20), np.uint8)
    levels[:, 4:9, 4:9] = 255
    assert len(places_of(levels, 4)) == 1
    assert [p.plane for p in places_of(levels, 2)] == [0, 2]
    assert places_of(np.zeros((3, 8, 8), np.uint8)) == ()
