from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from knox.models import AuthToken

from segmentation.errors import (
    InvalidInputError,
    LinkSpentError,
    NotPermittedError,
    StateRefusedError,
)
from segmentation.models import AuditEvent, OneTimeLink
from segmentation.services import people
from tests.builders import a_member, a_person, a_project

pytestmark = pytest.mark.django_db

GOOD = "seven green bicycles"


def administrator(name: str = "root") -> User:
    return a_person(name, is_superuser=True, is_staff=True)


def token_of(path: str) -> str:
    return path.strip("/").split("/")[1]


def test_a_new_person_has_no_password_until_the_link_is_used() -> None:
    person, path = people.person_create(user=administrator(), username="ada", full_name="Ada L.")
    assert not person.has_usable_password()
    assert person.get_full_name() == "Ada L."
    people.password_set_by_link(token=token_of(path), password=GOOD)
    assert authenticate(username="ada", password=GOOD) == person


def test_a_link_works_once() -> None:
    _, path = people.person_create(user=None, username="ada")
    people.password_set_by_link(token=token_of(path), password=GOOD)
    with pytest.raises(LinkSpentError):
        people.password_set_by_link(token=token_of(path), password="another good one 7")
    assert authenticate(username="ada", password=GOOD) is not None


def test_a_link_ends_after_a_week() -> None:
    _, path = people.person_create(user=None, username="ada")
    OneTimeLink.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    with pytest.raises(LinkSpentError):
        people.link_person(token_of(path))


def test_a_newer_link_ends_the_older_one() -> None:
    person, first = people.person_create(user=None, username="ada")
    second = people.link_create(user=None, person=person)
    with pytest.raises(LinkSpentError):
        people.link_person(token_of(first))
    assert people.link_person(token_of(second)) == person


def test_only_the_digest_of_a_link_is_kept() -> None:
    _, path = people.person_create(user=None, username="ada")
    assert token_of(path) not in str(OneTimeLink.objects.values())
    assert token_of(path) not in str(AuditEvent.objects.values())


@pytest.mark.parametrize("password", ["short1!", "password1234", "83729183746152", "ada.lovelace"])
def test_a_weak_password_is_refused_and_the_link_still_works(password: str) -> None:
    _, path = people.person_create(user=None, username="ada.lovelace")
    with pytest.raises(InvalidInputError) as refused:
        people.password_set_by_link(token=token_of(path), password=password)
    assert "password" in refused.value.fields
    people.password_set_by_link(token=token_of(path), password=GOOD)


@pytest.mark.parametrize("is_first", [True, False])
def test_two_commands_on_an_empty_site_make_one_first_administrator(
    is_first: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other command comes just before or just after this one looks whether the name is free."""
    other: list[User] = []
    look = people._require_valid

    def overtaken(person: User) -> None:
        if is_first:
            other.append(administrator(people.FIRST_ADMINISTRATOR))
        look(person)
        if not is_first:
            other.append(administrator(people.FIRST_ADMINISTRATOR))

    monkeypatch.setattr(people, "_require_valid", overtaken)
    assert people.first_administrator() == other[0]
    assert User.objects.filter(username=people.FIRST_ADMINISTRATOR).count() == 1


def test_only_a_site_administrator_makes_people() -> None:
    project_administrator = a_member(a_project(), "administrator")
    with pytest.raises(NotPermittedError):
        people.person_create(user=project_administrator, username="ada")


@pytest.mark.parametrize("name", ["", "two words", "ROOT" * 40, "root"])
def test_an_impossible_or_taken_name_is_refused(name: str) -> None:
    with pytest.raises(InvalidInputError):
        people.person_create(user=administrator("root"), username=name)


def test_closing_an_account_ends_its_sessions_tokens_and_links() -> None:
    root, person = administrator(), a_person("ada")
    browser = Client()
    browser.force_login(person)
    _, text = people.token_create(user=person, name="script")
    link = people.link_create(user=root, person=person)
    assert browser.get("/api/v1/me/").status_code == 200
    people.person_update(user=root, person_id=person.pk, is_active=False)
    people.person_update(user=root, person_id=person.pk, is_active=True)
    assert browser.get("/api/v1/me/").status_code == 401
    by_token = Client(headers={"Authorization": f"Token {text}"})
    assert by_token.get("/api/v1/me/").status_code == 401
    with pytest.raises(LinkSpentError):
        people.link_person(token_of(link))
    assert not AuthToken.objects.filter(user=person).exists()


@pytest.mark.parametrize("change", [{"is_active": False}, {"is_site_administrator": False}])
def test_the_last_site_administrator_cannot_be_removed(change: dict[str, bool]) -> None:
    root = administrator()
    with pytest.raises(StateRefusedError):
        people.person_update(user=root, person_id=root.pk, **change)
    root.refresh_from_db()
    assert root.is_active
    assert root.is_superuser
    second = administrator("second")
    people.person_update(user=second, person_id=root.pk, **change)


def test_a_token_acts_as_its_person_until_it_is_removed() -> None:
    person = a_person("ada")
    named, text = people.token_create(user=person, name="script")
    browser = Client(headers={"Authorization": f"Token {text}"})
    assert browser.get("/api/v1/me/").json()["username"] == "ada"
    people.token_remove(user=person, token_id=named.pk)
    assert browser.get("/api/v1/me/").status_code == 401


def run(*arguments: str) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue().strip()


def test_the_first_start_makes_a_site_administrator_and_prints_one_path() -> None:
    path = run("create_link", "admin", "--first-start")
    assert path.startswith("/link/")
    assert "\n" not in path
    admin = User.objects.get(username="admin")
    assert admin.is_superuser
    people.password_set_by_link(token=token_of(path), password=GOOD)
    assert run("create_link", "admin", "--first-start") == ""


def test_create_link_prints_the_whole_address_when_told_the_site() -> None:
    a_person("ada")
    address = run("create_link", "ada", "--address", "https://site.example/")
    assert address.startswith("https://site.example/link/")
    assert not User.objects.get(username="ada").is_superuser


def test_create_token_prints_an_object_for_programs() -> None:
    a_person("ada")
    told = json.loads(run("create_token", "ada", "--name", "night run", "--json"))
    browser = Client(headers={"Authorization": f"Token {told['token']}"})
    assert browser.get("/api/v1/me/").json()["username"] == "ada"
