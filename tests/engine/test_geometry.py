"""Coordinates on drawn truth."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pytest

from segmentation.engine import geometry
from segmentation.engine.errors import InvalidArrayError

SHARED = Path(__file__).parents[1] / "vectors"
VECTORS = json.loads((SHARED / "coordinates.json").read_text())
MOMENTS = json.loads((SHARED / "moments.json").read_text())
ROTATION = np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))[0]


@pytest.mark.parametrize("case", VECTORS, ids=lambda case: case["name"])
def test_shared_vectors(case: dict) -> None:
    affine = case["affine_lps"]
    assert np.allclose(geometry.spacing_of(affine), case["spacing_zyx"], atol=1e-9)
    for pair in case["points"]:
        world = geometry.voxel_to_world(affine, pair["voxel_xyz"])
        assert np.allclose(world, pair["world_lps"], atol=1e-9)
        assert np.allclose(
            geometry.world_to_voxel(affine, pair["world_lps"]), pair["voxel_xyz"], atol=1e-9
        )


@pytest.mark.parametrize("case", MOMENTS, ids=lambda case: case["name"])
def test_planes_are_numbered_through_all_moments(case: dict) -> None:
    for place in case["planes"]:
        plane = geometry.plane_number(place["t"], place["z"], case["size_z"])
        assert plane == place["plane"]
        assert geometry.moment_and_z(plane, case["size_z"]) == (place["t"], place["z"])


def test_the_first_voxel_of_a_tilted_grid_lies_at_its_origin() -> None:
    affine = geometry.affine_from_parts((10, -20, 30), ROTATION, (5.0, 0.8, 0.7))
    assert np.allclose(geometry.voxel_to_world(affine, (0, 0, 0)), (10, -20, 30))
    assert np.allclose(geometry.spacing_of(affine), (5.0, 0.8, 0.7))
    step = geometry.voxel_to_world(affine, (1, 0, 0)) - (10, -20, 30)
    assert np.allclose(step, ROTATION[:, 0] * 0.7)


def test_ras_and_lps_differ_in_the_sign_of_x_and_y() -> None:
    affine = np.array([[2, 0, 0, 1], [0, 3, 0, 2], [0, 0, 4, 3], [0, 0, 0, 1]], dtype=float)
    lps = geometry.ras_to_lps(affine)
    assert geometry.voxel_to_world(lps, (1, 1, 1)).tolist() == [-3.0, -5.0, 7.0]
    assert np.array_equal(geometry.ras_to_lps(lps), affine)


@pytest.mark.parametrize("axes", list(itertools.permutations(range(3))))
@pytest.mark.parametrize("signs", list(itertools.product((1, -1), repeat=3)))
def test_every_orientation_is_recognised_and_undone(
    axes: tuple[int, int, int], signs: tuple[int, int, int]
) -> None:
    # Patient axis k is served by array axis axes[k], which runs in direction signs[k].
    linear = np.zeros((3, 3))
    for k in range(3):
        linear[k, axes[k]] = signs[k] * (1.5 + k)
    tilt = np.array([[1, 0.1, 0], [-0.1, 1, 0.05], [0, -0.05, 1]])
    affine = np.eye(4)
    affine[:3, :3] = tilt @ linear
    affine[:3, 3] = (7, 8, 9)
    found, flips = geometry.closest_axes(affine)
    assert found == axes
    assert flips == tuple(sign < 0 for sign in signs)
    shape = (4, 5, 6)
    turned = geometry.reorient_affine(affine, shape, found, flips)
    assert geometry.closest_axes(turned) == ((0, 1, 2), (False, False, False))
    old = np.array([1, 2, 3])
    new = [shape[a] - 1 - old[a] if f else old[a] for a, f in zip(found, flips, strict=True)]
    assert np.allclose(geometry.voxel_to_world(turned, new), geometry.voxel_to_world(affine, old))


def test_boxes_are_half_open() -> None:
    mask = np.zeros((6, 9), dtype=bool)
    mask[2:4, 5:8] = True
    box = geometry.box_of_mask(mask)
    assert box == (5, 2, 8, 4)
    assert geometry.box_area(box) == 6 == mask.sum()
    assert geometry.box_of_mask(np.zeros((3, 3), dtype=bool)) is None
    assert geometry.clip_box((-2, 1, 20, 3), (2, 9)) == (0, 1, 9, 2)
    assert geometry.box_area(geometry.clip_box((12, 1, 20, 3), (2, 9))) == 0


def test_iou_of_two_shifted_squares() -> None:
    # Two 4 x 4 squares shifted by (2, 0): 8 shared, 16 + 16 - 8 = 24 in all.
    iou = geometry.box_iou([(0, 0, 4, 4)], [(2, 0, 6, 4), (0, 0, 4, 4), (4, 0, 8, 4), (1, 1, 1, 1)])
    assert iou.tolist() == [[8 / 24, 1.0, 0.0, 0.0]]
    assert geometry.box_iou([], [(0, 0, 1, 1)]).shape == (0, 1)


@pytest.mark.parametrize("affine", [np.eye(3), np.zeros((4, 4)), np.full((4, 4), np.nan)])
def test_a_matrix_that_is_no_position_is_refused(affine: np.ndarray) -> None:
    with pytest.raises(InvalidArrayError):
        geometry.as_affine(affine)
