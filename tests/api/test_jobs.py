from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from rest_framework.test import APIClient

from segmentation.jobs.queue import job_claim, job_enqueue
from segmentation.jobs.workers import WorkerSeen
from segmentation.models import Job, Project
from segmentation.services import jobs as services
from tests.builders import a_case, a_member, a_person, a_project

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return a_project()


@pytest.fixture(autouse=True)
def workers(monkeypatch: pytest.MonkeyPatch) -> list[WorkerSeen]:
    """One worker with two slots for predictions, and one that fell silent."""
    seen = [
        WorkerSeen("here", ("predict", "interactive"), 2, 1.0),
        WorkerSeen("gone", ("train",), 1, 40.0),
    ]
    monkeypatch.setattr(services, "workers_seen", lambda: seen)
    return seen


def signed_in(person: User) -> APIClient:
    client = APIClient()
    client.force_login(person)
    return client


def a_job(project: Project, state: str = "queued", **fields: Any) -> Job:
    kind = fields.pop("kind", "predict")
    job = job_enqueue(kind=kind, project=project)
    Job.objects.filter(pk=job.pk).update(state=state, **fields)
    job.refresh_from_db()
    return job


def do(person: User, job: Job, step: str) -> Any:
    return signed_in(person).post(f"/api/v1/jobs/{job.pk}/{step}/")


def test_a_waiting_job_tells_its_place_and_how_long_it_will_take(project: Project) -> None:
    began = timezone.now() - timedelta(minutes=5)
    a_job(project, "succeeded", started_at=began, finished_at=began + timedelta(seconds=8))
    foreign = a_job(a_project())
    jobs = [a_job(project) for _ in range(3)]
    answer = signed_in(a_member(project, "viewer")).get("/api/v1/jobs/?state=queued").json()
    told = {job["id"]: job for job in answer["results"]}
    assert str(foreign.pk) not in told
    # Each takes 8 s on one of two slots; one job of another project waits before them.
    assert [told[str(job.pk)]["position"] for job in jobs] == [1, 2, 3]
    assert [told[str(job.pk)]["estimate_s"] for job in jobs] == [12.0, 16.0, 20.0]


def test_the_page_is_told_which_queues_nobody_serves(project: Project) -> None:
    answer = signed_in(a_member(project, "viewer")).get("/api/v1/jobs/").json()
    assert [(worker["name"], worker["alive"]) for worker in answer["workers"]] == [
        ("here", True),
        ("gone", False),
    ]
    assert answer["unserved_queues"] == ["train"]
    assert answer["broker_answers"] is True


def test_without_a_broker_every_queue_is_unserved(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "workers_seen", lambda: None)
    answer = signed_in(a_member(project, "viewer")).get("/api/v1/jobs/").json()
    assert (answer["workers"], answer["broker_answers"]) == ([], False)
    assert answer["unserved_queues"] == ["interactive", "predict", "train"]


def test_jobs_are_filtered_by_state_and_project(project: Project) -> None:
    failed = a_job(project, "failed", cause="The image is no image.", cause_code="unreadable")
    a_job(project)
    other = a_project()
    a_job(other, "failed")
    client = signed_in(a_person(is_superuser=True))
    found = client.get(f"/api/v1/jobs/?state=failed&project={project.pk}").json()["results"]
    assert [job["id"] for job in found] == [str(failed.pk)]
    assert (found[0]["cause"], found[0]["cause_code"]) == ("The image is no image.", "unreadable")
    assert client.get("/api/v1/jobs/?project=nonsense").status_code == 400


def test_a_waiting_job_is_cancelled_at_once_and_a_running_one_when_it_hears(
    project: Project,
) -> None:
    person = a_member(project, "annotator")
    waiting, running = a_job(project), a_job(project)
    assert job_claim(running.pk, "worker")
    assert do(person, waiting, "cancel").json()["state"] == "cancelled"
    answer = do(person, running, "cancel").json()
    assert (answer["state"], answer["stopping"]) == ("running", True)
    assert do(person, waiting, "cancel").status_code == 409


def test_a_failed_job_is_retried_with_all_its_attempts(project: Project) -> None:
    job = a_job(project, "failed", attempt=3, fence=3, cause="Lost.", cause_code="worker_lost")
    answer = do(a_member(project, "annotator"), job, "retry").json()
    assert (answer["state"], answer["attempt"], answer["cause"]) == ("queued", 0, "")
    job.refresh_from_db()
    assert job.fence == 4


def test_a_paused_job_goes_on_and_others_do_not(project: Project) -> None:
    administrator = a_member(project, "administrator")
    job = a_job(project, kind="train")
    assert do(administrator, job, "resume").status_code == 409
    assert do(administrator, job, "pause").json()["state"] == "paused"
    assert do(administrator, job, "resume").json()["state"] == "queued"
    assert do(administrator, job, "retry").status_code == 409


def test_steering_needs_the_verb_of_the_jobs_kind(project: Project) -> None:
    predict, train = a_job(project), a_job(project, kind="train")
    assert do(a_member(project, "viewer"), predict, "cancel").status_code == 403
    assert do(a_member(project, "annotator"), train, "cancel").status_code == 403
    assert do(a_member(a_project(), "administrator"), predict, "cancel").status_code == 404
    assert do(a_member(project, "administrator"), train, "cancel").status_code == 200


def test_retry_all_takes_failed_jobs_that_one_may_steer(project: Project) -> None:
    person = a_member(project, "annotator")
    mine = [a_job(project, "failed") for _ in range(2)]
    train, foreign = a_job(project, "failed", kind="train"), a_job(a_project(), "failed")
    answer = signed_in(person).post(
        "/api/v1/jobs/retry-all/", {"project": str(project.pk)}, format="json"
    )
    assert answer.json() == {"retried": 2}
    states = dict(Job.objects.values_list("pk", "state"))
    assert [states[job.pk] for job in mine] == ["queued", "queued"]
    assert (states[train.pk], states[foreign.pk]) == ("failed", "failed")


def test_one_job_can_be_asked_for(project: Project) -> None:
    case = a_case(project)
    job = job_enqueue(kind="predict", project=project, case=case)
    answer = signed_in(a_member(project, "viewer")).get(f"/api/v1/jobs/{job.pk}/").json()
    assert (answer["case"], answer["position"]) == (str(case.pk), 0)
