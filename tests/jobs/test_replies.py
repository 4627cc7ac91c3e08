"""Questions to a worker: the answer comes back once, and silence is told in words."""

from __future__ import annotations

import base64
import json
import threading
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import redis

from medseg_site.settings.environment import broker_url
from medseg_site.settings.queue import celery
from segmentation.errors import UnavailableError
from segmentation.jobs import doorbell, replies
from segmentation.jobs.workers import worker_gone, worker_seen

pytestmark = pytest.mark.redis


@pytest.fixture
def queue(settings: Any) -> Iterator[str]:
    """A queue of this test alone, which a worker says it takes."""
    settings.CELERY = celery(broker_url(settings.REDIS_URL))
    doorbell.producer.cache_clear()
    name = f"prompt-{uuid.uuid4().hex}"
    worker_seen(name, [name], 1)
    yield name
    worker_gone(name)
    doorbell.producer.cache_clear()
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.delete(name)


def served(settings: Any, queue: str, answer: dict[str, Any]) -> threading.Thread:
    """A worker's part: takes one message and replies."""

    def work() -> None:
        with redis.Redis.from_url(settings.REDIS_URL) as client:
            _, told = client.blpop([queue], timeout=10)
        (key, question), _, _ = json.loads(base64.b64decode(json.loads(told)["body"]))
        replies.reply(key, {**answer, "heard": question})

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_the_answer_comes_back_to_whoever_asked_and_is_kept_nowhere(
    settings: Any, queue: str
) -> None:
    worker = served(settings, queue, {"score": 0.5})
    assert replies.ask("a.task", queue, {"z": 3}) == {"score": 0.5, "heard": {"z": 3}}
    worker.join()
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        assert list(client.scan_iter(replies.PREFIX + "*")) == []


def test_a_worker_that_never_answers_is_told(queue: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replies, "WAIT_S", 1)
    with pytest.raises(UnavailableError, match="busy"):
        replies.ask("a.task", queue, {})


def test_a_queue_that_nobody_takes_is_told_at_once(queue: str) -> None:
    with pytest.raises(UnavailableError, match="No worker is running"):
        replies.ask("a.task", "another-" + queue, {})
