"""Two savers at the same moment, each on a connection of its own."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.db import connection

from segmentation.errors import StaleRevisionError
from segmentation.models import Case, MaskRevision
from segmentation.selectors.revisions import state_at, state_current
from segmentation.services.revision_line import digest_of
from segmentation.services.revisions import Asked, revision_append
from tests.builders import a_case, a_finding, a_key, a_member, a_project, a_slice

pytestmark = pytest.mark.django_db(transaction=True)

TAB = uuid.uuid4()


@pytest.fixture
def case() -> Case:
    return a_case(a_project())


@pytest.fixture
def person(case: Case) -> User:
    return a_member(case.project, "annotator")


def save(person: User, case: Case, x: int, key: str) -> str:
    try:
        saved = revision_append(
            user=person,
            case=case,
            parent_id=case.head_id,
            key=key,
            asked=Asked("brush", [a_slice(1, x=x)], [a_finding(1)]),
            tab=TAB,
        )
        return f"saved {saved.revision.pk}"
    except StaleRevisionError as refused:
        return f"kept {refused.details['kept']['id']}"


def at_once(acts: list[Callable[[], str]]) -> list[str]:
    told: list[str] = []
    gate = threading.Barrier(len(acts))

    def run(act: Callable[[], str]) -> None:
        try:
            gate.wait()
            told.append(act())
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return told


def test_of_savers_on_one_state_one_wins_and_none_is_lost(case: Case, person: User) -> None:
    told = at_once([lambda x=x: save(person, case, x, a_key()) for x in range(6)])
    assert sorted(word.split()[0] for word in told) == ["kept"] * 5 + ["saved"]
    assert MaskRevision.objects.filter(case=case).count() == 6
    assert sorted(MaskRevision.objects.values_list("sequence", flat=True)) == [1, 2, 3, 4, 5, 6]
    case.refresh_from_db()
    assert f"saved {case.head_id}" in told
    assert case.head is not None
    assert state_current(case) == state_at(case.head)
    assert case.head.digest == digest_of(state_current(case))


def test_one_key_sent_many_times_at_once_is_saved_once(case: Case, person: User) -> None:
    told = at_once([lambda: save(person, case, 3, "the same key")] * 5)
    assert len(set(told)) == 1
    assert told[0].startswith("saved")
    assert MaskRevision.objects.count() == 1
