"""Reading jobs: where each stands in its queue, and which workers are there to do them."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Avg, Count, DurationField, ExpressionWrapper, F, Q, QuerySet, Window
from django.db.models.functions import RowNumber
from django.utils import timezone

from segmentation.access import scoped, visible
from segmentation.models import Job, Project

ORDER = ("-created_at", "-id")
RECENT = timedelta(days=7)
USUAL_S = {"predict": 10.0, "import": 20.0, "export": 10.0, "compare": 120.0, "train": 600.0}
"""How long a job takes where none has finished yet."""


def jobs_listed(
    *, user: User, states: Sequence[str] = (), project: Project | None = None
) -> QuerySet[Job]:
    """The jobs this person may see."""
    jobs = scoped(user, Job)
    if states:
        jobs = jobs.filter(state__in=states)
    return jobs.filter(project=project) if project else jobs


def job_get(*, user: User, job_id: object) -> Job:
    """One job that this person may see."""
    return visible(user, Job, job_id)


def job_answer(job: Job) -> dict[str, Any]:
    """One job as the page shows it, without an estimate for a waiting one."""
    return job_answers([job], {})[0]


def job_answers(jobs: Sequence[Job], slots: Mapping[str, int]) -> list[dict[str, Any]]:
    """Jobs as the page shows them; ``slots`` tells how many jobs each queue does at once."""
    places = _places([job.pk for job in jobs if job.state == Job.State.QUEUED])
    seconds = _usual_seconds()
    return [_answer(job, places.get(job.pk), seconds, slots) for job in jobs]


def _answer(
    job: Job, place: int | None, seconds: Mapping[str, float], slots: Mapping[str, int]
) -> dict[str, Any]:
    each = seconds.get(job.kind, USUAL_S.get(job.kind, 30.0))
    estimate = None
    if job.state == Job.State.QUEUED and place is not None and slots.get(job.queue):
        estimate = round(each * (place / slots[job.queue] + 1), 1)
    elif job.state == Job.State.RUNNING and job.started_at and job.progress > 0.05:
        spent = (timezone.now() - job.started_at).total_seconds()
        estimate = round(spent * (1 - job.progress) / job.progress, 1)
    return {
        "id": job.pk,
        "kind": job.kind,
        "queue": job.queue,
        "state": job.state,
        "progress": job.progress,
        "message": job.message,
        "position": place,
        "estimate_s": estimate,
        "attempt": job.attempt,
        "cause": job.cause,
        "cause_code": job.cause_code,
        "stopping": job.cancel_requested or job.pause_requested,
        "case": job.case_id,
        "project": job.project_id,
        "result": job.result,
        "created_at": job.created_at,
        "started_at": job.started_at,
        "finished_at": job.finished_at,
    }


def _places(keys: Sequence[uuid.UUID]) -> dict[uuid.UUID, int]:
    """How many jobs wait before each of these in its queue; other people's count, too."""
    if not keys:
        return {}
    place = Window(RowNumber(), partition_by=F("queue"), order_by=("created_at", "id"))
    waiting = Job.objects.filter(state=Job.State.QUEUED).annotate(place=place)
    # No place is 0: the "or" keeps the database from narrowing to these jobs before it counts.
    here = waiting.filter(Q(place=0) | Q(pk__in=keys))
    return {key: number - 1 for key, number in here.values_list("pk", "place")}


def _usual_seconds() -> dict[str, float]:
    took = ExpressionWrapper(F("finished_at") - F("started_at"), output_field=DurationField())
    done = Job.objects.filter(
        state=Job.State.SUCCEEDED, finished_at__gt=timezone.now() - RECENT
    ).annotate(took=took)
    means = done.values_list("kind").annotate(mean=Avg("took"), count=Count("pk"))
    return {kind: max(mean.total_seconds(), 0.1) for kind, mean, _ in means if mean is not None}
