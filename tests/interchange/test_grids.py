"""Permutations and flips: exact inverses, and the closest LPS order of any turned grid."""

from __future__ import annotations

import json
from itertools import permutations, product

import nibabel as nib
import numpy as np
import pytest

from segmentation.interchange.grids import (
    closest_lps,
    plain_grid,
    source_affine,
    spacing_of,
    stored_affine,
    usable,
)
from segmentation.interchange.types import NiftiGrid, SourceGrid
from segmentation.interchange.wire import grid_from_json, grid_to_json

ARRAY = np.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5)
KEPT = NiftiGrid((1.0,) * 12, 1, (0.1, 0.2, 0.3), (1.0, 2.0, 3.0), 2, (-1.0, 1.0, 1.0, 1.0), 2)


@pytest.mark.parametrize("order", list(permutations(range(3))))
@pytest.mark.parametrize("flips", list(product((False, True), repeat=3)))
def test_to_source_undoes_from_source(
    order: tuple[int, int, int], flips: tuple[bool, bool, bool]
) -> None:
    grid = SourceGrid(order, flips, (3, 4, 5), KEPT)
    stored = grid.from_source(ARRAY)
    assert stored.shape == (2, *grid.stored_shape)
    assert np.array_equal(grid.to_source(stored), ARRAY)
    assert np.shares_memory(stored, ARRAY)
    assert grid_from_json(json.loads(json.dumps(grid_to_json(grid)))) == grid


def test_a_plain_grid_changes_nothing() -> None:
    grid = plain_grid((3, 4, 5))
    assert np.array_equal(grid.from_source(ARRAY), ARRAY)
    assert grid_from_json(grid_to_json(grid)) == grid


@pytest.mark.parametrize("seed", range(60))
def test_any_turned_grid_ends_closest_to_lps_and_keeps_its_places(seed: int) -> None:
    rng = np.random.default_rng(seed)
    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    affine = np.eye(4)
    affine[:3, :3] = turn * rng.uniform(0.3, 5.0, 3)
    affine[:3, 3] = rng.normal(0, 100, 3)
    grid = closest_lps(affine, (3, 4, 5))
    stored = stored_affine(affine, grid)

    assert np.allclose(source_affine(stored, grid), affine)
    cosines = stored[:3, :3] / np.linalg.norm(stored[:3, :3], axis=0)
    assert (np.diag(cosines) > 0).all()
    # No other pairing of the axes has a greater sum of cosines.
    sums = [abs(cosines[order, range(3)]).sum() for order in permutations(range(3))]
    assert np.trace(cosines) == pytest.approx(max(sums))
    volume = grid.from_source(ARRAY[0])
    for index in ((0, 0, 0), (2, 3, 4), (1, 2, 3)):
        z, y, x = np.argwhere(volume == ARRAY[0][index])[0]
        assert np.allclose(stored @ [x, y, z, 1], affine @ [*index, 1])
    assert np.allclose(sorted(spacing_of(stored)), sorted(nib.affines.voxel_sizes(affine)))


def test_flat_and_broken_affines_are_not_usable() -> None:
    assert usable(np.eye(4))
    assert not usable(np.diag([1.0, 0.0, 1.0, 1.0]))
    assert not usable(np.diag([1.0, np.nan, 1.0, 1.0]))
    skewed = np.eye(4)
    skewed[:3, 1] = skewed[:3, 0]
    assert not usable(skewed)
