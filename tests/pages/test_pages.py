from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from axes.utils import reset
from django.test import Client
from pytest_django import Settings

from segmentation.services.people import person_create
from tests.builders import a_person

pytestmark = pytest.mark.django_db

GOOD = "seven green bicycles"
TEMPLATES = Path("segmentation/templates").rglob("*.html")


@pytest.fixture
def throttled(settings: Settings) -> Iterator[None]:
    settings.AXES_ENABLED = True
    yield
    reset()


def test_a_stranger_is_led_to_the_door_and_back_to_where_they_wanted(client: Client) -> None:
    a_person("ada")
    led = client.get("/cases/42")
    assert (led.status_code, led.headers["Location"]) == (302, "/sign-in/?next=/cases/42")
    door = client.get(led.headers["Location"])
    assert 'name="next" value="/cases/42"' in door.content.decode()
    entered = client.post(
        "/sign-in/",
        {"username": "ada", "password": "correct horse battery", "next": "/cases/42"},
    )
    assert entered.headers["Location"] == "/cases/42"
    assert client.get("/cases/42").status_code == 200


@pytest.mark.parametrize("wanted", ["https://evil.example/", "//evil.example", "javascript:1"])
def test_the_door_leads_nowhere_outside_the_site(client: Client, wanted: str) -> None:
    a_person("ada")
    entered = client.post(
        "/sign-in/", {"username": "ada", "password": "correct horse battery", "next": wanted}
    )
    assert entered.headers["Location"] == "/"


def test_a_wrong_password_and_a_wrong_name_get_the_same_answer(client: Client) -> None:
    a_person("ada")
    answers = []
    for name in ("ada", "nobody"):
        answer = client.post("/sign-in/", {"username": name, "password": "wrong"})
        assert answer.status_code == 400
        text = answer.content.decode().replace(name, "NAME")
        answers.append(re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", text))
    assert answers[0] == answers[1]


def test_ten_wrong_passwords_close_the_door_for_a_while(client: Client, throttled: None) -> None:
    a_person("ada")
    wrong = {"username": "ada", "password": "wrong"}
    statuses = [client.post("/sign-in/", wrong).status_code for _ in range(11)]
    assert statuses[0] == 400
    assert statuses[-1] == 429
    right = client.post("/sign-in/", {"username": "ada", "password": "correct horse battery"})
    assert right.status_code == 429
    assert "quarter of an hour" in right.content.decode()
    by_program = client.post("/api/v1/session/", wrong, content_type="application/json")
    assert by_program.status_code == 429
    assert by_program.json()["code"] == "too_many_attempts"


def test_a_link_sets_a_password_once_and_signs_the_person_in(client: Client) -> None:
    _, path = person_create(user=None, username="ada")
    assert client.get(path).headers["Location"] == "/link/"
    assert "ada" in client.get("/link/").content.decode()
    differing = client.post("/link/", {"password": GOOD, "again": "other"})
    assert differing.status_code == 400
    weak = client.post("/link/", {"password": "short", "again": "short"})
    assert weak.status_code == 400
    entered = client.post("/link/", {"password": GOOD, "again": GOOD})
    assert entered.headers["Location"] == "/"
    assert client.get("/").status_code == 200
    assert Client().get(path).status_code == 410
    assert client.get("/link/").status_code == 410


def test_the_secret_of_a_link_is_in_no_page_and_no_later_address(client: Client) -> None:
    _, path = person_create(user=None, username="ada")
    opened = client.get(path, follow=True)
    assert [address for address, _ in opened.redirect_chain] == ["/link/"]
    assert path.strip("/").split("/")[1] not in opened.content.decode()


def test_the_door_refuses_a_form_from_another_site() -> None:
    a_person("ada")
    strict = Client(enforce_csrf_checks=True)
    form = {"username": "ada", "password": "correct horse battery"}
    answer = strict.post("/sign-in/", form)
    assert answer.status_code == 403
    assert "too old" in answer.content.decode()
    by_program = strict.post("/api/v1/session/", form, content_type="application/json")
    assert (by_program.status_code, by_program.json()["code"]) == (403, "csrf")


def test_the_shell_loads_one_module_in_a_context_of_its_own(client: Client) -> None:
    client.force_login(a_person("ada"))
    page = client.get("/")
    assert '<script type="module" src="/static/segmentation/app.js">' in page.content.decode()
    assert page.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert page.headers["Cross-Origin-Embedder-Policy"] == "require-corp"
    assert "csrftoken" in page.cookies
    assert "no-store" in page.headers["Cache-Control"]


def test_no_page_needs_an_exception_from_the_content_policy(client: Client) -> None:
    policy = client.get("/sign-in/").headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    for template in TEMPLATES:
        text = template.read_text()
        assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?! type=\"module\" src=)", text)


@pytest.mark.parametrize("path", ["/nothing", "/api/v1/nothing/", "/admin/nothing/"])
def test_an_unknown_address_is_told_plainly(client: Client, path: str) -> None:
    client.force_login(a_person("ada", is_superuser=True, is_staff=True))
    answer = client.get(path)
    assert answer.status_code == 404
    if path.startswith("/api/"):
        assert answer.json()["code"] == "not_found"
    else:
        assert "nothing at this address" in answer.content.decode()


def test_signing_out_takes_a_deliberate_step(client: Client) -> None:
    client.force_login(a_person("ada"))
    assert client.get("/sign-out/").status_code == 405
    assert client.post("/sign-out/").headers["Location"] == "/sign-in/"
    assert client.get("/").status_code == 302
