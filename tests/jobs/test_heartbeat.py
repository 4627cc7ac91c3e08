from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from segmentation.errors import FenceLostError
from segmentation.jobs.heartbeat import Heartbeat
from segmentation.jobs.queue import Claim, end, job_claim, job_enqueue
from segmentation.jobs.work import JobStoppedError, Work
from segmentation.models import Job
from tests.builders import a_project

pytestmark = pytest.mark.django_db(transaction=True)


def a_claim() -> Claim:
    job = job_enqueue(kind="train", project=a_project())
    claim = job_claim(job.pk, "worker")
    assert claim is not None
    return claim


def wait_for(truth: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 10
    while not truth() and time.monotonic() < deadline:
        time.sleep(0.01)
    return truth()


def lease(claim: Claim) -> float:
    until = Job.objects.get(pk=claim.job_id).lease_until
    return (until - timezone.now()).total_seconds() if until else 0.0


def test_the_lease_is_renewed_while_the_work_lasts() -> None:
    claim = a_claim()
    Job.objects.filter(pk=claim.job_id).update(lease_until=timezone.now() + timedelta(seconds=2))
    with Heartbeat(claim, beat_s=0.02, listen_s=0.01) as beat:
        assert wait_for(lambda: lease(claim) > 10)
        assert beat.stop_word is None


@pytest.mark.parametrize("word", ["cancel", "pause"])
def test_a_persons_wish_reaches_the_work(word: str) -> None:
    claim = a_claim()
    with Heartbeat(claim, beat_s=0.05, listen_s=0.01) as beat:
        work = Work(claim, beat)
        work.check()
        Job.objects.filter(pk=claim.job_id).update(**{f"{word}_requested": True})
        assert wait_for(work.stopped)
        assert work.stop_word() == word
        with pytest.raises(JobStoppedError):
            work.check()


def test_work_on_a_job_with_a_new_owner_ends() -> None:
    claim = a_claim()
    with Heartbeat(claim, beat_s=0.05, listen_s=0.01) as beat:
        work = Work(claim, beat)
        end(Job.objects.get(pk=claim.job_id), Job.State.CANCELLED)
        assert wait_for(work.stopped)
        assert beat.stop_word == "lost"
        assert work.stop_word() == "cancel"
        with pytest.raises(FenceLostError):
            work.check()


class _Quiet:
    stop_word = None


def test_progress_is_written_twice_a_second_at_most(
    django_assert_num_queries: Any,
) -> None:
    claim = a_claim()
    work = Work(claim, _Quiet())
    work.progress(0.25, "a quarter")
    with django_assert_num_queries(0):
        for _ in range(50):
            work.progress(0.3, "soon after")
    job = Job.objects.get(pk=claim.job_id)
    assert (job.progress, job.message) == (0.25, "a quarter")
    work.progress(1.0, "the end is always told")
    assert Job.objects.get(pk=claim.job_id).progress == 1.0


def test_a_zombie_writes_no_progress() -> None:
    claim = a_claim()
    end(Job.objects.get(pk=claim.job_id), Job.State.CANCELLED)
    Work(claim, _Quiet()).progress(0.7, "from the grave")
    assert Job.objects.get(pk=claim.job_id).message == ""
