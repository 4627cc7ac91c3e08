"""Numbers of any kind on 8 or 16 bits: exact where they can be, else with the stated error."""

from __future__ import annotations

import numpy as np
import pytest

from segmentation.interchange.errors import UnsupportedError
from segmentation.interchange.values import store

KINDS = ("u1", "i1", "<u2", ">u2", "<i2", ">i2", "<i4", ">u4", "<i8", "<f4", ">f8")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(8))
def test_values_come_back_within_the_stated_error(kind: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    dtype = np.dtype(kind)
    if dtype.kind == "f":
        array = rng.normal(0, 10.0 ** rng.integers(-3, 6), (3, 4, 5)).astype(dtype)
    else:
        limits = np.iinfo(dtype)
        low, high = sorted(rng.integers(limits.min, limits.max, 2, dtype=np.int64))
        array = rng.integers(low, high, (3, 4, 5), endpoint=True, dtype=np.int64).astype(dtype)
    slope, intercept = ((1.0, 0.0), (1.0, -1024.0), (0.37, 5.0), (-2.0, 3.0))[seed % 4]

    stored = store(array, slope, intercept)

    assert stored.pixels.dtype in (np.uint8, np.uint16, np.int16)
    assert stored.pixels.dtype.isnative
    expected = array.astype(np.float64) * slope + intercept
    found = stored.pixels.astype(np.float64) * stored.slope + stored.intercept
    rounding = 1e-9 * max(1.0, float(np.abs(expected).max()))
    assert np.abs(found - expected).max() <= stored.error * (1 + 1e-6) + rounding
    if dtype.kind != "f" and dtype.itemsize <= 2:
        assert stored.error == 0.0


def test_stored_kinds_are_kept_as_they_are() -> None:
    for kind in (np.uint8, np.uint16, np.int16):
        array = np.array([[0, 1], [2, 3]], kind)
        assert store(array).pixels is array


def test_a_rescale_that_leaves_16_bits_is_kept_beside_the_pixels() -> None:
    stored = store(np.array([0, 65535], np.uint16), 1.0, -1024.0)
    assert stored.pixels.tolist() == [0, 65535]
    assert (stored.slope, stored.intercept) == (1.0, -1024.0)


def test_constant_and_empty_arrays_have_no_error() -> None:
    assert store(np.full((2, 2), 0.25)).error == 0.0
    constant = store(np.full((2, 2), 0.25))
    assert (constant.pixels * constant.slope + constant.intercept == 0.25).all()
    assert store(np.zeros((0, 3))).pixels.shape == (0, 3)
    assert store(np.full((2, 2), np.nan)).non_finite == 4


def test_truth_values_become_zero_and_one() -> None:
    assert store(np.array([True, False])).pixels.tolist() == [1, 0]


def test_numbers_that_are_no_grey_values_are_refused() -> None:
    with pytest.raises(UnsupportedError):
        store(np.zeros(3, np.complex64))
