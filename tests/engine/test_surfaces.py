"""Surface distances on drawn truth and against every pair of surface pixels."""

from __future__ import annotations

import math

import numpy as np
import pytest

from segmentation.engine import surfaces
from segmentation.engine.errors import InvalidArrayError


def slow_surface(mask: np.ndarray) -> np.ndarray:
    """Return the places of pixels with a face neighbour that is clear or beyond the edge."""
    places = []
    for place in np.argwhere(mask):
        for axis in range(mask.ndim):
            if mask.shape[axis] == 1:
                continue
            for step in (-1, 1):
                beside = place.copy()
                beside[axis] += step
                outside = not 0 <= beside[axis] < mask.shape[axis]
                if outside or not mask[tuple(beside)]:
                    places.append(tuple(place))
    return np.array(sorted(set(places)), dtype=float)


def slow_distances(a: np.ndarray, b: np.ndarray, spacing: tuple[float, ...]) -> np.ndarray:
    difference = (a[:, None] - b[None]) * spacing
    return np.sqrt((difference**2).sum(axis=2)).min(axis=1)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("shape", [(1, 17, 14), (6, 9, 11), (13, 12)])
def test_distances_equal_those_of_every_pair(seed: int, shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(seed)
    truth, prediction = (rng.random(shape) < chance for chance in (0.1, 0.2))
    grown = np.maximum.accumulate(truth, axis=-1) & (rng.random(shape) < 0.9)
    spacing = (2.5, 0.7, 1.1)[-len(shape) :]
    for a, b in ((truth, prediction), (truth, grown)):
        there = slow_distances(slow_surface(a), slow_surface(b), spacing)
        back = slow_distances(slow_surface(b), slow_surface(a), spacing)
        both = np.concatenate([there, back])
        expected = max(np.percentile(there, 95), np.percentile(back, 95))
        assert surfaces.hd95(a, b, spacing) == pytest.approx(expected)
        assert surfaces.assd(a, b, spacing) == pytest.approx(both.mean())
        assert surfaces.nsd(a, b, spacing, 1.2) == pytest.approx((both <= 1.2).mean())


def test_a_shifted_plate_lies_at_its_shift() -> None:
    # Two plates over the whole field, two slices of 3 mm apart: every distance is 6 mm.
    truth, prediction = np.zeros((2, 9, 20, 20), dtype=bool)
    truth[2], prediction[4] = True, True
    spacing = (3.0, 1.0, 1.0)
    assert surfaces.hd95(truth, prediction, spacing) == 6
    assert surfaces.assd(truth, prediction, spacing) == 6
    assert surfaces.nsd(truth, prediction, spacing, 5.9) == 0
    assert surfaces.nsd(truth, prediction, spacing, 6.0) == 1


def test_discs_with_one_centre_lie_the_difference_of_their_radii_apart() -> None:
    y, x = np.mgrid[:101, :101] - 50
    small, large = np.hypot(y, x) <= 30, np.hypot(y, x) <= 35
    # 5 pixels of 2 mm; pixels are squares, so within one pixel.
    assert surfaces.assd(small, large, (2.0, 2.0)) == pytest.approx(10, abs=1)
    assert surfaces.hd95(small, large, (2.0, 2.0)) == pytest.approx(10, abs=2)
    assert surfaces.hd95(small, small, (2.0, 2.0)) == 0
    assert surfaces.nsd(small, small, (2.0, 2.0), 0.0) == 1


def test_emptiness() -> None:
    empty = np.zeros((1, 30, 40), dtype=bool)
    spot = empty.copy()
    spot[0, 3, 3] = True
    spacing = (5.0, 1.0, 1.0)
    assert math.isnan(surfaces.hd95(empty, empty, spacing))
    assert math.isnan(surfaces.nsd(empty, empty, spacing, 1))
    assert math.isnan(surfaces.assd(empty, empty, spacing))
    worst = math.hypot(5, 30, 40)
    for a, b in ((empty, spot), (spot, empty)):
        assert surfaces.hd95(a, b, spacing) == worst
        assert surfaces.assd(a, b, spacing) == worst
        assert surfaces.nsd(a, b, spacing, 1) == 0
    assert surfaces.hd95(spot, spot, spacing) == 0
    one = np.ones((1, 1, 1), dtype=bool)
    assert surfaces.assd(one, one, spacing) == 0


def test_masks_that_do_not_belong_together_are_refused() -> None:
    with pytest.raises(InvalidArrayError, match="belong together"):
        surfaces.hd95(np.zeros((2, 2), bool), np.zeros((2, 3), bool), (1.0, 1.0))
    with pytest.raises(InvalidArrayError, match="belong together"):
        surfaces.hd95(np.zeros((2, 2), bool), np.zeros((2, 2), bool), (1.0, 1.0, 1.0))


@pytest.mark.parametrize("seed", range(30))
def test_the_compiled_distances_equal_those_of_scipy(seed: int) -> None:
    rng = np.random.default_rng(seed)
    axes = 1 + seed % 3
    shape = tuple(int(n) for n in rng.integers(1, (40, 24, 13)[axes - 1], axes))
    a, b = (rng.random(shape) < chance for chance in rng.choice([0.01, 0.1, 0.6, 0.97], 2))
    a[(0,) * axes], b[(-1,) * axes] = True, True
    spacing = rng.uniform(0.3, 5, axes).tolist()
    ours = surfaces.between_compiled(a, b, spacing)
    for mine, theirs in zip(ours, surfaces.between_scipy(a, b, spacing), strict=True):
        assert mine.shape == theirs.shape
        assert np.allclose(mine, theirs, rtol=1e-12, atol=0)
