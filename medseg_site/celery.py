"""The Celery application of the workers: ``celery -A medseg_site worker``."""

from __future__ import annotations

import os
import signal
from typing import Any

from celery import Celery, signals
from django.conf import settings

from medseg_site.children import die_with_parent

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "medseg_site.settings")

app = Celery("medseg")
app.conf.update(settings.CELERY)
app.autodiscover_tasks(["segmentation"], related_name="tasks")


@signals.setup_logging.connect
def _keep_our_logging(**_: Any) -> None:
    """A receiver is enough for Celery to leave logging as Django configured it."""


@signals.worker_process_init.connect
def _end_with_the_worker(**_: Any) -> None:
    """A killed worker must not leave a child computing what nobody may record any more."""
    die_with_parent(signal.SIGKILL)
