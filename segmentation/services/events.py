"""What a page is told while it is open: Redis' events of its projects, or, where Redis does not
answer, what changed in the database every other second."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import redis.asyncio
import structlog
from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Count
from django.utils import timezone

from segmentation.access import scoped, visible
from segmentation.jobs.progress import CHANNEL, job_words
from segmentation.models import Case, Job, Project

ALIVE_S = 15.0
"""How often a silent stream says that it lives, so that no proxy cuts it."""
RIGHTS_S = 60.0
"""How long a person who left a project may still hear of it."""
POLL_S = 2.0
AGAIN_S = 15.0
"""How long the database is asked before Redis is tried again."""
OVERLAP = timedelta(seconds=5)

log = structlog.get_logger(__name__)


@dataclass
class Listener:
    """One open page: who listens to what. ``projects`` None hears all (a site administrator)."""

    user: User
    project: uuid.UUID | None = None
    case: uuid.UUID | None = None
    projects: frozenset[str] | None = frozenset()
    checked_at: float = 0.0
    told: dict[uuid.UUID, tuple[Any, ...]] = field(default_factory=dict)

    def hears(self, event: Mapping[str, Any]) -> bool:
        """Whether this event is this person's to know and this page's to show."""
        project, case = event.get("project"), event.get("case")
        if self.projects is not None and project not in self.projects:
            return False
        if self.project is not None and project != str(self.project):
            return False
        return self.case is None or case == str(self.case)


def listener_open(
    *, user: User, project: uuid.UUID | None = None, case: uuid.UUID | None = None
) -> Listener:
    """A listener for what this person may see, or a refusal for what they may not."""
    if case is not None:
        visible(user, Case, case)
    if project is not None:
        visible(user, Project, project)
    listener = Listener(user, project, case)
    _check_rights(listener)
    return listener


async def events_follow(listener: Listener) -> AsyncIterator[bytes]:
    """The stream itself: server-sent events until the page goes away."""
    yield b"retry: 2000\n: hello\n\n"
    while True:
        try:
            async for piece in _from_redis(listener):
                yield piece
        except (redis.RedisError, OSError) as error:
            log.warning("events_from_database", exc_info=error)
        async for piece in _from_database(listener, AGAIN_S):
            yield piece


def event_text(name: str, content: Mapping[str, Any]) -> bytes:
    """One event as it goes over the wire; JSON has no line breaks."""
    return f"event: {name}\ndata: {json.dumps(content, default=str)}\n\n".encode()


async def _from_redis(listener: Listener) -> AsyncIterator[bytes]:
    client = redis.asyncio.Redis.from_url(
        settings.REDIS_URL, socket_connect_timeout=2, decode_responses=True
    )
    async with client, client.pubsub() as pubsub:
        await pubsub.subscribe(CHANNEL)
        while True:
            await _keep_rights(listener)
            message = await pubsub.get_message(ignore_subscribe_messages=True, timeout=ALIVE_S)
            if message is None:
                yield b": alive\n\n"
                continue
            told = json.loads(message["data"])
            if listener.hears(told):
                yield event_text(told["event"], told["content"])


async def _from_database(listener: Listener, seconds: float) -> AsyncIterator[bytes]:
    since = timezone.now()
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        await _keep_rights(listener)
        now = timezone.now()
        for name, content in await sync_to_async(_changes)(listener, since - OVERLAP):
            yield event_text(name, content)
        yield b": alive\n\n"
        since = now
        await asyncio.sleep(POLL_S)


async def _keep_rights(listener: Listener) -> None:
    if time.monotonic() - listener.checked_at > RIGHTS_S:
        await sync_to_async(_check_rights)(listener)


def _check_rights(listener: Listener) -> None:
    user = User.objects.filter(pk=listener.user.pk, is_active=True).first()
    if user is None:
        listener.projects = frozenset()
    elif user.is_superuser:
        listener.projects = None
    else:
        keys = scoped(user, Project).values_list("pk", flat=True)
        listener.projects = frozenset(str(key) for key in keys)
    listener.checked_at = time.monotonic()
    _give_connection_back()


def _changes(listener: Listener, since: datetime) -> list[tuple[str, dict[str, Any]]]:
    """Jobs and cases that are not as this listener was told last."""
    events: list[tuple[str, dict[str, Any]]] = []
    jobs = scoped(listener.user, Job)
    moving = jobs.filter(state__in=(Job.State.QUEUED, Job.State.RUNNING, Job.State.PAUSED))
    for job in moving.union(jobs.filter(finished_at__gte=since)):
        state: tuple[Any, ...] = (job.state, job.progress, job.message)
        about = {"project": _text(job.project_id), "case": _text(job.case_id)}
        if listener.hears(about) and listener.told.get(job.pk) != state:
            listener.told[job.pk] = state
            events.append(("job", job_words(job)))
    changed = scoped(listener.user, Case).filter(updated_at__gte=since)
    for case in changed.annotate(series=Count("images")):
        state = (case.state, case.head_id, case.series)
        about = {"project": str(case.project_id), "case": str(case.pk)}
        if listener.hears(about) and listener.told.get(case.pk) != state:
            listener.told[case.pk] = state
            content = {
                "id": str(case.pk),
                "state": case.state,
                "head": _text(case.head_id),
                "series": case.series,
            }
            events.append(("case", content))
    _give_connection_back()
    return events


def _text(key: uuid.UUID | None) -> str | None:
    return None if key is None else str(key)


def _give_connection_back() -> None:
    """A stream lives for hours; it must not keep a database connection for itself."""
    if not connection.in_atomic_block:
        connection.close()
