"""Every operation, asked by nobody, by a stranger, and by each role. None may be missing."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from tests.access.asking import OPERATIONS, answer_to, filled
from tests.access.doors import ANYONE, DOORS, OPEN, SITE, Door
from tests.access.world import ROLES, World, build

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return build()


def test_every_operation_has_a_door_in_the_table_and_every_door_an_operation() -> None:
    assert sorted(OPERATIONS) == sorted(DOORS)


def test_each_door_opens_for_those_who_may_and_for_nobody_else(world: World) -> None:
    wrong = {}
    for operation, door in sorted(DOORS.items()):
        for who in ("nobody", "outsider", *ROLES, "site"):
            status = ask(world, operation, who)
            if not fits(door, who, status):
                wrong[operation, who] = (status, sorted(expected(door, who)) or "success")
    assert wrong == {}


def fits(door: Door, who: str, status: int) -> bool:
    wanted = expected(door, who)
    return status in wanted if wanted else status < 400 or status in door.may


def expected(door: Door, who: str) -> set[int]:
    """The one answer that a person must get; empty where they may."""
    if door.least == OPEN:
        return set()
    if who == "nobody":
        return {401}
    if who == "site" or door.least == ANYONE:
        return set()
    if who == "outsider":
        return {door.outside}
    if door.least == SITE or ROLES.index(who) < ROLES.index(door.least):
        return {door.denied}
    return set()


def ask(world: World, operation: str, who: str) -> int:
    """The status of the answer; whatever the request did is undone."""
    with transaction.atomic():
        status = answer_to(world, operation, who).status_code
        transaction.set_rollback(True)
    return status


def test_a_member_of_one_project_reaches_no_row_of_another_by_listing(world: World) -> None:
    client = Client()
    client.force_login(world.people["outsider"])
    for address in ("projects/", "jobs/", "people/"):
        text = client.get(f"/api/v1/{address}").content.decode()
        assert str(world.names["project_id"]) not in text
        assert str(world.names["job_id"]) not in text


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("projects/{theirs}/recipe/preview/", {"case": "$case_id", "steps": []}),
        ("projects/{theirs}/trainings/", {"training_set": "$training_set", "steps": 1}),
        (
            "projects/{theirs}/comparisons/",
            {"training_set": "$training_set", "challenger": "$challenger"},
        ),
    ],
)
def test_an_id_of_one_project_inside_another_projects_address_is_not_found(
    world: World, path: str, body: dict[str, Any]
) -> None:
    """Whoever may do everything in both projects still cannot mix them."""
    theirs = world.people["outsider"].memberships.get().project_id
    client = Client()
    client.force_login(world.people["site"])
    answer = client.post(
        f"/api/v1/{path.format(theirs=theirs)}",
        filled(body, world.names),
        content_type="application/json",
    )
    assert answer.status_code == 404


@pytest.mark.parametrize(
    "query", ["?owner__password__startswith=a", "?project__memberships__user=1", "?user__email=x"]
)
def test_no_filter_walks_into_other_tables(world: World, query: str) -> None:
    client = Client()
    client.force_login(world.people["viewer"])
    address = f"/api/v1/projects/{world.names['project_id']}/cases/"
    assert client.get(address + query).json() == client.get(address).json()


@pytest.mark.parametrize("field", ["is_staff", "is_superuser", "password", "id"])
def test_an_account_takes_no_field_that_is_not_offered(world: World, field: str) -> None:
    client = Client()
    client.force_login(world.people["site"])
    person = world.people["viewer"]
    before = (person.is_staff, person.is_superuser, person.password, person.pk)
    client.patch(
        f"/api/v1/people/{person.pk}/",
        {field: True, "full_name": "A"},
        content_type="application/json",
    )
    person.refresh_from_db()
    assert (person.is_staff, person.is_superuser, person.password, person.pk) == before
    assert person.get_full_name() == "A"
