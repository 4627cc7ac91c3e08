from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from segmentation.jobs import progress, reconciler, workers
from segmentation.jobs.queue import job_claim, job_enqueue
from segmentation.jobs.reconciler import RINGS_PER_QUEUE, Reconciler, reconcile
from segmentation.jobs.workers import worker_gone, worker_seen, workers_seen
from segmentation.models import Job, Project
from tests.builders import a_project

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def rings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    heard: list[str] = []

    def ring(job: str, queue: str) -> bool:
        heard.append(job)
        return True

    monkeypatch.setattr(reconciler, "ring", ring)
    return heard


@pytest.fixture
def project() -> Project:
    return a_project()


def a_job(project: Project, **fields: Any) -> Job:
    job = job_enqueue(kind="predict", project=project)
    Job.objects.filter(pk=job.pk).update(**fields)
    return job


def a_dead_one(project: Project, **fields: Any) -> Job:
    """A running job whose worker fell silent longer ago than its lease."""
    job = job_enqueue(kind="predict", project=project)
    assert job_claim(job.pk, "a worker that died")
    late = timezone.now() - timedelta(seconds=1)
    Job.objects.filter(pk=job.pk).update(lease_until=late, **fields)
    return job


def now_of(job: Job) -> Job:
    return Job.objects.get(pk=job.pk)


def test_a_ring_that_got_lost_is_repeated(project: Project, rings: list[str]) -> None:
    lost = a_job(project, rung_at=timezone.now() - timedelta(seconds=16))
    a_job(project, rung_at=timezone.now())
    assert reconcile() == (0, 1)
    assert rings == [str(lost.pk)]
    assert reconcile() == (0, 0)


def test_only_the_oldest_waiting_jobs_are_rung_again(project: Project, rings: list[str]) -> None:
    long_ago = timezone.now() - timedelta(minutes=1)
    jobs = [a_job(project, rung_at=long_ago) for _ in range(RINGS_PER_QUEUE + 5)]
    reconcile()
    assert rings == [str(job.pk) for job in jobs[:RINGS_PER_QUEUE]]


def test_the_job_of_a_dead_worker_waits_again_under_a_new_fence(project: Project) -> None:
    job = a_dead_one(project)
    assert reconcile()[0] == 1
    freed = now_of(job)
    assert (freed.state, freed.fence, freed.lease_owner) == ("queued", 2, "")
    claim = job_claim(job.pk, "a living worker")
    assert claim is not None
    assert (claim.attempt, claim.fence) == (2, 3)


def test_a_job_that_lost_three_workers_fails_with_its_cause(project: Project) -> None:
    job = a_dead_one(project, attempt=3)
    reconcile()
    failed = now_of(job)
    assert (failed.state, failed.cause_code) == ("failed", "worker_lost")
    assert "more memory" in failed.cause


def test_a_job_that_lost_its_worker_is_not_redone_against_a_persons_wish(
    project: Project,
) -> None:
    cancelled = a_dead_one(project, cancel_requested=True)
    paused = a_dead_one(project, pause_requested=True)
    reconcile()
    assert now_of(cancelled).state == "cancelled"
    assert now_of(paused).state == "paused"


def test_a_job_whose_lease_lasts_is_left_alone(project: Project) -> None:
    job = job_enqueue(kind="predict", project=project)
    job_claim(job.pk, "a living worker")
    assert reconcile() == (0, 0)
    assert now_of(job).state == "running"


def test_without_redis_nobody_knows_whether_workers_live(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    progress.connection.cache_clear()
    assert workers_seen() is None
    progress.publish("job", {"id": "an id"})  # and telling it to nobody is no error
    progress.connection.cache_clear()


@pytest.mark.redis
def test_a_worker_is_alive_while_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    worker_seen("one", ["predict", "train"], 2)
    (seen,) = [worker for worker in workers_seen() or [] if worker.name == "one"]
    assert (seen.queues, seen.slots, seen.alive) == (("predict", "train"), 2, True)
    soon = time.time() + 20
    monkeypatch.setattr(time, "time", lambda: soon)
    (silent,) = [worker for worker in workers_seen() or [] if worker.name == "one"]
    assert not silent.alive
    worker_gone("one")
    assert not [worker for worker in workers_seen() or [] if worker.name == "one"]


@pytest.mark.redis
@pytest.mark.django_db(transaction=True)
def test_the_reconciler_runs_beside_a_worker_until_it_is_told_to_stop(
    project: Project, rings: list[str]
) -> None:
    done: list[int] = []
    lost = a_job(project, rung_at=timezone.now() - timedelta(minutes=1))
    thread = Reconciler("two", ["predict"], chores=[lambda: done.append(1)], round_s=0.05)
    thread.start()
    deadline = time.monotonic() + 10
    while not (done and rings) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert [worker.name for worker in workers_seen() or [] if worker.name == "two"] == ["two"]
    thread.stop()
    assert not thread.is_alive()
    assert (done, rings) == ([1], [str(lost.pk)])
    assert not [worker for worker in workers.workers_seen() or [] if worker.name == "two"]
