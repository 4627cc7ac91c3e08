from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.http import StreamingHttpResponse
from django.test import AsyncClient
from knox.models import AuthToken

from segmentation.jobs import progress
from segmentation.jobs.progress import publish
from segmentation.jobs.queue import job_claim, job_enqueue
from segmentation.models import Case, Job, Membership, Project
from segmentation.services import events
from tests.builders import a_case, a_member, a_person, a_project

pytestmark = pytest.mark.django_db(transaction=True)

PATIENCE_S = 20.0


@pytest.fixture
def project() -> Project:
    return a_project()


def heard(
    person: User,
    happens: Callable[[], object],
    count: int,
    asked: str = "",
    token: str = "",
    only: str = "job",
) -> list[tuple[str, dict[str, Any]]]:
    """The first ``count`` events of a name that the stream tells after ``happens``."""

    async def listen() -> list[tuple[str, dict[str, Any]]]:
        client = AsyncClient()
        if not token:
            await client.aforce_login(person)
        headers = {"Authorization": f"Token {token}"} if token else None
        answer = await client.get(f"/api/v1/events/{asked}", headers=headers)
        assert isinstance(answer, StreamingHttpResponse), answer.content
        assert answer["Content-Type"] == "text/event-stream"
        told: list[tuple[str, dict[str, Any]]] = []
        began = False
        async with asyncio.timeout(PATIENCE_S):
            stream = aiter(answer)
            await anext(stream)  # the greeting
            waiting = asyncio.ensure_future(anext(stream))
            while len(told) < count:
                done, _ = await asyncio.wait({waiting}, timeout=0.7)
                if not began:
                    began = True
                    await sync_to_async(happens)()
                if done:
                    told += [one for one in _parsed(waiting.result().decode()) if one[0] == only]
                    waiting = asyncio.ensure_future(anext(stream))
            waiting.cancel()
        return told

    return asyncio.run(listen())


def _parsed(text: str) -> list[tuple[str, dict[str, Any]]]:
    found = []
    for block in filter(None, text.split("\n\n")):
        lines = dict(line.split(": ", 1) for line in block.split("\n") if not line.startswith(":"))
        if "event" in lines:
            found.append((lines["event"], json.loads(lines["data"])))
    return found


@pytest.fixture(params=[pytest.param("redis", marks=pytest.mark.redis), "database"])
def channel(request: pytest.FixtureRequest, settings: Any, free_port: int, monkeypatch: Any) -> str:
    """The same promise by either way."""
    if request.param == "database":
        settings.REDIS_URL = f"redis://127.0.0.1:{free_port}/0"
        monkeypatch.setattr(events, "POLL_S", 0.05)
        monkeypatch.setattr(progress, "_quiet_until", 0.0)
    progress.connection.cache_clear()
    return str(request.param)


def test_a_page_hears_of_jobs_and_cases_of_its_project(project: Project, channel: str) -> None:
    person = a_member(project, "viewer")
    case = a_case(project)
    told = heard(person, lambda: job_enqueue(kind="predict", project=project, case=case), 1)
    job = Job.objects.get()
    words = dict(told)["job"]
    assert (words["id"], words["state"], words["case"]) == (str(job.pk), "queued", str(case.pk))


def test_a_page_hears_nothing_of_other_projects(project: Project, channel: str) -> None:
    person = a_member(project, "viewer")
    foreign = a_project()

    def happens() -> None:
        job_enqueue(kind="predict", project=foreign)
        job_enqueue(kind="train", project=project)

    ((name, words),) = heard(person, happens, 1)
    assert (name, words["kind"]) == ("job", "train")


def test_a_stream_can_be_narrowed_to_a_case(project: Project, channel: str) -> None:
    person = a_member(project, "viewer")
    case, other = a_case(project), a_case(project)

    def happens() -> None:
        job_enqueue(kind="predict", project=project, case=other)
        job_enqueue(kind="predict", project=project, case=case)

    told = heard(person, happens, 1, f"?case={case.pk}")
    assert {words.get("case", words["id"]) for _, words in told} == {str(case.pk)}


@pytest.mark.redis
def test_each_step_of_a_job_is_told_as_it_happens(project: Project) -> None:
    progress.connection.cache_clear()
    person = a_member(project, "viewer")
    job = job_enqueue(kind="predict", project=project)
    told = heard(person, lambda: job_claim(job.pk, "worker"), 1)
    assert [words["state"] for _, words in told] == ["running"]


@pytest.mark.redis
def test_events_without_a_project_are_for_site_administrators(project: Project) -> None:
    progress.connection.cache_clear()

    def happens() -> None:
        publish("job", {"id": "of the site"})
        publish("job", {"id": "of the project"}, project=project.pk)

    member = heard(a_member(project, "administrator"), happens, 1)
    assert [words["id"] for _, words in member] == ["of the project"]
    everything = heard(a_person(is_superuser=True), happens, 2)
    assert [words["id"] for _, words in everything] == ["of the site", "of the project"]


@pytest.mark.redis
def test_a_script_listens_with_its_token(project: Project) -> None:
    progress.connection.cache_clear()
    person = a_member(project, "viewer")
    _, token = AuthToken.objects.create(person)
    told = heard(person, lambda: publish("job", {"id": "x"}, project=project.pk), 1, token=token)
    assert told == [("job", {"id": "x"})]


def test_who_left_a_project_hears_no_more(project: Project) -> None:
    person = a_member(project, "viewer")
    listener = events.listener_open(user=person)
    event = {"project": str(project.pk), "case": None}
    assert listener.hears(event)
    Membership.objects.filter(user=person).delete()
    events._check_rights(listener)
    assert not listener.hears(event)


@pytest.mark.parametrize(
    ("asked", "status"),
    [("?case=nonsense", 400), ("?case={foreign}", 404), ("?project={own}", 200)],
)
def test_what_is_not_ones_own_cannot_be_listened_to(
    project: Project, asked: str, status: int
) -> None:
    person = a_member(project, "viewer")
    foreign = a_case(a_project())
    words = asked.format(foreign=foreign.pk, own=project.pk)

    async def ask() -> int:
        client = AsyncClient()
        await client.aforce_login(person)
        return int((await client.get(f"/api/v1/events/{words}")).status_code)

    assert asyncio.run(ask()) == status


def test_nobody_listens_without_signing_in() -> None:
    async def ask() -> int:
        return int((await AsyncClient().get("/api/v1/events/")).status_code)

    assert asyncio.run(ask()) == 401
    assert Case.objects.count() == 0
