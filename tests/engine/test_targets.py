"""Targets against drawn shapes whose distances can be worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from segmentation.engine.targets import (
    IGNORED,
    boxes_as_objects,
    class_targets,
    ray_directions,
    star_targets,
)


def test_rays_turn_from_right_to_down() -> None:
    steps = ray_directions(4)  # (dy, dx): right, down, left, up
    assert np.allclose(steps, [(0, 1), (1, 0), (0, -1), (-1, 0)], atol=1e-6)


@pytest.mark.parametrize("grid", [2, 4])
def test_rays_of_a_disc_are_its_radius(grid) -> None:
    y, x = np.mgrid[:64, :64]
    middle = (34, 30) if grid == 4 else (33, 31)  # pixels at which a grid point stands
    disc = (y - middle[0]) ** 2 + (x - middle[1]) ** 2 <= 12**2
    targets = star_targets(disc.astype(np.uint16), None, None, 32, grid)
    at = (middle[0] // grid, middle[1] // grid)
    assert targets.rays[:, at[0], at[1]] == pytest.approx(
        12, abs=1.0
    )  # steps of half a pixel, whole pixels
    assert targets.probability[at] == 1.0
    assert targets.probability.max() == 1.0


def test_probability_falls_towards_the_border_and_is_zero_outside() -> None:
    square = np.zeros((48, 48), np.uint16)
    square[8:40, 8:40] = 1
    probability = star_targets(square, None, None, 32).probability
    assert probability[0, 0] == 0
    assert 0 < probability[2, 5] < probability[4, 5] < probability[5, 5]


def test_rays_stop_at_another_object_and_the_seam_between_them_is_no_foreground() -> None:
    labels = np.zeros((32, 32), np.uint16)
    labels[8:24, 4:16] = 1
    labels[8:24, 16:28] = 2
    targets = star_targets(labels, None, None, 4)
    # Grid point (4, 2) stands at pixel (18, 10); object 1 ends at x = 16: 5.5 pixels further.
    assert targets.rays[0, 4, 2] == pytest.approx(5.5, abs=0.5)
    assert not targets.foreground[8:24, 15:17].any()
    assert targets.foreground[8:24, 4:15].all()


def test_ignored_pixels_teach_nothing() -> None:
    labels = np.zeros((16, 16), np.uint16)
    labels[4:12, 4:12] = 1
    ignore = np.zeros((16, 16), bool)
    ignore[:, 8:] = True
    targets = star_targets(labels, None, ignore, 4)
    assert (targets.foreground[:, 8:] == IGNORED).all()
    assert not targets.weight[:, 2:].any()
    assert targets.weight[:, :2].all()


def test_an_empty_crop_has_empty_targets() -> None:
    targets = star_targets(np.zeros((16, 16), np.uint16), None, None, 8)
    assert not targets.probability.any()
    assert not targets.rays.any()
    assert not targets.foreground.any()
    assert (targets.weight == 1).all()


def test_points_of_a_small_object_weigh_more_by_its_diameter_within_bounds() -> None:
    labels = np.zeros((160, 160), np.uint16)
    labels[8:16, 8:16] = 1  # half of EVEN_AREA's diameter
    labels[32:48, 8:24] = 2  # EVEN_AREA itself
    labels[100:103, 100:103] = 3  # so small that the bound holds
    labels[32:160, 32:96] = 4  # so large that the other one does
    weight = star_targets(labels, None, None, 8, 2).weight
    assert weight[6, 6] == 2
    assert weight[20, 8] == 1
    assert weight[50, 50] == 3
    assert weight[30, 30] == 0.5
    assert weight[0, 0] == 1
    assert (star_targets(labels, None, None, 8, 4).weight == 1).all()


def test_classes_count_only_inside_objects() -> None:
    labels = np.zeros((16, 16), np.uint16)
    labels[4:12, 4:12] = 5
    classes = np.full((16, 16), 2, np.uint8)
    found = star_targets(labels, classes, None, 4).classes
    assert (found == np.where(labels > 0, 2, 0)).all()


def test_class_targets_mark_what_is_unknown() -> None:
    classes = np.array([[[0, 1], [2, 1]]], np.uint16)
    ignore = np.array([[[False, True], [False, False]]])
    assert class_targets(classes, ignore).tolist() == [[[0, IGNORED], [2, 1]]]


def test_a_box_becomes_the_ellipse_that_fills_it() -> None:
    instances, classes = boxes_as_objects([(2, (4, 6, 24, 16))], (32, 32))
    rows, columns = np.nonzero(instances)
    assert (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1) == (4, 6, 24, 16)
    assert instances.sum() == pytest.approx(np.pi * 10 * 5, rel=0.05)
    assert set(np.unique(classes)) == {0, 2}


def test_a_small_box_on_a_large_one_is_not_lost_and_one_outside_draws_nothing() -> None:
    boxes = [(1, (10, 10, 14, 14)), (1, (0, 0, 30, 30)), (1, (40, 40, 50, 50))]
    instances, _ = boxes_as_objects(boxes, (32, 32))
    assert instances[12, 12] != instances[12, 20] != 0
    assert len(np.unique(instances)) == 3
