from __future__ import annotations

import threading
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from segmentation.errors import FenceLostError
from segmentation.jobs import doorbell
from segmentation.jobs.queue import (
    Claim,
    end,
    job_claim,
    job_enqueue,
    job_fail,
    job_recording,
    job_renew,
    job_stop,
    job_succeed,
)
from segmentation.models import Job
from tests.builders import a_project

pytestmark = pytest.mark.django_db


@pytest.fixture
def rings(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    heard: list[tuple[str, str]] = []
    monkeypatch.setattr(doorbell, "ring", lambda job, queue: heard.append((job, queue)))
    return heard


def a_job(kind: str = "predict", **fields: Any) -> Job:
    return job_enqueue(kind=kind, project=a_project(), payload={"image": "an id"}, **fields)


def claimed(job: Job, owner: str = "worker one") -> Claim:
    claim = job_claim(job.pk, owner)
    assert claim is not None
    return claim


def now_of(job: Job) -> Job:
    return Job.objects.get(pk=job.pk)


def abandon(job: Job) -> None:
    """As if its worker had died half a minute ago."""
    Job.objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(seconds=10))


@pytest.mark.django_db(transaction=True)
def test_a_job_rings_only_after_its_transaction_has_committed(rings: list[Any]) -> None:
    with transaction.atomic():
        job = a_job()
        assert rings == []
    assert rings == [(str(job.pk), "predict")]


@pytest.mark.django_db(transaction=True)
def test_a_job_whose_transaction_fails_never_was(rings: list[Any]) -> None:
    def fail_after_enqueue() -> None:
        with transaction.atomic():
            a_job()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_after_enqueue()
    assert rings == []
    assert not Job.objects.exists()


def test_each_kind_waits_in_its_queue() -> None:
    queues = {kind: a_job(kind).queue for kind in ("import", "predict", "train", "compare")}
    assert queues == {
        "import": "interactive",
        "predict": "predict",
        "train": "train",
        "compare": "train",
    }


def test_a_job_can_be_claimed_once() -> None:
    job = a_job()
    claim = claimed(job)
    assert (claim.attempt, claim.fence, claim.payload) == (1, 1, {"image": "an id"})
    assert job_claim(job.pk, "worker two") is None
    assert now_of(job).lease_owner == "worker one"


def test_a_message_for_a_job_that_is_gone_changes_nothing() -> None:
    assert job_claim(uuid.uuid4(), "worker") is None


def test_a_message_that_comes_twice_does_the_work_once() -> None:
    job = a_job()
    with job_recording(claimed(job)) as result:
        result["kept"] = 3
    assert job_claim(job.pk, "worker two") is None
    assert now_of(job).attempt == 1


@pytest.mark.django_db(transaction=True)
def test_of_many_workers_that_claim_at_once_one_gets_the_job(rings: list[Any]) -> None:
    job = a_job()
    barrier = threading.Barrier(5)
    claims: list[Claim | None] = []

    def race(name: str) -> None:
        barrier.wait()
        claims.append(job_claim(job.pk, name))
        connection.close()

    threads = [threading.Thread(target=race, args=(f"worker {n}",)) for n in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(claims) == 5
    assert sum(claim is not None for claim in claims) == 1
    assert now_of(job).fence == 1


def test_a_result_and_the_state_word_commit_together() -> None:
    job = a_job()
    claim = claimed(job)
    with job_recording(claim) as result:
        result["run"] = "an id"
    done = now_of(job)
    assert (done.state, done.result, done.progress) == ("succeeded", {"run": "an id"}, 1.0)
    assert done.finished_at is not None
    assert done.lease_until is None


def test_a_recording_that_fails_leaves_the_job_running() -> None:
    job = a_job()
    claim = claimed(job)

    def fail_while_recording() -> None:
        with job_recording(claim) as result:
            result["run"] = "an id"
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_while_recording()
    assert (now_of(job).state, now_of(job).result) == ("running", {})


def test_a_worker_that_comes_back_from_the_dead_records_nothing() -> None:
    job = a_job()
    zombie = claimed(job)
    Job.objects.filter(pk=job.pk).update(state=Job.State.QUEUED, fence=zombie.fence + 1)
    owner = claimed(job, "worker two")
    with pytest.raises(FenceLostError), job_recording(zombie) as result:
        result["from"] = "zombie"
    with job_recording(owner) as result:
        result["from"] = "owner"
    with pytest.raises(FenceLostError), job_recording(zombie):
        pass
    assert now_of(job).result == {"from": "owner"}


def test_a_lost_job_cannot_be_renewed_failed_or_stopped() -> None:
    job = a_job()
    zombie = claimed(job)
    end(now_of(job), Job.State.CANCELLED)
    assert not job_renew(zombie)
    with pytest.raises(FenceLostError):
        job_fail(zombie, cause="late", code="late", again=True)
    with pytest.raises(FenceLostError):
        job_stop(zombie, "pause")
    job_succeed(zombie)
    assert now_of(job).state == "cancelled"


def test_a_heartbeat_moves_the_lease_ahead() -> None:
    job = a_job()
    claim = claimed(job)
    abandon(job)
    assert job_renew(claim)
    lease = now_of(job).lease_until
    assert lease is not None
    assert lease > timezone.now() + timedelta(seconds=15)


def test_a_failure_worth_a_retry_waits_again_until_its_attempts_are_spent() -> None:
    job = a_job()
    states = []
    for _ in range(3):
        job_fail(claimed(job), cause="The disk is full.", code="storage_full", again=True)
        states.append(now_of(job).state)
    assert states == ["queued", "queued", "failed"]
    assert now_of(job).cause == "The disk is full."
    assert now_of(job).cause_code == "storage_full"


def test_a_failure_that_the_user_must_mend_is_not_tried_again() -> None:
    job = a_job()
    job_fail(claimed(job), cause="The image is no image.", code="unreadable", again=False)
    assert (now_of(job).state, now_of(job).attempt) == ("failed", 1)


def test_a_stopped_job_is_paused_or_cancelled_and_forgets_the_wish() -> None:
    for word, state in (("pause", "paused"), ("cancel", "cancelled")):
        job = a_job()
        claim = claimed(job)
        Job.objects.filter(pk=job.pk).update(cancel_requested=True, pause_requested=True)
        job_stop(claim, word)
        assert now_of(job).state == state
        assert not now_of(job).cancel_requested
        assert not now_of(job).pause_requested
