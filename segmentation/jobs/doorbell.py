"""Rings a worker through Celery, by the task's name, with a job's id and nothing else.

A ring may get lost: the row waits, and the reconciler rings again. So a broker that does not
answer never delays or fails the request that made the job.
"""

from __future__ import annotations

import time
from functools import cache

import structlog
from celery import Celery
from django.conf import settings
from django.db import transaction
from kombu.exceptions import OperationalError

from segmentation.models import Job

TASK = "segmentation.tasks.run_job"
QUIET_S = 5.0
"""After a failed ring nobody tries again for this long; the reconciler catches up."""

log = structlog.get_logger(__name__)
_quiet_until = 0.0


def ring_on_commit(job: Job) -> None:
    """Ring when the surrounding transaction commits (at once where there is none)."""
    job_id, queue = str(job.pk), job.queue
    transaction.on_commit(lambda: ring(job_id, queue), robust=True)


def ring(job_id: str, queue: str) -> bool:
    """Tell the workers of ``queue`` that this job waits; False when the broker does not answer."""
    global _quiet_until
    if time.monotonic() < _quiet_until:
        return False
    try:
        producer().send_task(TASK, args=[job_id], queue=queue, retry=False, ignore_result=True)
    except (OperationalError, OSError) as error:
        _quiet_until = time.monotonic() + QUIET_S
        log.warning("doorbell_silent", job=job_id, exc_info=error)
        return False
    return True


@cache
def producer() -> Celery:
    """A producer of its own: the web server has no Celery application, and one that waits for a
    dead broker without end (kombu's default) would take the request with it."""
    app = Celery("medseg-doorbell", set_as_current=False)
    app.conf.update(settings.CELERY)
    app.conf.broker_transport_options = {
        **settings.CELERY.get("broker_transport_options", {}),
        "max_retries": 1,
        "interval_start": 0,
        "interval_step": 0,
        "interval_max": 0,
        "socket_connect_timeout": 2,
        "socket_timeout": 5,
    }
    return app
