"""Doing jobs, and what a person may do to one: cancel, pause, resume, retry."""

from __future__ import annotations

import os
import socket
import uuid
from collections.abc import Callable, Sequence

import structlog
from django.contrib.auth.models import User
from django.db import DatabaseError, transaction

from segmentation.access import require, scoped, verbs_of, visible
from segmentation.engine.errors import CancelledError, EngineError
from segmentation.errors import FenceLostError, MedsegError, Retry, StateRefusedError
from segmentation.interchange.errors import InterchangeError
from segmentation.jobs.heartbeat import Heartbeat
from segmentation.jobs.queue import (
    FINISHED,
    Claim,
    end,
    job_claim,
    job_fail,
    job_stop,
    job_succeed,
    requeue,
)
from segmentation.jobs.reconciler import Reconciler
from segmentation.jobs.work import JobStoppedError, Work
from segmentation.jobs.workers import WorkerSeen, workers_seen
from segmentation.models import Job, Project
from segmentation.services.comparisons import comparison_execute
from segmentation.services.exports import export_execute
from segmentation.services.imports import import_execute
from segmentation.services.networks import shipped_networks_sync
from segmentation.services.runs import run_execute
from segmentation.services.trainings import training_execute
from segmentation.services.uploads import uploads_expire
from segmentation.storage.folders import sweep

Executor = Callable[[Work], None]

EXECUTORS: dict[str, Executor] = {
    "compare": comparison_execute,
    "export": export_execute,
    "import": import_execute,
    "predict": run_execute,
    "train": training_execute,
}
VERB_OF = {
    "import": "case.import",
    "predict": "run.request",
    "export": "export.create",
    "train": "training.stop",
    "compare": "training.compare",
}
"""What a person needs to be allowed in the project to steer a job of each kind."""

log = structlog.get_logger(__name__)


def job_execute(job_id: uuid.UUID) -> bool:
    """Claim the job, do it, and record how it ended; False when it was not there to be taken."""
    claim = job_claim(job_id, owner=f"{socket.gethostname()}:{os.getpid()}")
    if claim is None:
        return False
    with Heartbeat(claim) as beat:
        try:
            _do(claim, Work(claim, beat))
        except FenceLostError:
            log.warning("job_fence_lost", job=str(job_id), kind=claim.kind, attempt=claim.attempt)
    return True


def _do(claim: Claim, work: Work) -> None:
    try:
        EXECUTORS[claim.kind](work)
    except (JobStoppedError, CancelledError):
        job_stop(claim, work.stop_word() or "cancel")
    except FenceLostError:
        raise
    except Exception as error:  # the one place where any failure becomes a cause that is shown
        cause, code, again = failure_words(error)
        log.error("job_failed", job=str(claim.job_id), kind=claim.kind, code=code, exc_info=error)
        job_fail(claim, cause=cause, code=code, again=again)
    else:
        job_succeed(claim)


def failure_words(error: Exception) -> tuple[str, str, bool]:
    """A sentence for the reader, a code, and whether another attempt is worth while.

    What a person has to mend is said in its own words; of a bug only the kind is told, since
    its message may quote a file.
    """
    if isinstance(error, MedsegError):
        return error.message, error.code, error.retry == Retry.LATER
    if isinstance(error, EngineError | InterchangeError):
        return str(error), error.code, False
    if isinstance(error, MemoryError):
        return "The worker ran out of memory. Give it more, then retry.", "out_of_memory", True
    if isinstance(error, OSError | DatabaseError):
        sentence = "A disk, a database or a connection did not answer. It may work when retried."
        return sentence, "unavailable", True
    sentence = f"Something unexpected went wrong ({type(error).__name__}). The log has the place."
    return sentence, "bug", False


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


def reconciler_start(name: str, queues: list[str], slots: int) -> Reconciler:
    """The thread in which a worker keeps the queue honest and says that it lives."""
    reconciler = Reconciler(
        name, queues, slots, chores=[shipped_networks_sync, uploads_expire, sweep]
    )
    reconciler.start()
    return reconciler


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
