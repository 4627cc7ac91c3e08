"""What a person may do to a job: cancel, pause, resume, retry."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence

from django.contrib.auth.models import User
from django.db import transaction

from segmentation.access import require, scoped, verbs_of, visible
from segmentation.errors import StateRefusedError
from segmentation.jobs.queue import FINISHED, end, requeue
from segmentation.jobs.workers import WorkerSeen, workers_seen
from segmentation.models import Job, Project

VERB_OF = {
    "import": "case.import",
    "predict": "run.request",
    "export": "export.create",
    "train": "training.stop",
    "compare": "training.compare",
}
"""What a person needs to be allowed in the project to steer a job of each kind."""


def job_cancel(*, user: User, job_id: uuid.UUID) -> Job:
    """Cancel: at once where nobody works on it, else as soon as the worker hears it."""
    return _steer(user, job_id, _cancel)


def job_pause(*, user: User, job_id: uuid.UUID) -> Job:
    """Pause a job; a training keeps its last checkpoint and goes on from there."""
    return _steer(user, job_id, _pause)


def job_resume(*, user: User, job_id: uuid.UUID) -> Job:
    """Let a paused job wait for a worker again."""
    return _steer(user, job_id, _resume)


def job_retry(*, user: User, job_id: uuid.UUID) -> Job:
    """Try a failed or cancelled job again, with all its attempts."""
    return _steer(user, job_id, _retry)


def jobs_retry_all(*, user: User, project: Project | None = None) -> int:
    """Retry every failed job that the person may steer; how many."""
    failed = scoped(user, Job).filter(state=Job.State.FAILED).select_related("project")
    if project is not None:
        failed = failed.filter(project=project)
    retried = 0
    for job in failed.order_by("created_at"):
        if _verb(job) in verbs_of(user, job.project):
            job_retry(user=user, job_id=job.pk)
            retried += 1
    return retried


def workers_listed() -> list[WorkerSeen] | None:
    """The workers heard within the last minute; None when the broker does not answer."""
    return workers_seen()


def slots_of(workers: Sequence[WorkerSeen] | None) -> dict[str, int]:
    """How many jobs each queue does at once."""
    slots: dict[str, int] = {}
    for worker in workers or ():
        for queue in worker.queues if worker.alive else ():
            slots[queue] = slots.get(queue, 0) + worker.slots
    return slots


def _verb(job: Job) -> str:
    return VERB_OF.get(job.kind, "job.all") if job.project_id else "job.all"


@transaction.atomic
def _steer(user: User, job_id: uuid.UUID, step: Callable[[Job], None]) -> Job:
    job = visible(user, Job, job_id, "project")
    verb = _verb(job)
    require(user, verb, None if verb == "job.all" else job.project)
    locked = Job.objects.select_for_update().get(pk=job.pk)
    step(locked)
    return locked


def _cancel(job: Job) -> None:
    if job.state in FINISHED:
        raise StateRefusedError(f"This job has already ended: {job.state}.")
    if job.state == Job.State.RUNNING:
        job.cancel_requested = True
        job.save(update_fields=["cancel_requested"])
    else:
        end(job, Job.State.CANCELLED)


def _pause(job: Job) -> None:
    if job.state == Job.State.RUNNING:
        job.pause_requested = True
        job.save(update_fields=["pause_requested"])
    elif job.state == Job.State.QUEUED:
        end(job, Job.State.PAUSED)
    else:
        raise StateRefusedError(
            f"Only a waiting or running job can pause; this one is {job.state}."
        )


def _resume(job: Job) -> None:
    if job.state != Job.State.PAUSED:
        raise StateRefusedError(f"Only a paused job can go on; this one is {job.state}.")
    job.attempt = 0
    requeue(job)


def _retry(job: Job) -> None:
    if job.state not in (Job.State.FAILED, Job.State.CANCELLED):
        raise StateRefusedError(
            f"Only a failed or cancelled job can be retried; this one is {job.state}."
        )
    job.attempt, job.progress, job.message, job.cause, job.cause_code = 0, 0.0, "", "", ""
    job.finished_at = None
    requeue(job)
