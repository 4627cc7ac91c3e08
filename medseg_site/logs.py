"""Logs without patients: structured lines on stderr that keep only fields known to be harmless.

A message of an exception may quote a file's name or a header's value, so a failure is logged as
its class, its code and the places it went through; the words stay out.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import MutableMapping
from typing import Any

import structlog

KEPT_FIELDS = frozenset(
    {
        "event", "level", "timestamp", "logger", "failure",
        "action", "attempt", "bytes", "case", "code", "count", "device", "digest", "image",
        "job", "kind", "network", "of", "project", "queue", "revision", "run", "seconds", "state",
        "status", "step", "task", "user", "worker",
    }
)  # fmt: skip


def keep_known_fields(
    logger: Any, method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """A field nobody vouched for is left out; its name goes to ``left_out``, so it is missed."""
    unknown = sorted(name for name in event if name not in KEPT_FIELDS and not name.startswith("_"))
    for name in unknown:
        del event[name]
    if unknown:
        event["left_out"] = unknown
    return event


def failure_without_words(
    logger: Any, method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Turns ``exc_info`` into class, code and places."""
    info = event.pop("exc_info", None)
    error = info[1] if isinstance(info, tuple) else info
    if isinstance(error, BaseException):
        event["failure"] = describe(error)
    return event


def describe(error: BaseException) -> str:
    """``ValueError at read (nifti.py:40) < import_one (cases.py:12)``, innermost place first."""
    code = getattr(error, "code", None)
    name = type(error).__name__ + (f" [{code}]" if isinstance(code, str) else "")
    places = [
        f"{frame.name} ({frame.filename.rsplit('/', 1)[-1]}:{frame.lineno})"
        for frame in reversed(traceback.extract_tb(error.__traceback__))
    ]
    return f"{name} at {' < '.join(places[:12])}" if places else name


def path_only(record: logging.LogRecord) -> bool:
    """Web-server lines name the path alone: a query may hold a search for a person."""
    request = getattr(record, "request", None)
    if request is not None and record.args:
        record.args = tuple(
            argument.partition("?")[0] if isinstance(argument, str) else type(argument).__name__
            for argument in (record.args if isinstance(record.args, tuple) else ())
        )
    return True


def logging_settings(as_json: bool, level: str, tell_all: bool) -> dict[str, Any]:
    """``tell_all`` (``MEDSEG_DEBUG``) keeps every field and whole tracebacks, for developers."""
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    guard: list[Any] = [] if tell_all else [failure_without_words, keep_known_fields]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if as_json
        else structlog.dev.ConsoleRenderer(colors=False, sort_keys=False)
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"path_only": {"()": lambda: path_only}},
        "formatters": {
            "lines": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": shared,
                "processors": [
                    *guard,
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    renderer,
                ],
            }
        },
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "formatter": "lines",
                "filters": ["path_only"],
            }
        },
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "django": {"handlers": [], "level": level, "propagate": True},
            "django.server": {"handlers": [], "level": "WARNING", "propagate": True},
            "uvicorn.access": {"handlers": [], "level": "WARNING", "propagate": False},
            "celery.app.trace": {"level": "WARNING"},
            "celery.worker.strategy": {"level": "WARNING"},
        },
    }
