"""Tells the pages what happens, over Redis: ids, state words and figures, never names.

Nobody depends on a message: the rows are the truth, and a page that missed one reads them.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Mapping
from functools import cache
from typing import Any

import redis
import structlog
from django.conf import settings
from django.db import transaction

from segmentation.models import Job

CHANNEL = "medseg:events"
QUIET_S = 5.0

log = structlog.get_logger(__name__)
_quiet_until = 0.0


def publish(
    event: str,
    content: Mapping[str, Any],
    *,
    project: uuid.UUID | None = None,
    case: uuid.UUID | None = None,
) -> None:
    """Send one event (``job``, ``case``, ``presence``, ``training``) to whoever listens now.

    ``project`` decides who may hear it; without one only a site administrator does.
    """
    global _quiet_until
    if time.monotonic() < _quiet_until:
        return
    told = {"event": event, "project": _text(project), "case": _text(case), "content": content}
    try:
        connection().publish(CHANNEL, json.dumps(told, default=str))
    except redis.RedisError as error:
        _quiet_until = time.monotonic() + QUIET_S
        log.warning("events_silent", kind=event, exc_info=error)


def publish_on_commit(
    event: str,
    content: Mapping[str, Any],
    *,
    project: uuid.UUID | None = None,
    case: uuid.UUID | None = None,
) -> None:
    """``publish`` once the surrounding transaction has committed."""
    transaction.on_commit(lambda: publish(event, content, project=project, case=case), robust=True)


def publish_job_on_commit(job: Job) -> None:
    """Tell where the job stands, as it is now, once that is committed."""
    publish_on_commit("job", job_words(job), project=job.project_id, case=job.case_id)


def job_words(job: Job) -> dict[str, Any]:
    """What an event says of a job."""
    return {
        "id": str(job.pk),
        "kind": job.kind,
        "state": str(job.state),
        "progress": round(job.progress, 4),
        "message": job.message,
        "case": _text(job.case_id),
        "project": _text(job.project_id),
    }


@cache
def connection() -> redis.Redis:
    """This process's connections to Redis, with short patience."""
    return redis.Redis.from_url(
        settings.REDIS_URL, socket_connect_timeout=2, socket_timeout=2, decode_responses=True
    )


def _text(key: uuid.UUID | None) -> str | None:
    return None if key is None else str(key)
