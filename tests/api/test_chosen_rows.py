"""A page that is told of changes asks for just those rows."""

from __future__ import annotations

import uuid

import pytest
from rest_framework.test import APIClient

from tests.builders import a_case, a_member, a_project

pytestmark = pytest.mark.django_db


def test_only_the_named_cases_are_answered_whatever_their_state() -> None:
    project = a_project()
    first, _, withdrawn = (
        a_case(project, state=state) for state in ("ready", "ready", "withdrawn")
    )
    client = APIClient()
    client.force_login(a_member(project, "viewer"))

    answer = client.get(_address(project.pk, first.pk, withdrawn.pk)).json()

    assert [row["id"] for row in answer["results"]] == [str(first.pk), str(withdrawn.pk)]


def test_a_case_of_another_project_stays_unseen() -> None:
    project, other = a_project(), a_case(a_project())
    client = APIClient()
    client.force_login(a_member(project, "viewer"))

    assert client.get(_address(project.pk, other.pk)).json()["results"] == []


@pytest.mark.parametrize("words", ["no-id", ",".join(str(uuid.uuid4()) for _ in range(51))])
def test_what_is_no_list_of_ids_is_refused(words: str) -> None:
    project = a_project()
    client = APIClient()
    client.force_login(a_member(project, "viewer"))

    answer = client.get(f"/api/v1/projects/{project.pk}/cases/?ids={words}")

    assert answer.status_code == 400
    assert "ids" in answer.json()["fields"]


def _address(project: uuid.UUID, *cases: uuid.UUID) -> str:
    return f"/api/v1/projects/{project}/cases/?ids={','.join(map(str, cases))}"
