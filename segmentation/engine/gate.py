"""The gate between a challenger and the champion: better, not better, or a person must look.

The rule is stated before any score is seen and asks one question of paired scores on the same
hold-out: is the challenger better than the champion for patients like these? Cases of one patient
are averaged first, so that a patient with many images counts once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import special

from segmentation.engine.errors import InvalidArrayError

Outcome = Literal["promote", "keep", "needs_person"]

MINIMUM_PATIENTS = 10
"""Below this many patients no interval can be trusted to promote by itself."""

TOLERATED_LOSS = 0.02
"""A label that loses more than two points needs a person even when the whole gains."""

RESAMPLES = 2000
CONFIDENCE = 0.95


@dataclass(frozen=True)
class PairedScore:
    """Both networks' scores on one hold-out case, each in 0..1, higher is better."""

    case: str
    patient: str
    champion: float
    challenger: float


@dataclass(frozen=True)
class Verdict:
    """What the gate says, the figures behind it, and the sentence a person reads.

    ``difference`` is the challenger's mean lead over patients; ``low`` and ``high`` bound it.
    """

    outcome: Outcome
    reason: str
    champion: float
    challenger: float
    difference: float
    low: float
    high: float
    cases: int
    patients: int


def patient_differences(scores: Sequence[PairedScore]) -> NDArray[np.float64]:
    """Mean lead of the challenger per patient, patients in order of their key.

    Cases in which either score is NaN (nothing to find and nothing found) are left out.
    Returns shape ``(patients,)``, empty if no case can be compared.
    """
    leads: dict[str, list[float]] = {}
    for score in scores:
        lead = score.challenger - score.champion
        if np.isfinite(lead):
            leads.setdefault(score.patient, []).append(lead)
    return np.array([np.mean(leads[patient]) for patient in sorted(leads)], dtype=np.float64)


def interval(differences: NDArray[np.float64], seed: int = 0) -> tuple[float, float]:
    """95 % interval of the mean of ``differences``, the wider of bootstrap and Student's t.

    The percentile bootstrap (Efron and Tibshirani 1993, chapter 13) is too narrow for a handful
    of patients; Student's t is too narrow for skewed leads. Taking the outer bounds of both errs
    on the side of keeping the champion. One patient alone gives no interval: (-inf, inf).
    """
    if differences.ndim != 1:
        raise InvalidArrayError("Differences must be one number per patient.")
    count = differences.size
    if count < 2:
        return float("-inf"), float("inf")
    rng = np.random.default_rng(seed)
    means = differences[rng.integers(0, count, size=(RESAMPLES, count))].mean(axis=1)
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    mean = float(differences.mean())
    reach = float(special.stdtrit(count - 1, 1 - tail) * differences.std(ddof=1) / np.sqrt(count))
    return min(float(low), mean - reach), max(float(high), mean + reach)


def judge(
    scores: Sequence[PairedScore], per_label: Mapping[str, float] | None = None, seed: int = 0
) -> Verdict:
    """Decide between champion and challenger on the same cases.

    ``promote`` needs at least ``MINIMUM_PATIENTS`` patients, an interval wholly above zero and no
    label (``per_label``: name to mean lead) that loses more than ``TOLERATED_LOSS``. ``keep`` is
    the answer when the mean lead is not above zero. Everything between needs a person.
    """
    differences = patient_differences(scores)
    finite = [s for s in scores if np.isfinite(s.challenger - s.champion)]
    if not finite:
        return Verdict(
            "needs_person",
            "No hold-out case could be scored by both networks, so nothing can be compared. "
            "Accept cases in the hold-out that contain something to find.",
            float("nan"), float("nan"), float("nan"), float("-inf"), float("inf"), 0, 0,
        )  # fmt: skip
    low, high = interval(differences, seed)
    mean = float(differences.mean())
    lost = [name for name, lead in (per_label or {}).items() if lead < -TOLERATED_LOSS]
    outcome, reason = _decide(mean, low, high, differences.size, lost)
    return Verdict(
        outcome,
        reason,
        float(np.mean([s.champion for s in finite])),
        float(np.mean([s.challenger for s in finite])),
        mean,
        low,
        high,
        len(finite),
        differences.size,
    )


def _decide(
    mean: float, low: float, high: float, patients: int, lost: Sequence[str]
) -> tuple[Outcome, str]:
    figures = f"mean lead {mean:+.3f}, 95 % interval {low:+.3f} to {high:+.3f}, {patients} patients"
    if mean <= 0:
        worse = "is worse than" if high < 0 else "shows no gain over"
        return "keep", f"The challenger {worse} the champion ({figures}). The champion stays."
    if patients < MINIMUM_PATIENTS:
        return "needs_person", (
            f"The challenger leads ({figures}), but fewer than {MINIMUM_PATIENTS} patients "
            "cannot settle it. Look at the cases below before you decide."
        )
    if lost:
        return "needs_person", (
            f"The challenger leads overall ({figures}) but loses more than "
            f"{TOLERATED_LOSS * 100:.0f} points on {', '.join(lost)}. Look at those cases."
        )
    if low <= 0:
        return "needs_person", (
            f"The challenger leads ({figures}), but the interval includes no gain. "
            "More hold-out cases, or a person's look, must settle it."
        )
    return "promote", f"The challenger is better than the champion ({figures})."
