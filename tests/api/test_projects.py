from __future__ import annotations

import base64
import io
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from PIL import Image

from tests.builders import a_case, a_member, a_person, a_project

pytestmark = pytest.mark.django_db

PROJECTS = "/api/v1/projects/"


@pytest.fixture
def root() -> User:
    return a_person("root", is_superuser=True, is_staff=True)


@pytest.fixture
def browser(client: Client, root: User) -> Client:
    client.force_login(root)
    return client


def send(browser: Client, method: str, path: str, body: Any) -> Any:
    return getattr(browser, method)(path, body, content_type="application/json")


def picture(address: str) -> Image.Image:
    head, content = address.split(",", 1)
    assert head == "data:image/png;base64"
    return Image.open(io.BytesIO(base64.b64decode(content)))


def test_a_project_is_made_changed_and_read_back(browser: Client, root: User) -> None:
    reviewer = a_person("rita")
    made = send(
        browser,
        "post",
        PROJECTS,
        {
            "name": "Nuclei",
            "task": "instances",
            "labels": [{"name": "nucleus", "colour": "#0072B2", "key": "1"}],
            "members": [{"user": reviewer.pk, "role": "reviewer"}],
            "recipe": {"steps": [{"name": "denoise", "method": "gaussian", "sigma": 2.0}]},
            "holdout_share": 0.25,
        },
    )
    assert made.status_code == 201
    project = made.json()
    assert project["recipe"]["steps"][0] == {"name": "denoise", "method": "gaussian", "sigma": 2.0}
    assert [(m["username"], m["role"]) for m in project["members"]] == [
        ("rita", "reviewer"),
        ("root", "administrator"),
    ]
    assert project["counts"]["total"] == 0
    address = f"{PROJECTS}{project['id']}/"
    changed = send(browser, "patch", address, {"description": "Mice.", "version": 1}).json()
    assert (changed["description"], changed["version"]) == ("Mice.", 2)
    stale = send(browser, "patch", address, {"description": "Rats.", "version": 1})
    assert (stale.status_code, stale.json()["code"]) == (409, "conflict")
    versions = browser.get(f"{address}versions/").json()["results"]
    assert [version["number"] for version in versions] == [2, 1]
    assert versions[1]["snapshot"]["description"] == ""


def test_a_fault_names_its_field_and_says_what_to_do(browser: Client) -> None:
    labels = [{"name": "a", "colour": "#000000"}, {"name": "A", "colour": "#111111"}]
    refused = send(browser, "post", PROJECTS, {"name": "x", "task": "semantic", "labels": labels})
    assert refused.status_code == 400
    assert refused.json() == {
        "code": "invalid_input",
        "message": "Two labels have the same name “a”. Each needs its own.",
        "fields": {"name": "Two labels have the same name “a”. Each needs its own."},
    }
    untyped = send(browser, "post", PROJECTS, {"name": "x", "labels": [{"name": "a"}]})
    assert set(untyped.json()["fields"]) == {"task", "labels.0.colour"}


def test_counts_say_how_many_cases_stand_where(browser: Client) -> None:
    project = a_project()
    for state in ("ready", "ready", "accepted"):
        a_case(project, state=state)
    counts = browser.get(f"{PROJECTS}{project.pk}/").json()["counts"]
    assert (counts["ready"], counts["accepted"], counts["total"]) == (2, 1, 3)


def test_projects_are_listed_page_by_page_there_and_back(browser: Client) -> None:
    for letter in "edcba":
        a_project(f"project {letter}")
    first = browser.get(f"{PROJECTS}?limit=2").json()
    second = browser.get(f"{PROJECTS}?limit=2&after={first['next']}").json()
    third = browser.get(f"{PROJECTS}?limit=2&after={second['next']}").json()
    pages = [[row["name"][-1] for row in page["results"]] for page in (first, second, third)]
    assert pages == [["a", "b"], ["c", "d"], ["e"]]
    assert (first["previous"], third["next"]) == (None, None)
    back = browser.get(f"{PROJECTS}?limit=2&after={third['previous']}").json()
    assert back["results"] == second["results"]
    start = browser.get(f"{PROJECTS}?limit=2&after={back['previous']}").json()
    assert start["results"] == first["results"]
    assert start["previous"] is None


@pytest.mark.parametrize("query", ["after=x", "after=WzcsMl0", "limit=0", "limit=201", "limit=a"])
def test_a_damaged_page_address_is_refused(browser: Client, query: str) -> None:
    assert browser.get(f"{PROJECTS}?{query}").status_code == 400


def test_a_cursor_of_another_list_is_refused(browser: Client) -> None:
    a_project("b")
    a_project("a")
    cursor = browser.get(f"{PROJECTS}?limit=1").json()["next"]
    address = f"{PROJECTS}{browser.get(PROJECTS).json()['results'][0]['id']}/versions/"
    assert browser.get(f"{address}?after={cursor}").status_code == 400


def test_a_closed_project_leaves_the_list_and_can_come_back(browser: Client) -> None:
    project = a_project("old")
    address = f"{PROJECTS}{project.pk}/"
    send(browser, "patch", address, {"archived": True})
    assert browser.get(PROJECTS).json()["results"] == []
    assert browser.get(f"{PROJECTS}?archived=true").json()["results"][0]["name"] == "old"
    send(browser, "patch", address, {"archived": False})
    assert len(browser.get(PROJECTS).json()["results"]) == 1


def test_a_recipe_is_looked_at_before_it_is_set(browser: Client) -> None:
    project = a_project()
    case = a_case(project, (5, 48, 64))
    steps = [{"name": "size", "method": "height_width", "longest": 32}]
    told = send(
        browser,
        "post",
        f"{PROJECTS}{project.pk}/recipe/preview/",
        {"case": str(case.pk), "steps": steps},
    ).json()
    assert picture(told["before"]).size == (64, 48)
    assert picture(told["after"]).size == (32, 24)
    assert "32 by 24" in told["note"]
    assert browser.get(f"{PROJECTS}{project.pk}/recipe/").json()["number"] == 1


def test_a_recipe_is_versioned_and_the_same_again_changes_nothing(browser: Client) -> None:
    project = a_project()
    address = f"{PROJECTS}{project.pk}/recipe/"
    steps = [{"name": "denoise", "method": "median", "radius": 2}]
    numbers = [send(browser, "put", address, {"steps": steps}).json()["number"] for _ in range(2)]
    assert numbers == [2, 2]
    wrong = send(browser, "put", address, {"steps": [{"name": "denoise", "method": "magic"}]})
    assert wrong.status_code == 400
    assert "magic" in wrong.json()["message"]
    listed = browser.get(f"{PROJECTS}{project.pk}/recipes/").json()["results"]
    assert [recipe["number"] for recipe in listed] == [2, 1]


def test_the_form_of_a_recipe_names_every_option_with_its_range(browser: Client) -> None:
    told = browser.get("/api/v1/recipe-schema/").json()
    assert [step["name"] for step in told["steps"]] == ["denoise", "grey", "normalise", "size"]
    for step in told["steps"]:
        for method in step["methods"]:
            for option in method["options"]:
                if option["type"] in {"number", "integer"}:
                    assert option["min"] <= option["default"] <= option["max"]
    assert set(told["defaults"]) == {"instances", "semantic", "boxes", "labels"}


def test_people_are_listed_for_choosing_but_only_a_site_administrator_sees_when_they_came(
    client: Client, root: User
) -> None:
    project = a_project()
    administrator = a_member(project, "administrator", "adam")
    a_person("stranger")
    closed = a_person("gone", is_active=False)
    client.force_login(administrator)
    seen = client.get("/api/v1/people/").json()["results"]
    assert {person["username"] for person in seen} == {"adam", "root", "stranger"}
    assert all(person["last_login"] is None for person in seen)
    client.force_login(a_member(project, "annotator", "ada"))
    seen = client.get("/api/v1/people/").json()["results"]
    assert {person["username"] for person in seen} == {"ada", "adam"}
    client.force_login(root)
    seen = client.get("/api/v1/people/").json()["results"]
    assert closed.username in {person["username"] for person in seen}


def test_the_reference_page_lists_every_operation_and_needs_no_script(browser: Client) -> None:
    page = browser.get("/api/v1/docs/")
    text = page.content.decode()
    assert page.status_code == 200
    assert "/api/v1/cases/{case_id}/revisions/" in text
    assert "<script" not in text
    assert " style=" not in text
