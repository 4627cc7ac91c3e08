"""Keeps a lease alive while its worker computes, and hears when a person wants it to stop."""

from __future__ import annotations

import threading
import time
from types import TracebackType
from typing import Literal

import structlog
from django.db import DatabaseError, connection

from segmentation.jobs.queue import Claim, job_renew
from segmentation.models import Job

BEAT_S = 5.0
LISTEN_S = 1.0
StopWord = Literal["cancel", "pause", "lost"]

log = structlog.get_logger(__name__)


class Heartbeat:
    """A thread beside one claimed job: ``with Heartbeat(claim) as beat: … beat.stop_word``.

    ``stop_word`` becomes ``cancel`` or ``pause`` when a person asked for it, and ``lost`` when
    the job has another owner, so that computing on would be in vain.
    """

    def __init__(self, claim: Claim, beat_s: float = BEAT_S, listen_s: float = LISTEN_S) -> None:
        self.stop_word: StopWord | None = None
        self._claim = claim
        self._beat_s, self._listen_s = beat_s, listen_s
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def __enter__(self) -> Heartbeat:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._done.set()
        self._thread.join(timeout=30)

    def _run(self) -> None:
        beaten = time.monotonic()
        try:
            while not self._done.wait(self._listen_s) and self.stop_word != "lost":
                due = time.monotonic() - beaten >= self._beat_s
                try:
                    self._listen(renew=due)
                except DatabaseError as error:  # busy or away: the lease allows a few misses
                    log.warning("heartbeat_missed", job=str(self._claim.job_id), exc_info=error)
                    connection.close()
                    continue
                if due:
                    beaten = time.monotonic()
        finally:
            connection.close()

    def _listen(self, renew: bool) -> None:
        row = (
            Job.objects.filter(
                pk=self._claim.job_id, fence=self._claim.fence, state=Job.State.RUNNING
            )
            .values_list("cancel_requested", "pause_requested")
            .first()
        )
        if row is None or (renew and not job_renew(self._claim)):
            self.stop_word = "lost"
        elif row[0]:
            self.stop_word = "cancel"
        elif row[1]:
            self.stop_word = "pause"
