"""Makes the rows come true: rings again for jobs nobody fetched, frees jobs of dead workers.

One thread in each worker. All it does is a conditional update, so any number may run at once.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Sequence
from datetime import timedelta

import redis
import structlog
from django.db import DatabaseError, close_old_connections, connection, transaction
from django.utils import timezone

from segmentation.jobs.doorbell import ring
from segmentation.jobs.queue import end, requeue
from segmentation.jobs.workers import worker_gone, worker_seen
from segmentation.models import Job

ROUND_S = 5.0
CHORES_S = 600.0
UNHEARD = timedelta(seconds=15)
RINGS_PER_QUEUE = 20
"""The oldest waiting jobs are rung again, not all: a thousand waiting jobs need no thousand
messages every quarter minute."""

log = structlog.get_logger(__name__)


def reconcile() -> tuple[int, int]:
    """One round; how many jobs were freed from dead owners, and how many were rung again."""
    return _free_abandoned(), _ring_again()


def _free_abandoned() -> int:
    late = Job.objects.filter(state=Job.State.RUNNING, lease_until__lt=timezone.now())
    return sum(_free(pk, fence) for pk, fence in late.values_list("pk", "fence"))


@transaction.atomic
def _free(pk: uuid.UUID, fence: int) -> bool:
    job = (
        Job.objects.select_for_update()
        .filter(pk=pk, fence=fence, state=Job.State.RUNNING, lease_until__lt=timezone.now())
        .first()
    )
    if job is None:
        return False
    log.warning("job_abandoned", job=str(job.pk), kind=job.kind, attempt=job.attempt)
    if job.cancel_requested:
        end(job, Job.State.CANCELLED)
    elif job.pause_requested:
        end(job, Job.State.PAUSED)
    elif job.attempt < job.max_attempts:
        requeue(job)
    else:
        job.cause_code = "worker_lost"
        job.cause = (
            f"The worker stopped without a word {job.attempt} times while it did this. "
            "The work may need more memory than the worker has. Give it more, then retry."
        )
        end(job, Job.State.FAILED)
    return True


def _ring_again() -> int:
    before = timezone.now() - UNHEARD
    waiting = Job.objects.filter(state=Job.State.QUEUED, rung_at__lt=before)
    rung = 0
    for queue in Job.Queue.values:
        oldest = waiting.filter(queue=queue).order_by("created_at")[:RINGS_PER_QUEUE]
        for pk, heard in oldest.values_list("pk", "rung_at"):
            mine = Job.objects.filter(pk=pk, rung_at=heard, state=Job.State.QUEUED)
            if mine.update(rung_at=timezone.now()):
                rung += ring(str(pk), queue)
    return rung


class Reconciler(threading.Thread):
    """Runs rounds until ``stop``; ``chores`` are done every ten minutes."""

    def __init__(
        self,
        name: str,
        queues: Sequence[str],
        slots: int = 1,
        chores: Sequence[Callable[[], object]] = (),
        round_s: float = ROUND_S,
    ) -> None:
        super().__init__(name="reconciler", daemon=True)
        self._worker, self._queues, self._slots = name, tuple(queues), slots
        self._chores = tuple(chores)
        self._round_s = round_s
        self._done = threading.Event()

    def stop(self) -> None:
        self._done.set()
        self.join(timeout=10)

    def run(self) -> None:
        chores_at = time.monotonic()
        try:
            while True:
                self._guarded(self._present)
                self._guarded(reconcile)
                if time.monotonic() >= chores_at:
                    chores_at = time.monotonic() + CHORES_S
                    for chore in self._chores:
                        self._guarded(chore)
                if self._done.wait(self._round_s):
                    return
        finally:
            self._guarded(lambda: worker_gone(self._worker))
            connection.close()

    def _present(self) -> None:
        worker_seen(self._worker, self._queues, self._slots)

    def _guarded(self, step: Callable[[], object]) -> None:
        """A round that fails is tried again in the next one."""
        try:
            close_old_connections()
            step()
        except (DatabaseError, OSError, redis.RedisError) as error:
            log.warning("reconciler_missed", worker=self._worker, exc_info=error)
