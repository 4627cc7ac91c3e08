"""Odd requests of a person who may do everything: each is refused with a sentence, none breaks."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import Any

import pytest
from rest_framework.test import APIClient

from segmentation.models import Case, Project
from tests.builders import a_case, a_member, a_project

pytestmark = pytest.mark.django_db

LABEL = {"name": "nucleus", "colour": "#E69F00"}
NEW = {"name": "odd", "task": "instances", "labels": [LABEL]}
NOBODY = str(uuid.UUID(int=1))

ODD: tuple[tuple[str, str, Any], ...] = (
    ("get", "cases/not-an-id/", None),
    ("get", f"cases/{NOBODY}/", None),
    ("get", "projects/?limit=-1", None),
    ("get", "projects/?limit=many", None),
    ("get", "projects/?after=%00", None),
    ("get", "projects/{project}/cases/?q=%00", None),
    ("get", "projects/{project}/cases/?ids=1,2", None),
    ("get", "images/{image}/slices/99/", None),
    ("get", "images/{image}/slices/0/?t=x", None),
    ("get", "images/{image}/slices/0/?t=-1", None),
    ("get", "cases/{case}/candidates/", None),
    ("post", "projects/", "{not json"),
    ("post", "projects/", [1, 2]),
    ("post", "projects/", None),
    ("post", "projects/", {**NEW, "name": "   "}),
    ("post", "projects/", {**NEW, "name": "x" * 1000}),
    ("post", "projects/", {**NEW, "name": "nul \0"}),
    ("post", "projects/", {**NEW, "task": "spleens"}),
    ("post", "projects/", {**NEW, "labels": []}),
    ("post", "projects/", {**NEW, "labels": [LABEL, LABEL]}),
    ("post", "projects/", {**NEW, "labels": [{**LABEL, "colour": "red"}]}),
    ("post", "projects/", {**NEW, "members": [{"user": 10**12, "role": "viewer"}]}),
    ("post", "projects/", {**NEW, "network_choices": [{"kind": "ct", "version": NOBODY}]}),
    ("patch", "projects/{project}/", {}),
    ("patch", "projects/{project}/", {"holdout_share": 7}),
    ("patch", "projects/{project}/", {"holdout_share": "a few"}),
    ("patch", "projects/{project}/", '{"score_cutoff": NaN}'),
    ("patch", "projects/{project}/", {"version": 10**30, "name": "x"}),
    ("put", "projects/{project}/labels/", {"labels": "nucleus"}),
    ("put", "projects/{project}/members/", {"members": [{"user": 1, "role": "king"}]}),
    ("post", "projects/{project}/exports/", {"format": "docx"}),
    ("post", "projects/{project}/trainings/", {"training_set": NOBODY, "steps": 0}),
    ("post", "projects/{project}/trainings/", {"training_set": NOBODY, "minutes": -1}),
    ("post", "projects/{project}/comparisons/", {"challenger": "x"}),
    ("post", "cases/{case}/predict/", {"version": "x"}),
    ("post", "cases/{case}/predict/", {"version": NOBODY}),
    ("post", "cases/{case}/assign/", {"users": ["me"]}),
    ("post", "cases/{case}/release/", None),
    ("post", f"uploads/{NOBODY}/files/", None),
    ("get", "jobs/not-a-job/", None),
)


@pytest.mark.parametrize(("method", "path", "content"), ODD, ids=str)
def test_an_odd_request_is_refused_with_a_sentence(method: str, path: str, content: Any) -> None:
    case = a_case(a_project())
    person = a_member(case.project, "administrator")
    person.is_superuser = True
    person.save()
    client = APIClient()
    client.force_login(person)
    places: Mapping[str, Any] = {
        "project": case.project_id, "case": case.pk, "image": case.images.get().pk
    }  # fmt: skip
    before = Case.objects.count(), Project.objects.count()
    address = "/api/v1/" + path.format_map(places)
    if method == "get":
        answer = client.get(address)
    else:
        body = content if isinstance(content, str) else json.dumps(content)
        answer = client.generic(method.upper(), address, body, content_type="application/json")
    assert 400 <= answer.status_code < 500, answer.content
    told = answer.json()
    assert told["code"]
    assert told["message"].endswith("."), told
    assert (Case.objects.count(), Project.objects.count()) == before
