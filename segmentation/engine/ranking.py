"""Whether scores put things in the right order: positives above negatives, the worse case higher.

Ties share their mean rank. What has no value is NaN: no positive or no negative, fewer than two
cases, or scores that are all alike. Intervals come from the bootstrap over whole groups (patients).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from segmentation.engine.errors import InvalidArrayError

NAN = float("nan")
RESAMPLES = 2000
Groups = Sequence[object] | NDArray[np.generic]


@dataclass(frozen=True)
class Estimate:
    """A figure and the interval around it; NaN where it has no value.

    ``resamples`` is how many resamples had a value; the interval is theirs.
    """

    value: float
    low: float
    high: float
    resamples: int


def auroc(scores: ArrayLike, positive: ArrayLike) -> float:
    """Return the chance that a positive case scores higher than a negative one, ties half.

    Mann and Whitney 1947, by mean ranks. ``scores`` and ``positive`` are of one length, scores any
    numbers but NaN; NaN without a positive or without a negative case. Raises InvalidArrayError.
    """
    values = np.asarray(scores, dtype=np.float64).reshape(-1)
    truth = np.asarray(positive, dtype=np.bool_).reshape(-1)
    if values.size != truth.size or np.isnan(values).any():
        raise InvalidArrayError("Every case needs one score, a number, and one truth.")
    n, m = int(truth.sum()), int((~truth).sum())
    if n == 0 or m == 0:
        return NAN
    ranks = mean_ranks(values)
    return float((ranks[truth].sum() - n * (n + 1) / 2) / (n * m))


def auroc_of_counts(positive: ArrayLike, negative: ArrayLike) -> float:
    """Return the area under the ROC curve of scores that take few values, from how often each is.

    ``positive`` and ``negative`` count cases per value, ``(values,)``, in increasing order of the
    value. It equals ``auroc`` and needs no list of all cases, which pixels are too many for.
    """
    p = np.asarray(positive, dtype=np.int64).reshape(-1)
    q = np.asarray(negative, dtype=np.int64).reshape(-1)
    if p.size != q.size or (p < 0).any() or (q < 0).any():
        raise InvalidArrayError("Every value needs its count among positives and among negatives.")
    n, m = int(p.sum()), int(q.sum())
    if n == 0 or m == 0:
        return NAN
    below = (np.cumsum(q) - q) / m
    return float((p / n * (below + q / m / 2)).sum())


def spearman(first: ArrayLike, second: ArrayLike) -> float:
    """Return the rank correlation of two lists, -1 to 1 (Spearman 1904; ties by mean ranks).

    It is Pearson's correlation of the ranks. NaN for fewer than two cases, or where all values of
    one list are equal. Raises InvalidArrayError where lengths differ or a value is NaN.
    """
    a = np.asarray(first, dtype=np.float64).reshape(-1)
    b = np.asarray(second, dtype=np.float64).reshape(-1)
    if a.size != b.size or np.isnan(a).any() or np.isnan(b).any():
        raise InvalidArrayError("Every case needs two numbers.")
    if a.size < 2:
        return NAN
    x, y = mean_ranks(a) - (a.size + 1) / 2, mean_ranks(b) - (a.size + 1) / 2
    spread = float(np.sqrt((x @ x) * (y @ y)))
    return float(x @ y) / spread if spread else NAN


def mean_ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the rank of each value, from 1; equal values share their mean rank."""
    _, place, tied = np.unique(values, return_inverse=True, return_counts=True)
    ranks: NDArray[np.float64] = (np.cumsum(tied) - (tied - 1) / 2)[place]
    return ranks


def auroc_interval(
    scores: ArrayLike, positive: ArrayLike, groups: Groups, seed: int, resamples: int = RESAMPLES
) -> Estimate:
    """Return ``auroc`` with its 95 % interval over resampled groups (see ``bootstrap``)."""
    values, truth = np.asarray(scores).reshape(-1), np.asarray(positive).reshape(-1)
    return bootstrap(lambda rows: auroc(values[rows], truth[rows]), groups, seed, resamples)


def spearman_interval(
    first: ArrayLike, second: ArrayLike, groups: Groups, seed: int, resamples: int = RESAMPLES
) -> Estimate:
    """Return ``spearman`` with its 95 % interval over resampled groups (see ``bootstrap``)."""
    a, b = np.asarray(first).reshape(-1), np.asarray(second).reshape(-1)
    return bootstrap(lambda rows: spearman(a[rows], b[rows]), groups, seed, resamples)


def bootstrap(
    figure: Callable[[NDArray[np.int64]], float],
    groups: Groups,
    seed: int,
    resamples: int = RESAMPLES,
    confidence: float = 0.95,
) -> Estimate:
    """Return a figure of all cases and its percentile interval over resampled groups.

    ``figure`` takes the numbers of the cases that count, some of them more than once. Whole groups
    are drawn with replacement, since cases of one patient are alike (Davison and Hinkley,
    Bootstrap Methods, 1997, section 3.8). Resamples without a value (NaN) are left out. The same
    seed gives the same interval.
    """
    names: dict[object, int] = {}
    team = np.array([names.setdefault(group, len(names)) for group in groups], dtype=np.int64)
    whole = figure(np.arange(team.size))
    if team.size == 0 or np.isnan(whole):
        return Estimate(whole, NAN, NAN, 0)
    members = [np.flatnonzero(team == number) for number in range(len(names))]
    rng = np.random.default_rng(seed)
    found = np.empty(resamples)
    for k in range(resamples):
        drawn = rng.integers(len(members), size=len(members))
        found[k] = figure(np.concatenate([members[number] for number in drawn]))
    found = found[~np.isnan(found)]
    if not found.size:
        return Estimate(whole, NAN, NAN, 0)
    low, high = np.quantile(found, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Estimate(whole, float(low), float(high), int(found.size))
