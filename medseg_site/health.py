"""Two questions of a load balancer: is this process alive, and can it serve?"""

from __future__ import annotations

import uuid
from collections.abc import Callable

import redis
import structlog
from django.conf import settings
from django.core.files.storage import storages
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

log = structlog.get_logger(__name__)


@require_safe
@never_cache
def alive(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
@never_cache
def ready(request: HttpRequest) -> JsonResponse:
    """200 when database, redis and storage all answer, else 503; says which does not."""
    answers = {name: _answers(name, probe) for name, probe in PROBES.items()}
    status = 200 if all(answers.values()) else 503
    words = {name: "ok" if good else "does not answer" for name, good in answers.items()}
    return JsonResponse(words, status=status)


def _answers(name: str, probe: Callable[[], None]) -> bool:
    try:
        probe()
    except Exception as error:  # whatever a driver raises, the answer is that it does not answer
        log.warning("not_ready", kind=name, exc_info=error)
        return False
    return True


def _database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _redis() -> None:
    with redis.Redis.from_url(
        settings.REDIS_URL, socket_connect_timeout=2, socket_timeout=2
    ) as client:
        client.ping()


def _storage() -> None:
    """Asks for a blob that cannot exist: a wrong key or bucket fails, absence does not."""
    storages["blobs"].exists(f"ready-{uuid.uuid4().hex}")


PROBES: dict[str, Callable[[], None]] = {
    "database": _database,
    "redis": _redis,
    "storage": _storage,
}
