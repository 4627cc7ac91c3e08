"""The queue of record: rows that say what is to be done, by whom, and under which fence.

Messages only ring. A job is taken by one conditional update that must change exactly one row;
every change of owner raises the fence, and a result is recorded only under the fence it was
computed with. So a lost, doubled, late or reordered message changes nothing.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from segmentation.errors import FenceLostError
from segmentation.jobs.doorbell import ring_on_commit
from segmentation.jobs.progress import publish_job_on_commit
from segmentation.models import Case, Job, Project

LEASE = timedelta(seconds=20)

QUEUE_OF: dict[str, str] = {
    "import": Job.Queue.INTERACTIVE,
    "export": Job.Queue.INTERACTIVE,
    "demo": Job.Queue.INTERACTIVE,
    "predict": Job.Queue.PREDICT,
    "compare": Job.Queue.TRAIN,
    "train": Job.Queue.TRAIN,
}
FINISHED = (Job.State.SUCCEEDED, Job.State.FAILED, Job.State.CANCELLED)


@dataclass(frozen=True)
class Claim:
    """One worker's right to one job, while its lease lasts."""

    job_id: uuid.UUID
    fence: int
    kind: str
    attempt: int
    payload: Mapping[str, Any]
    project_id: uuid.UUID | None
    case_id: uuid.UUID | None


def job_enqueue(
    *,
    kind: str,
    project: Project | None = None,
    case: Case | None = None,
    payload: Mapping[str, Any] | None = None,
    user: User | None = None,
    max_attempts: int = 3,
) -> Job:
    """Put a job down in the caller's transaction; it rings when that commits."""
    job = Job.objects.create(
        kind=kind,
        queue=QUEUE_OF[kind],
        project=project,
        case=case,
        payload=dict(payload or {}),
        created_by=user,
        max_attempts=max_attempts,
        rung_at=timezone.now(),
    )
    ring_on_commit(job)
    publish_job_on_commit(job)
    return job


@transaction.atomic
def job_claim(job_id: uuid.UUID, owner: str) -> Claim | None:
    """Take a queued job; None when it is taken, finished, paused or gone."""
    now = timezone.now()
    taken = Job.objects.filter(pk=job_id, state=Job.State.QUEUED).update(
        state=Job.State.RUNNING,
        attempt=F("attempt") + 1,
        fence=F("fence") + 1,
        lease_owner=owner,
        lease_until=now + LEASE,
        started_at=now,
        finished_at=None,
        progress=0.0,
        message="",
        cause="",
        cause_code="",
    )
    if not taken:
        return None
    job = Job.objects.get(pk=job_id)
    publish_job_on_commit(job)
    return Claim(
        job_id=job.pk,
        fence=job.fence,
        kind=job.kind,
        attempt=job.attempt,
        payload=job.payload,
        project_id=job.project_id,
        case_id=job.case_id,
    )


def job_renew(claim: Claim) -> bool:
    """Move the lease ahead; False when the job is no longer this claim's."""
    return bool(_owned(claim).update(lease_until=timezone.now() + LEASE))


@contextmanager
def job_fenced(claim: Claim) -> Iterator[Job]:
    """A short transaction that only the job's owner can commit."""
    with transaction.atomic():
        job = (
            Job.objects.select_for_update()
            .filter(pk=claim.job_id, fence=claim.fence, state=Job.State.RUNNING)
            .first()
        )
        if job is None:
            raise FenceLostError("Another worker has taken this job; this result is left out.")
        yield job


@contextmanager
def job_recording(claim: Claim) -> Iterator[dict[str, Any]]:
    """The transaction that ends a job well: what is written inside it and the state word commit
    together. The yielded dict becomes the job's result."""
    with job_fenced(claim) as job:
        result: dict[str, Any] = {}
        yield result
        job.result = result
        job.progress = 1.0
        _end(job, Job.State.SUCCEEDED)


def job_succeed(claim: Claim) -> None:
    """End a job that had nothing more to record; no harm when it has ended already."""
    with suppress(FenceLostError), job_recording(claim):
        pass


def job_fail(claim: Claim, *, cause: str, code: str, again: bool) -> None:
    """End an attempt that failed. ``again``: worth another attempt, while there are any left."""
    with job_fenced(claim) as job:
        job.cause, job.cause_code = cause, code
        if again and job.attempt < job.max_attempts:
            requeue(job, at_once=False)
        else:
            _end(job, Job.State.FAILED)


def job_stop(claim: Claim, word: str) -> None:
    """Record that the worker stopped because it was asked to: ``cancel`` or ``pause``."""
    with job_fenced(claim) as job:
        _end(job, Job.State.PAUSED if word == "pause" else Job.State.CANCELLED)


def requeue(job: Job, at_once: bool = True) -> None:
    """Let a locked row wait again for whoever comes first. The fence moves, so that the owner
    of before can no longer record. Not ``at_once``: the reconciler rings, a quarter minute on."""
    job.state = Job.State.QUEUED
    job.fence += 1
    job.lease_owner = ""
    job.lease_until = None
    job.cancel_requested = job.pause_requested = False
    job.rung_at = timezone.now()
    job.save()
    if at_once:
        ring_on_commit(job)
    publish_job_on_commit(job)


def end(job: Job, state: str) -> None:
    """Finish or pause a locked row that no worker holds."""
    job.fence += 1
    _end(job, state)


def _end(job: Job, state: str) -> None:
    job.state = state
    job.lease_owner = ""
    job.lease_until = None
    job.cancel_requested = job.pause_requested = False
    job.finished_at = None if state == Job.State.PAUSED else timezone.now()
    job.save()
    publish_job_on_commit(job)


def _owned(claim: Claim) -> Any:
    return Job.objects.filter(pk=claim.job_id, fence=claim.fence, state=Job.State.RUNNING)
