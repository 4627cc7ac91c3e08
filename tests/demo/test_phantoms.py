"""Phantoms carry a truth that can be read off, and no symmetry that could hide a flip."""

from __future__ import annotations

import numpy as np
import pytest

from segmentation.demo.phantoms import (
    CT_LABELS,
    ct_series,
    nuclei_field,
    orientation_phantom,
    radiograph,
)

SMALL = (24, 64, 64)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_no_volume_equals_its_own_mirror_image(axis: int) -> None:
    for phantom in (ct_series(SMALL), orientation_phantom()):
        assert not np.array_equal(phantom.labels, np.flip(phantom.labels, axis))


def test_every_organ_is_there_with_its_own_density() -> None:
    phantom = ct_series(SMALL)
    assert set(np.unique(phantom.labels)) == set(range(len(CT_LABELS) + 1))
    liver, spine = (phantom.pixels[phantom.labels == label].mean() for label in (1, 5))
    assert 40 < liver < 90
    assert spine > 250


def test_the_liver_lies_on_the_right_and_the_spine_at_the_back() -> None:
    phantom = ct_series(SMALL)
    _, spine_y, _ = np.nonzero(phantom.labels == 5)
    _, liver_y, liver_x = np.nonzero(phantom.labels == 1)
    assert liver_x.mean() < SMALL[2] / 2
    assert spine_y.mean() > liver_y.mean()


def test_the_same_seed_draws_the_same_pixels_and_another_seed_others() -> None:
    assert np.array_equal(ct_series(SMALL, 1).pixels, ct_series(SMALL, 1).pixels)
    assert not np.array_equal(ct_series(SMALL, 1).pixels, ct_series(SMALL, 2).pixels)
    first, second = (nuclei_field(20, (96, 96), 5) for _ in range(2))
    assert np.array_equal(first.pixels, second.pixels)


def test_nuclei_overlap_and_each_is_known_whole() -> None:
    field = nuclei_field(60, (160, 160))
    drawn = sum(int(nucleus.mask.sum()) for nucleus in field.nuclei)
    assert len(field.nuclei) == 60
    assert drawn > np.count_nonzero(field.labels())


def test_lungs_are_darker_than_what_lies_between_them() -> None:
    phantom = radiograph((256, 224))
    lungs = phantom.labels[0] == 1
    assert 0.1 < lungs.mean() < 0.5
    assert phantom.pixels[0][lungs].mean() < phantom.pixels[0][~lungs].mean() - 300


def test_every_voxel_of_the_orientation_phantom_has_its_own_value() -> None:
    phantom = orientation_phantom((2, 5, 7))
    assert len(np.unique(phantom.pixels)) == phantom.pixels.size
