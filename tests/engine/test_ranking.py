"""Order against slow counts of pairs and against SciPy; intervals against drawn truth."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from segmentation.engine.errors import InvalidArrayError
from segmentation.engine.ranking import (
    auroc,
    auroc_interval,
    auroc_of_counts,
    bootstrap,
    spearman,
    spearman_interval,
)


@pytest.mark.parametrize("seed", range(10))
def test_auroc_equals_the_share_of_pairs_in_the_right_order(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth = rng.random(40) < 0.4
    scores = rng.integers(0, 6, 40) + truth
    pairs = [
        1.0 if p > n else 0.5 if p == n else 0.0 for p in scores[truth] for n in scores[~truth]
    ]
    assert auroc(scores, truth) == pytest.approx(np.mean(pairs))


@pytest.mark.parametrize("seed", range(10))
def test_auroc_equals_that_of_scipy_s_ranks_to_the_last_bit(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth = rng.random(300) < 0.3
    scores = np.round(rng.normal(size=300) + truth, seed % 3)
    n, m = int(truth.sum()), int((~truth).sum())
    ranks = stats.rankdata(scores)
    assert auroc(scores, truth) == (ranks[truth].sum() - n * (n + 1) / 2) / (n * m)


def test_auroc_needs_both_kinds_of_case() -> None:
    assert auroc([0.1, 0.9], [False, True]) == 1
    assert auroc([0.9, 0.1], [False, True]) == 0
    assert math.isnan(auroc([0.1, 0.9], [True, True]))
    assert math.isnan(auroc([], []))
    with pytest.raises(InvalidArrayError):
        auroc([0.1, float("nan")], [True, False])


@pytest.mark.parametrize("seed", range(10))
def test_counts_per_value_give_the_same_area_as_all_cases(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth = rng.random(5000) < rng.random()
    levels = np.clip(rng.normal(100 + 40 * truth, 60), 0, 255).astype(np.uint8)
    positive = np.bincount(levels[truth], minlength=256)
    negative = np.bincount(levels[~truth], minlength=256)
    assert auroc_of_counts(positive, negative) == pytest.approx(auroc(levels, truth), abs=1e-12)


def test_counts_without_one_kind_have_no_area_and_bad_ones_are_refused() -> None:
    assert math.isnan(auroc_of_counts([0, 0], [3, 1]))
    assert math.isnan(auroc_of_counts([1, 2], [0, 0]))
    assert auroc_of_counts([0, 1], [1, 0]) == 1
    for bad in ([1, 2, 3], [-1, 2]):
        with pytest.raises(InvalidArrayError):
            auroc_of_counts(bad, [1, 1])


@pytest.mark.parametrize("seed", range(10))
def test_spearman_equals_scipy_s_with_and_without_ties(seed: int) -> None:
    rng = np.random.default_rng(seed)
    a = rng.normal(size=60)
    b = np.round(a + rng.normal(size=60), seed % 3)
    assert spearman(a, b) == pytest.approx(stats.spearmanr(a, b).statistic, abs=1e-12)


def test_spearman_sees_order_only_and_has_no_value_where_there_is_none() -> None:
    a = np.arange(1, 20.0)
    assert spearman(a, np.exp(a)) == pytest.approx(1)
    assert spearman(a, -(a**3)) == pytest.approx(-1)
    assert math.isnan(spearman(a, np.ones(a.size)))
    assert math.isnan(spearman([1.0], [2.0]))
    for bad in ([1.0, float("nan")], [1.0]):
        with pytest.raises(InvalidArrayError):
            spearman(bad, [1.0, 2.0])


def test_the_interval_of_auroc_covers_the_truth_about_as_often_as_it_says() -> None:
    # Two normal curves a standard deviation apart: AUROC = Phi(1 / sqrt 2) = 0.7602.
    truth = stats.norm.cdf(1 / math.sqrt(2))
    rng = np.random.default_rng(0)
    covered = 0
    for trial in range(200):
        positive = np.arange(80) % 2 == 0
        scores = rng.normal(size=80) + positive
        found = auroc_interval(scores, positive, np.arange(80), trial, resamples=200)
        covered += found.low <= truth <= found.high
    assert 0.88 <= covered / 200 <= 0.98


def test_alike_cases_of_one_group_widen_the_interval() -> None:
    rng = np.random.default_rng(1)
    a = np.repeat(rng.normal(size=20), 10)
    b = a + np.repeat(rng.normal(size=20), 10)
    by_patient = spearman_interval(a, b, np.repeat(np.arange(20), 10), 0, 300)
    by_case = spearman_interval(a, b, np.arange(200), 0, 300)
    assert by_patient.value == by_case.value
    assert by_patient.high - by_patient.low > 2 * (by_case.high - by_case.low)


def test_the_interval_repeats_with_its_seed_and_says_how_many_resamples_counted() -> None:
    scores, positive = [0.1, 0.4, 0.35, 0.8], [False, False, True, True]
    first = auroc_interval(scores, positive, ["a", "b", "c", "d"], 7, 500)
    assert first == auroc_interval(scores, positive, ["a", "b", "c", "d"], 7, 500)
    assert first.value == 0.75
    assert 0 < first.resamples < 500  # some draw one kind of case only, and have no value
    nothing = bootstrap(lambda rows: float("nan"), [], 0)
    assert [nothing.resamples, nothing.low] == [0, pytest.approx(math.nan, nan_ok=True)]
