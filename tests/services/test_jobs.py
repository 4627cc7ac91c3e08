from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError, connection

from segmentation.engine.errors import CancelledError, UnsuitableImageError
from segmentation.errors import InvalidInputError, StorageFullError
from segmentation.interchange.errors import MissingSlicesError
from segmentation.jobs.queue import job_claim, job_enqueue
from segmentation.jobs.work import JobStoppedError, Work
from segmentation.models import Job
from segmentation.services import job_execution
from segmentation.services.job_execution import failure_words, job_execute
from tests.builders import a_project

pytestmark = pytest.mark.django_db(transaction=True)

CANARY = "/data/Canary^Birdy.dcm"


def doing(monkeypatch: pytest.MonkeyPatch, work: Callable[[Work], None]) -> Job:
    """A job whose work is ``work``, done once."""
    monkeypatch.setitem(job_execution.EXECUTORS, "predict", work)
    job = job_enqueue(kind="predict", project=a_project())
    assert job_execute(job.pk)
    job.refresh_from_db()
    return job


def raising(error: Exception) -> Callable[[Work], None]:
    def work(_: Work) -> None:
        raise error

    return work


def test_work_that_returns_has_succeeded(monkeypatch: pytest.MonkeyPatch) -> None:
    assert doing(monkeypatch, lambda work: work.progress(0.5, "half")).state == "succeeded"


def test_what_was_recorded_stays_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    def work(one: Work) -> None:
        with one.recording() as result:
            result["kept"] = 7

    job = doing(monkeypatch, work)
    assert (job.state, job.result) == ("succeeded", {"kept": 7})


@pytest.mark.parametrize(
    ("error", "state", "code"),
    [
        (InvalidInputError("Mend this."), "failed", "invalid_input"),
        (UnsuitableImageError("Not for this."), "failed", "unsuitable_image"),
        (MissingSlicesError("Slices 3 to 5 are missing."), "failed", "missing_slices"),
        (StorageFullError("Full."), "queued", "storage_full"),
        (OperationalError("database is locked"), "queued", "unavailable"),
        (ConnectionResetError(), "queued", "unavailable"),
        (MemoryError(), "queued", "out_of_memory"),
        (KeyError(CANARY), "failed", "bug"),
    ],
)
def test_a_failure_is_told_by_who_can_mend_it(
    monkeypatch: pytest.MonkeyPatch, error: Exception, state: str, code: str
) -> None:
    job = doing(monkeypatch, raising(error))
    assert (job.state, job.cause_code) == (state, code)
    assert job.cause
    assert CANARY not in job.cause


@pytest.mark.parametrize("error", [KeyError(CANARY), OSError(2, "no such file", CANARY)])
def test_a_cause_never_quotes_a_file(error: Exception) -> None:
    sentence, _, _ = failure_words(error)
    assert CANARY not in sentence


@pytest.mark.parametrize("error", [JobStoppedError("cancel"), CancelledError("stopped")])
def test_work_that_was_asked_to_stop_is_cancelled_and_has_no_cause(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    job = doing(monkeypatch, raising(error))
    assert (job.state, job.cause) == ("cancelled", "")


def test_work_that_lost_its_job_leaves_no_mark(monkeypatch: pytest.MonkeyPatch) -> None:
    def work(one: Work) -> None:
        Job.objects.filter(pk=one.job_id).update(fence=50, lease_owner="another")
        raise KeyError("too late")

    job = doing(monkeypatch, work)
    assert (job.state, job.fence, job.lease_owner, job.cause) == ("running", 50, "another", "")


def test_a_message_that_comes_twice_at_once_is_done_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done: list[Any] = []
    monkeypatch.setitem(job_execution.EXECUTORS, "predict", lambda work: done.append(work.job_id))
    job = job_enqueue(kind="predict", project=a_project())
    barrier, answers = threading.Barrier(3), []

    def deliver() -> None:
        barrier.wait()
        answers.append(job_execute(job.pk))
        connection.close()

    threads = [threading.Thread(target=deliver) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [False, False, True]
    assert done == [job.pk]
    assert job_claim(job.pk, "late") is None
