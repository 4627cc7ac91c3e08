"""The gate promotes only what is better, and says why it does not."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special, stats

from segmentation.engine.gate import PairedScore, interval, judge, patient_differences


def scores(leads: list[float], base: float = 0.5) -> list[PairedScore]:
    return [PairedScore(f"c{i}", f"p{i}", base, base + lead) for i, lead in enumerate(leads)]


def test_a_challenger_that_gains_on_every_patient_is_promoted() -> None:
    verdict = judge(scores([0.05, 0.06, 0.04, 0.05] * 5))
    assert verdict.outcome == "promote"
    assert verdict.low > 0
    assert verdict.difference == pytest.approx(0.05)


def test_a_worse_challenger_is_kept_out_however_few_the_patients() -> None:
    assert judge(scores([-0.1, -0.2, -0.1])).outcome == "keep"
    assert "is worse than" in judge(scores([-0.1] * 12)).reason


def test_nine_patients_always_need_a_person() -> None:
    assert judge(scores([0.3] * 9)).outcome == "needs_person"
    assert judge(scores([0.3, 0.31] * 5)).outcome == "promote"


def test_a_label_that_loses_more_than_two_points_needs_a_person() -> None:
    verdict = judge(scores([0.05, 0.06] * 10), {"lesion": -0.03, "organ": 0.1})
    assert verdict.outcome == "needs_person"
    assert "lesion" in verdict.reason


def test_images_of_one_patient_count_once() -> None:
    many = [PairedScore(str(i), "same", 0.5, 0.9) for i in range(50)]
    other = [PairedScore("x", "other", 0.5, 0.4)]
    assert patient_differences(many + other) == pytest.approx([-0.1, 0.4])


def test_cases_with_nothing_to_compare_are_left_out_and_none_left_needs_a_person() -> None:
    empty = [PairedScore("a", "a", float("nan"), 0.5)]
    assert judge(empty).outcome == "needs_person"
    assert judge(empty + scores([0.1] * 12)).cases == 12


def test_the_same_scores_give_the_same_verdict() -> None:
    leads = list(np.random.default_rng(3).normal(0.02, 0.05, 30))
    assert judge(scores(leads)) == judge(scores(leads))


@pytest.mark.parametrize("count", [10, 20, 50])
def test_two_equal_networks_are_rarely_called_different(count: int) -> None:
    """Two-sided 5 % says better in about 2.5 % of draws; 200 draws allow 5 % and a margin."""
    rng = np.random.default_rng(count)
    better = sum(
        judge(scores(list(rng.normal(0, 0.08, count))), seed=draw).outcome == "promote"
        for draw in range(200)
    )
    assert better <= 14


def test_one_patient_gives_no_interval() -> None:
    assert interval(np.array([0.2])) == (float("-inf"), float("inf"))


def test_student_s_quantile_is_that_of_scipy_s_distribution_to_the_last_bit() -> None:
    degrees = np.arange(1, 5000)
    assert np.array_equal(special.stdtrit(degrees, 0.975), stats.t.ppf(0.975, degrees))


def test_for_two_patients_the_interval_is_student_s() -> None:
    # One degree of freedom: tan(pi * 0.475) = 12.7062 standard errors, and that is 0.1 here.
    low, high = interval(np.array([0.1, 0.3]))
    assert (low, high) == pytest.approx((0.2 - 1.27062, 0.2 + 1.27062), abs=1e-5)
