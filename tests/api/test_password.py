"""Changing one's password while signed in: who stays, who goes, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from axes.utils import reset
from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from segmentation.errors import LinkSpentError
from segmentation.models import AuditEvent
from segmentation.services.people import link_create, link_person, token_create
from tests.builders import a_person

pytestmark = pytest.mark.django_db

OLD, NEW = "correct horse battery", "seven green bicycles"
ADDRESS = "/api/v1/me/password/"


@pytest.fixture
def ada() -> User:
    return a_person("ada")


@pytest.fixture
def throttled(settings: Settings) -> Iterator[None]:
    settings.AXES_ENABLED = True
    yield
    reset()


def signed_in(password: str = OLD) -> Client:
    client = Client()
    client.post("/sign-in/", {"username": "ada", "password": password})
    return client


def change(client: Client, current: str = OLD, new: str = NEW, **extra: Any) -> Any:
    given = {"current_password": current, "new_password": new}
    return client.put(ADDRESS, given, content_type="application/json", **extra)


def test_a_changed_password_works_and_the_one_before_does_not(ada: User) -> None:
    assert change(signed_in()).status_code == 204
    assert authenticate(username="ada", password=NEW) == ada
    assert authenticate(username="ada", password=OLD) is None


def test_this_sign_in_stays_and_all_others_end(ada: User) -> None:
    here, elsewhere = signed_in(), signed_in()
    assert elsewhere.get("/api/v1/me/").status_code == 200
    change(here)
    assert here.get("/api/v1/me/").json()["username"] == "ada"
    assert elsewhere.get("/api/v1/me/").status_code == 401


def test_the_session_that_stays_gets_another_key(ada: User) -> None:
    """Whoever copied the cookie before the change cannot go on with it."""
    here = signed_in()
    copied = here.cookies["medseg"].value
    change(here)
    assert here.cookies["medseg"].value != copied
    thief = Client()
    thief.cookies["medseg"] = copied
    assert thief.get("/api/v1/me/").status_code == 401


def test_a_wrong_current_password_is_named_and_changes_nothing(ada: User) -> None:
    answer = change(signed_in(), current="wrong horse battery")
    assert (answer.status_code, answer.json()["code"]) == (400, "wrong_password")
    assert answer.json()["fields"] == {
        "current_password": "This is not the password that you have now. Type it again."
    }
    assert authenticate(username="ada", password=OLD) == ada
    assert not AuditEvent.objects.filter(action="person.password_changed").exists()


@pytest.mark.parametrize(
    ("new", "told"),
    [
        ("short7!", "too short"),
        ("1029384756473", "entirely numeric"),
        ("administrator", "too common"),
        (OLD, "the password that you have now"),
    ],
)
def test_a_weak_or_unchanged_password_is_refused_by_a_sentence(
    ada: User, new: str, told: str
) -> None:
    here = signed_in()
    answer = change(here, new=new)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input")
    assert told in answer.json()["fields"]["new_password"]
    assert answer.json()["message"] == answer.json()["fields"]["new_password"]
    assert here.get("/api/v1/me/").status_code == 200
    assert authenticate(username="ada", password=OLD) == ada


def test_a_change_is_told_to_the_audit_without_either_password(ada: User) -> None:
    change(signed_in())
    event = AuditEvent.objects.get(action="person.password_changed")
    assert (event.actor_id, event.subject) == (ada.pk, {"person": ada.pk})


def test_links_that_wait_for_the_person_work_no_more(ada: User) -> None:
    path = link_create(user=None, person=ada)
    change(signed_in())
    with pytest.raises(LinkSpentError):
        link_person(path.strip("/").split("/")[1])


def test_ten_wrong_guesses_close_the_door_even_to_the_right_password(
    ada: User, throttled: None
) -> None:
    here = signed_in()
    statuses = [change(here, current="wrong").status_code for _ in range(11)]
    assert (statuses[0], statuses[-1]) == (400, 429)
    right = change(here)
    assert (right.status_code, right.json()["code"]) == (429, "too_many_attempts")
    ada.refresh_from_db()
    assert ada.check_password(OLD)


def test_a_program_s_token_goes_on_after_the_change(ada: User) -> None:
    _, text = token_create(user=ada, name="script")
    program = Client(headers={"Authorization": f"Token {text}"})
    assert change(program).status_code == 204
    assert "medseg" not in program.cookies
    assert program.get("/api/v1/me/").status_code == 200
    assert authenticate(username="ada", password=NEW) == ada


def test_a_request_from_another_site_changes_nothing(ada: User) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(ada)
    answer = change(strict)
    assert (answer.status_code, answer.json()["code"]) == (403, "csrf")
    assert authenticate(username="ada", password=OLD) == ada
