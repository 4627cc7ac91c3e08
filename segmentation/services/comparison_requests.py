"""Comparisons asked for: a challenger against the network that serves the project today."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import transaction

from segmentation import access
from segmentation.jobs.queue import job_enqueue
from segmentation.models import Comparison, NetworkVersion, TrainingSet
from segmentation.services.audit import event_record
from segmentation.services.network_choice import champion_of


@transaction.atomic
def comparison_start(
    *, user: User, challenger: NetworkVersion, training_set: TrainingSet, kind: str = ""
) -> Comparison:
    """Queue a comparison of a version with the network that serves the project today."""
    access.require(user, "training.compare", training_set.project)
    return comparison_make(training_set, challenger, kind, author=user)


def comparison_make(
    training_set: TrainingSet, challenger: NetworkVersion, kind: str, author: User | None
) -> Comparison:
    """Put a comparison and its job down in the caller's transaction."""
    project = training_set.project
    comparison = Comparison.objects.create(
        training_set=training_set,
        kind=kind,
        champion=champion_of(project, kind),
        challenger=challenger,
    )
    comparison.job = job_enqueue(
        kind="compare", project=project, payload={"comparison": str(comparison.id)}, user=author
    )
    comparison.save(update_fields=["job"])
    event_record(
        project,
        "comparison.start",
        actor=author,
        subject={"comparison": str(comparison.id), "challenger": str(challenger.id)},
    )
    return comparison
