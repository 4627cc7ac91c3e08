"""Masks and boxes on the stored grid and in the file's own slices are the same places."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from segmentation.engine.masks import encode
from segmentation.interchange.grids import closest_lps
from segmentation.interchange.types import NiftiGrid, SourceGrid
from segmentation.services.export_case import (
    Place,
    same_slices,
    to_file_place,
    to_file_slices,
    to_stored_slices,
)

SHAPE = (3, 4, 5)
NIFTI = NiftiGrid((1.0,) * 12, 1, (0.0,) * 3, (0.0,) * 3, 1, (1.0,) * 4, 2)
GRIDS = [
    SourceGrid(permutation, flips, SHAPE, nifti)
    for permutation in itertools.permutations(range(3))
    for flips in itertools.product((False, True), repeat=3)
    for nifti in (None, NIFTI)
]


def slices_of(mask: np.ndarray) -> dict[int, np.ndarray]:
    return {z: encode(np.ascontiguousarray(plane)) for z, plane in enumerate(mask) if plane.any()}


def file_view(stored: np.ndarray, grid: SourceGrid) -> np.ndarray:
    """The slow, obvious way: the file's array, and for NIfTI its k, j, i order."""
    own = grid.to_source(stored)
    return np.moveaxis(own, (0, 1, 2), (2, 1, 0)) if grid.nifti else own


@pytest.mark.parametrize("grid", GRIDS)
def test_masks_go_to_the_file_s_slices_and_back_in_every_orientation(grid: SourceGrid) -> None:
    stored = np.random.default_rng(0).random(grid.stored_shape) > 0.6
    sent = to_file_slices(slices_of(stored), grid)
    assert same_slices(sent, slices_of(file_view(stored, grid)))
    assert same_slices(to_stored_slices(sent, grid), slices_of(stored))


@pytest.mark.parametrize("grid", GRIDS)
def test_a_box_lands_where_its_pixels_do_in_every_orientation(grid: SourceGrid) -> None:
    depth = grid.stored_shape[0]
    stored = np.zeros(grid.stored_shape, bool)
    stored[depth - 1 :, 0:2, 1:3] = True
    place = to_file_place(Place((depth - 1, depth), (1, 0, 3, 2)), grid)
    z, y, x = np.nonzero(file_view(stored, grid))
    assert place.z == (z.min(), z.max() + 1)
    assert place.box == (x.min(), y.min(), x.max() + 1, y.max() + 1)


def test_no_mask_stays_no_mask() -> None:
    grid = closest_lps(np.diag([-1.0, 1, 1, 1]), SHAPE)
    assert to_file_slices({}, grid) == {}
    assert to_stored_slices({}, grid) == {}


def test_masks_of_different_slices_are_not_the_same() -> None:
    runs = encode(np.eye(3, dtype=bool))
    assert same_slices({0: runs}, {0: runs})
    assert not same_slices({0: runs}, {1: runs})
    assert not same_slices({0: runs}, {0: encode(np.ones((3, 3), bool))})
    assert same_slices({}, {})
