"""Doing jobs: claim, run the code for the kind, record how it ended.

Only the workers' door imports this: it brings the engine with it, which a web server never needs.
"""

from __future__ import annotations

import os
import socket
import uuid
from collections.abc import Callable

import structlog
from django.db import DatabaseError

from segmentation.engine.errors import CancelledError, EngineError
from segmentation.errors import FenceLostError, MedsegError, Retry
from segmentation.interchange.errors import InterchangeError
from segmentation.jobs.heartbeat import Heartbeat
from segmentation.jobs.queue import Claim, job_claim, job_fail, job_stop, job_succeed
from segmentation.jobs.reconciler import Reconciler
from segmentation.jobs.work import JobStoppedError, Work
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


def reconciler_start(name: str, queues: list[str], slots: int) -> Reconciler:
    """The thread in which a worker keeps the queue honest and says that it lives."""
    reconciler = Reconciler(
        name, queues, slots, chores=[shipped_networks_sync, uploads_expire, sweep]
    )
    reconciler.start()
    return reconciler
