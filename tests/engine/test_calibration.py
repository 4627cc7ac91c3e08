"""Calibration against a slow count, and on predictions that are right by construction."""

from __future__ import annotations

import math

import numpy as np
import pytest

from segmentation.engine.calibration import brier, calibration_error, reliability
from segmentation.engine.errors import InvalidArrayError


def slow_error(probabilities: np.ndarray, truth: np.ndarray, bins: int) -> float:
    error = 0.0
    for k in range(bins):
        low, high = k / bins, (k + 1) / bins
        inside = [i for i, p in enumerate(probabilities) if low < p <= high or (k == 0 and p == 0)]
        if inside:
            gap = np.mean(truth[inside]) - np.mean(probabilities[inside])
            error += len(inside) / len(probabilities) * abs(gap)
    return error


@pytest.mark.parametrize("seed", range(10))
def test_the_error_equals_counting_bin_by_bin(seed: int) -> None:
    rng = np.random.default_rng(seed)
    probabilities = rng.random(300) ** 2
    truth = rng.random(300) < 0.5
    found = calibration_error(probabilities, truth, 10)
    assert found == pytest.approx(slow_error(probabilities, truth, 10))


def test_honest_predictions_have_a_small_error_and_boastful_ones_a_large_one() -> None:
    rng = np.random.default_rng(0)
    chance = rng.random(50_000)
    truth = rng.random(50_000) < chance
    assert calibration_error(chance, truth) < 0.02
    assert calibration_error(np.round(chance), truth) > 0.2
    curve = reliability(chance, truth)
    assert np.allclose(curve.observed, curve.predicted, atol=0.04)
    assert curve.counts.sum() == 50_000


def test_brier_of_known_predictions() -> None:
    assert brier([1.0, 0.0], [True, False]) == 0
    assert brier([0.5, 0.5], [True, False]) == 0.25
    assert brier([0.0], [True]) == 1


def test_nothing_predicted_has_no_figure() -> None:
    assert math.isnan(brier([], []))
    assert math.isnan(calibration_error([], []))
    assert np.isnan(reliability([], []).observed).all()


@pytest.mark.parametrize("probabilities", [[1.2], [-0.1], [float("nan")], [0.2, 0.3]])
def test_what_is_no_probability_is_refused(probabilities: list[float]) -> None:
    with pytest.raises(InvalidArrayError):
        brier(probabilities, [True])
