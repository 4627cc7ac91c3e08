"""What the code that does a job holds in its hand: its payload, its fence, and its progress."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any, Literal, Protocol

from segmentation.errors import FenceLostError
from segmentation.jobs.heartbeat import StopWord
from segmentation.jobs.progress import publish
from segmentation.jobs.queue import Claim, job_fenced, job_recording
from segmentation.models import Job

WRITE_EVERY_S = 0.5
"""Database writes of progress: at most two a second, SQLite's writers stand in one line."""


class JobStoppedError(Exception):
    """A person asked the job to stop; ``word`` is ``cancel`` or ``pause``. Nothing is wrong."""

    def __init__(self, word: Literal["cancel", "pause"]) -> None:
        super().__init__(word)
        self.word = word


class Listener(Protocol):
    """Where a stop word arrives (``Heartbeat``)."""

    stop_word: StopWord | None


class Work:
    """One claimed job at work. Writes go through ``fenced`` or ``recording`` only."""

    def __init__(self, claim: Claim, listener: Listener) -> None:
        self.claim = claim
        self._listener = listener
        self._written = 0.0

    @property
    def job_id(self) -> uuid.UUID:
        return self.claim.job_id

    @property
    def payload(self) -> Mapping[str, Any]:
        return self.claim.payload

    def stop_word(self) -> Literal["cancel", "pause"] | None:
        """What a person asked for; a lost job counts as cancelled, so that computing ends."""
        word = self._listener.stop_word
        return "cancel" if word == "lost" else word

    def stopped(self) -> bool:
        return self._listener.stop_word is not None

    def check(self) -> None:
        """Leave by an exception when somebody asked to stop, or the job has another owner."""
        word = self._listener.stop_word
        if word == "lost":
            raise FenceLostError("Another worker has taken this job; this result is left out.")
        if word is not None:
            raise JobStoppedError(word)

    def progress(self, share: float, message: str = "") -> None:
        """Say how far the work is (0 to 1) in a word for the reader; free to call often."""
        now = time.monotonic()
        if now - self._written < WRITE_EVERY_S and share < 1.0:
            return
        self._written = now
        share, message = min(max(share, 0.0), 1.0), message[:300]
        owned = Job.objects.filter(pk=self.job_id, fence=self.claim.fence, state=Job.State.RUNNING)
        if owned.update(progress=share, message=message):
            self._tell(share, message)

    def tell(self, event: str, content: Mapping[str, Any]) -> None:
        """Publish an event of the job's own kind to the people of its project."""
        publish(event, content, project=self.claim.project_id, case=self.claim.case_id)

    def fenced(self) -> AbstractContextManager[Job]:
        """A short transaction that commits only while the job is this worker's."""
        return job_fenced(self.claim)

    def recording(self) -> AbstractContextManager[dict[str, Any]]:
        """The last transaction: results and the state word ``succeeded`` commit together."""
        return job_recording(self.claim)

    def _tell(self, share: float, message: str) -> None:
        case, project = self.claim.case_id, self.claim.project_id
        content = {
            "id": str(self.job_id),
            "kind": self.claim.kind,
            "state": Job.State.RUNNING.value,
            "progress": round(share, 4),
            "message": message,
            "case": str(case) if case else None,
            "project": str(project) if project else None,
        }
        publish("job", content, project=project, case=case)
