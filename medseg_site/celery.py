"""The Celery application of the workers: ``celery -A medseg_site worker``.

Its parent process ticks: every few seconds it says that this worker lives and rings again for
jobs whose worker died or whose message was lost. The parent never computes, so it ticks while a
job runs.
"""

from __future__ import annotations

import os
import signal
import threading
from typing import Any

import structlog
from celery import Celery, signals
from django.conf import settings
from django.db import close_old_connections
from django.utils.module_loading import import_string

from medseg_site.children import die_with_parent

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "medseg_site.settings")

TICK_S = 5.0
log = structlog.get_logger(__name__)

app = Celery("medseg")
app.conf.update(settings.CELERY)
app.autodiscover_tasks(["segmentation"], related_name="tasks")


class Ticker(threading.Thread):
    """Calls ``segmentation.tasks.tick`` until told to stop; a failure is logged, never fatal."""

    def __init__(self, worker: str, queues: tuple[str, ...]) -> None:
        super().__init__(name="ticker", daemon=True)
        self.worker = worker
        self.queues = queues
        self.stopped = threading.Event()

    def run(self) -> None:
        # By name: tasks need the application of this module, and Django set up, to be imported.
        tick = import_string("segmentation.tasks.tick")
        while not self.stopped.is_set():
            try:
                tick(self.worker, self.queues)
            except Exception as error:
                log.warning("tick_failed", worker=self.worker, exc_info=error)
            finally:
                close_old_connections()
            self.stopped.wait(TICK_S)


_tickers: list[Ticker] = []


@signals.setup_logging.connect
def _keep_our_logging(**_: Any) -> None:
    """A receiver is enough for Celery to leave logging as Django configured it."""


@signals.worker_process_init.connect
def _end_with_the_worker(**_: Any) -> None:
    """A killed worker must not leave a child computing what nobody may record any more."""
    die_with_parent(signal.SIGKILL)


@signals.worker_ready.connect
def _start_ticking(sender: Any, **_: Any) -> None:
    ticker = Ticker(sender.hostname, tuple(sorted(sender.app.amqp.queues.consume_from)))
    _tickers.append(ticker)
    ticker.start()


@signals.worker_shutting_down.connect
def _stop_ticking(**_: Any) -> None:
    for ticker in _tickers:
        ticker.stopped.set()
