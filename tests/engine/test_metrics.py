"""Overlap, ranking and the bootstrap on drawn truth."""

from __future__ import annotations

import math

import numpy as np
import pytest

from segmentation.engine import metrics
from segmentation.engine.errors import InvalidArrayError


def test_dice_and_iou_of_two_shifted_squares() -> None:
    truth, prediction = np.zeros((2, 10, 10), dtype=np.uint8)
    truth[:4, :4], prediction[:4, 2:6] = 2, 2
    # 16 pixels each, 8 shared: Dice 16/32, IoU 8/24.
    assert metrics.dice(truth, prediction, 2) == 0.5
    assert metrics.iou(truth, prediction, 2) == pytest.approx(1 / 3)
    assert metrics.dice(truth, truth, 2) == 1
    assert metrics.dice(truth, np.zeros_like(truth), 2) == 0


def test_two_empty_masks_are_excluded_and_counted_never_one() -> None:
    empty = np.zeros((3, 3), dtype=np.uint8)
    values = [metrics.dice(empty, empty), metrics.iou(empty, empty), 0.5, 1.0]
    assert math.isnan(values[0])
    assert math.isnan(values[1])
    assert metrics.summarise(values) == metrics.Summary(0.75, 2, 2)
    assert math.isnan(metrics.summarise([]).mean)


def test_ignored_pixels_count_nowhere() -> None:
    truth, prediction = np.zeros((2, 4, 10), dtype=np.uint8)
    truth[:, :4], prediction[:, :8] = 1, 1
    ignore = np.zeros((4, 10), dtype=bool)
    ignore[:, 4:] = True
    assert metrics.dice(truth, prediction) == pytest.approx(2 * 16 / 48)
    assert metrics.dice(truth, prediction, 1, ignore) == 1
    assert math.isnan(metrics.dice(truth, prediction, 1, np.ones((4, 10), dtype=bool)))


def test_images_of_two_sizes_are_refused() -> None:
    with pytest.raises(InvalidArrayError, match="differ in size"):
        metrics.dice(np.zeros((2, 3)), np.zeros((3, 2)))


def test_the_bootstrap_covers_the_true_mean_about_as_often_as_it_says() -> None:
    # 40 patients with 3 alike cases each; the true difference is 0.1.
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(40), 3)
    covered = 0
    for trial in range(200):
        values = 0.1 + np.repeat(rng.normal(0, 0.2, 40), 3) + rng.normal(0, 0.02, 120)
        found = metrics.paired_bootstrap(values, groups, trial, resamples=400)
        covered += found.low <= 0.1 <= found.high
    assert 0.88 <= covered / 200 <= 0.98


def test_cases_of_one_patient_do_not_count_as_many() -> None:
    values = np.repeat(np.random.default_rng(1).normal(0, 1, 10), 20)
    by_patient = metrics.paired_bootstrap(values, np.repeat(np.arange(10), 20), 0)
    by_case = metrics.paired_bootstrap(values, np.arange(200), 0)
    assert by_patient.mean == by_case.mean == pytest.approx(values.mean())
    assert by_patient.high - by_patient.low > 3 * (by_case.high - by_case.low)


def test_the_bootstrap_repeats_with_its_seed_and_leaves_out_what_has_no_value() -> None:
    values, groups = [0.1, -0.2, 0.3, float("nan")], ["a", "b", "c", "d"]
    first = metrics.paired_bootstrap(values, groups, 3)
    assert first == metrics.paired_bootstrap(values[:3], groups[:3], 3)
    many = np.random.default_rng(0).normal(size=50)
    assert metrics.paired_bootstrap(many, range(50), 3) != metrics.paired_bootstrap(
        many, range(50), 4
    )
    same = metrics.paired_bootstrap([0.5] * 5, range(5), 0)
    assert same == metrics.Interval(0.5, 0.5, 0.5)
    assert math.isnan(metrics.paired_bootstrap([], [], 0).mean)
    with pytest.raises(InvalidArrayError, match="group"):
        metrics.paired_bootstrap([1.0], [], 0)
