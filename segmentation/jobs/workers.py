"""Which workers are alive: each says so in Redis every few seconds, and silence says the rest."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass

import redis

from segmentation.jobs.progress import connection

PREFIX = "medseg:worker:"
FORGET_S = 60
ALIVE_S = 15.0


@dataclass(frozen=True)
class WorkerSeen:
    """A worker that was heard within the last minute; ``seen_s`` seconds ago."""

    name: str
    queues: tuple[str, ...]
    slots: int
    seen_s: float

    @property
    def alive(self) -> bool:
        return self.seen_s <= ALIVE_S


def worker_seen(name: str, queues: Sequence[str], slots: int) -> None:
    """Say that this worker lives. Raises ``redis.RedisError`` when nobody can hear it."""
    told = {"queues": list(queues), "slots": slots, "at": time.time()}
    connection().set(PREFIX + name, json.dumps(told), ex=FORGET_S)


def worker_gone(name: str) -> None:
    """Say goodbye, so that the page knows at once."""
    connection().delete(PREFIX + name)


def workers_seen() -> list[WorkerSeen] | None:
    """All workers heard within the last minute by name; None when Redis does not answer."""
    try:
        names = sorted(connection().scan_iter(PREFIX + "*", count=200))
        told = connection().mget(names) if names else []
    except redis.RedisError:
        return None
    seen = []
    for name, words in zip(names, told, strict=True):
        if words is None:
            continue
        fields = json.loads(words)
        age = max(0.0, time.time() - fields["at"])
        seen.append(WorkerSeen(name[len(PREFIX) :], tuple(fields["queues"]), fields["slots"], age))
    return seen
