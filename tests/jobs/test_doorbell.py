from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
import redis

from medseg_site.settings.environment import broker_url
from medseg_site.settings.queue import celery
from segmentation.jobs import doorbell


@pytest.fixture(autouse=True)
def fresh_doorbell() -> Iterator[None]:
    doorbell.producer.cache_clear()
    doorbell._quiet_until = 0.0
    yield
    doorbell.producer.cache_clear()
    doorbell._quiet_until = 0.0


def test_a_dead_broker_delays_nobody(settings: Any, free_port: int) -> None:
    settings.CELERY = celery(f"redis://127.0.0.1:{free_port}/0")
    began = time.monotonic()
    assert not doorbell.ring("an id", "predict")
    assert time.monotonic() - began < 5
    began = time.monotonic()
    assert not doorbell.ring("another id", "predict")  # nobody asks again right away
    assert time.monotonic() - began < 0.1


@pytest.mark.redis
def test_a_message_carries_the_id_and_nothing_else(settings: Any) -> None:
    settings.CELERY = celery(broker_url(settings.REDIS_URL))
    assert doorbell.ring("the id", "a-queue-of-this-test")
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        told = json.loads(client.lpop("a-queue-of-this-test"))
        client.srem(
            "_kombu.binding.a-queue-of-this-test",
            *client.smembers("_kombu.binding.a-queue-of-this-test"),
        )
    args, kwargs, _ = json.loads(base64.b64decode(told["body"]))
    assert (args, kwargs) == (["the id"], {})
    assert told["headers"]["task"] == "segmentation.tasks.run_job"
