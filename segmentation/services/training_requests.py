"""Training asked for: on which frozen set, from which start and within which budget."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import transaction

from segmentation import access
from segmentation.errors import InvalidInputError
from segmentation.jobs.queue import job_enqueue
from segmentation.models import NetworkVersion, TrainingRun, TrainingSet
from segmentation.services.audit import event_record
from segmentation.services.learning_cases import training_cases
from segmentation.services.network_choice import champion_of

LIMIT_STEPS = 1_000_000
LIMIT_MINUTES = 7 * 24 * 60


def training_start(
    *,
    user: User,
    training_set: TrainingSet,
    start: str = "champion",
    kind: str = "",
    steps: int | None = None,
    minutes: float | None = None,
    seed: int = 0,
) -> TrainingRun:
    """Queue a training. ``start`` is ``champion``, ``scratch`` or the id of a network version."""
    project = training_set.project
    access.require(user, "training.start", project)
    _check_budget(steps, minutes)
    training_cases(training_set, kind)
    with transaction.atomic():
        run = TrainingRun.objects.create(
            training_set=training_set,
            start=_start_of(user, training_set, start, kind),
            kind=kind,
            budget_steps=steps,
            budget_minutes=minutes,
            seed=seed,
            author=user,
        )
        run.job = job_enqueue(
            kind="train", project=project, payload={"training": str(run.id)}, user=user
        )
        run.save(update_fields=["job"])
        event_record(
            project,
            "training.start",
            actor=user,
            subject={"training": str(run.id), "training_set": str(training_set.id)},
        )
    return run


def _start_of(
    user: User, training_set: TrainingSet, start: str, kind: str
) -> NetworkVersion | None:
    if start == "scratch":
        return None
    if start == "champion":
        return champion_of(training_set.project, kind)
    return access.visible(user, NetworkVersion, start, "network")


def _check_budget(steps: int | None, minutes: float | None) -> None:
    if (steps is None) == (minutes is None):
        raise InvalidInputError("Give the training a budget: either steps or minutes, not both.")
    if steps is not None and not 1 <= steps <= LIMIT_STEPS:
        raise InvalidInputError(
            f"A training takes between 1 and {LIMIT_STEPS:,} steps.", fields={"steps": "range"}
        )
    if minutes is not None and not 0 < minutes <= LIMIT_MINUTES:
        raise InvalidInputError(
            "A training takes more than 0 minutes and at most a week.", fields={"minutes": "range"}
        )
