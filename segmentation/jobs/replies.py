"""A question to a worker whose answer is waited for, and stored nowhere.

It goes through Celery like a job's ring; the answer comes back through a Redis list of its own that
is forgotten soon. A question that nobody took in time is dropped by the worker, too.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Mapping
from typing import Any, cast

import redis
import structlog
from kombu.exceptions import OperationalError

from segmentation.errors import UnavailableError
from segmentation.jobs.doorbell import producer
from segmentation.jobs.progress import connection
from segmentation.jobs.workers import workers_seen

PREFIX = "medseg:reply:"
FORGET_S = 30
WAIT_S = 15
STEP_S = 1
"""How long one look at the list waits: less than the connection's patience."""

log = structlog.get_logger(__name__)


def ask(task: str, queue: str, question: Mapping[str, Any]) -> dict[str, Any]:
    """Send a question to the workers of a queue and wait for the answer.

    Raises UnavailableError, with a sentence, where no worker takes the queue, the broker does not
    answer, or the worker is too slow.
    """
    workers = workers_seen()
    if workers is None:
        raise UnavailableError("The broker does not answer. Try again in a moment.")
    if not any(worker.alive and queue in worker.queues for worker in workers):
        raise UnavailableError(
            "No worker is running that answers clicks. Ask whoever runs this site."
        )
    key = PREFIX + uuid.uuid4().hex
    try:
        producer().send_task(
            task, args=[key, dict(question)], queue=queue, retry=False, ignore_result=True,
            expires=WAIT_S,
        )  # fmt: skip
        told = _wait(key)
    except (OperationalError, OSError, redis.RedisError) as error:
        log.warning("question_unanswered", task=task, exc_info=error)
        raise UnavailableError("The broker does not answer. Try again in a moment.") from error
    if told is None:
        raise UnavailableError("The worker is busy and did not answer in time. Try again.")
    return told


def _wait(key: str) -> dict[str, Any] | None:
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        found = cast("tuple[str, str] | None", connection().blpop([key], timeout=STEP_S))
        if found is not None:
            return cast("dict[str, Any]", json.loads(found[1]))
    return None


def reply(key: str, answer: Mapping[str, Any]) -> None:
    """Give the answer to whoever waits under this key."""
    with connection().pipeline() as pipeline:
        pipeline.rpush(key, json.dumps(answer))
        pipeline.expire(key, FORGET_S)
        pipeline.execute()
