from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from segmentation.errors import NotPermittedError
from segmentation.models import AuditEvent, Case, Presence
from segmentation.services.presence import LEASE, presence_beat, presence_take
from tests.builders import a_case, a_member, a_project

pytestmark = pytest.mark.django_db

FIRST, SECOND = uuid.uuid4(), uuid.uuid4()


@pytest.fixture
def case() -> Case:
    return a_case(a_project())


@pytest.fixture
def ada(case: Case) -> User:
    return a_member(case.project, "annotator", "ada")


@pytest.fixture
def bob(case: Case) -> User:
    return a_member(case.project, "annotator", "bob")


def beat(user: User, case: Case, tab: uuid.UUID, want: str = "hold", seconds: int = 0) -> dict:
    return presence_beat(user=user, case=case, tab=tab, seconds=seconds, want=want)


def test_the_first_to_come_holds_the_pen_and_the_second_watches(
    case: Case, ada: User, bob: User
) -> None:
    assert beat(ada, case, FIRST)["is_me"]
    seen = beat(bob, case, SECOND)
    assert not seen["is_me"]
    assert seen["holder"]["username"] == "ada"
    back = beat(ada, case, FIRST)
    assert [person["username"] for person in back["watchers"]] == ["bob"]


def test_a_dead_holder_frees_the_pen_within_a_minute(case: Case, ada: User, bob: User) -> None:
    beat(ada, case, FIRST)
    assert timedelta(seconds=60) >= LEASE
    Presence.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    taken = beat(bob, case, SECOND)
    assert taken["is_me"]
    assert taken["fence"] == 2


def test_leaving_frees_the_pen_at_once(case: Case, ada: User, bob: User) -> None:
    beat(ada, case, FIRST)
    left = beat(ada, case, FIRST, want="leave")
    assert left["holder"] is None
    assert beat(bob, case, SECOND)["is_me"]


def test_taking_over_turns_the_other_tab_read_only_and_is_audited(
    case: Case, ada: User, bob: User
) -> None:
    beat(ada, case, FIRST)
    taken = presence_take(user=bob, case=case, tab=SECOND)
    assert taken["is_me"]
    seen = beat(ada, case, FIRST)
    assert (seen["is_me"], seen["holder"]["username"]) == (False, "bob")
    assert AuditEvent.objects.get(action="pen.taken").subject == {"from": ada.pk}


def test_a_second_tab_of_the_same_person_has_to_take_the_pen(case: Case, ada: User) -> None:
    beat(ada, case, FIRST)
    assert not beat(ada, case, SECOND)["is_me"]
    assert presence_take(user=ada, case=case, tab=SECOND)["is_me"]
    assert not beat(ada, case, FIRST)["is_me"]


def test_the_fence_grows_with_each_holder_and_not_with_each_beat(
    case: Case, ada: User, bob: User
) -> None:
    fences = [beat(ada, case, FIRST)["fence"] for _ in range(3)]
    fences.append(presence_take(user=bob, case=case, tab=SECOND)["fence"])
    assert fences == [1, 1, 1, 2]


def test_a_viewer_only_watches(case: Case) -> None:
    viewer = a_member(case.project, "viewer")
    seen = beat(viewer, case, FIRST)
    assert (seen["is_me"], seen["holder"]) == (False, None)
    with pytest.raises(NotPermittedError):
        presence_take(user=viewer, case=case, tab=FIRST)


def test_time_at_work_is_counted_for_the_holder_and_bounded(
    case: Case, ada: User, bob: User
) -> None:
    beat(ada, case, FIRST, seconds=10)
    beat(ada, case, FIRST, seconds=3600)
    beat(bob, case, SECOND, seconds=10)
    case.refresh_from_db()
    assert case.seconds_spent == 40
