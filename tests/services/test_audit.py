from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from segmentation.models import AuditEvent, SiteAnchor
from segmentation.services import audit
from tests.builders import a_case, a_person, a_project


def chain_holds(chain: str) -> bool:
    previous = ""
    for number, event in enumerate(AuditEvent.objects.filter(chain=chain).order_by("sequence"), 1):
        if (event.sequence, event.previous_hash) != (number, previous):
            return False
        if event.hash != audit.event_hash(event):
            return False
        previous = event.hash
    return True


@pytest.mark.django_db
def test_each_chain_counts_and_hashes_for_itself() -> None:
    project, person = a_project(), a_person()
    case = a_case(project)
    with transaction.atomic():
        for about in (case, project, case, None):
            audit.event_record(about, "act", actor=person, subject={"note": "ä", "n": 1.5})
    told = AuditEvent.objects.order_by("pk").values_list("chain", "sequence", "project")
    assert list(told) == [
        (str(case.pk), 1, project.pk),
        (f"project:{project.pk}", 1, project.pk),
        (str(case.pk), 2, project.pk),
        ("site", 1, None),
    ]
    assert all(chain_holds(chain) for chain, _, _ in told)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "change",
    [
        {"action": "other"},
        {"actor_key": "user:999"},
        {"subject": {}},
        {"at": timezone.now() + timedelta(hours=1)},
        {"sequence": 9},
    ],
)
def test_any_later_change_of_an_event_breaks_its_chain(change: dict[str, object]) -> None:
    project, person = a_project(), a_person()
    with transaction.atomic():
        for _ in range(3):
            audit.event_record(project, "act", actor=person, subject={"n": 1})
    chain = f"project:{project.pk}"
    assert chain_holds(chain)
    AuditEvent.objects.filter(chain=chain, sequence=2).update(**change)
    assert not chain_holds(chain)


@pytest.mark.django_db
def test_a_removed_event_is_missed() -> None:
    project = a_project()
    with transaction.atomic():
        for _ in range(3):
            audit.event_record(project, "act", actor=None)
    AuditEvent.objects.filter(sequence=2).delete()
    assert not chain_holds(f"project:{project.pk}")


@pytest.mark.django_db(transaction=True)
def test_there_is_no_event_outside_a_transaction_nor_without_its_act() -> None:
    project = a_project()
    with pytest.raises(RuntimeError):
        audit.event_record(project, "act", actor=None)
    with transaction.atomic():
        audit.event_record(project, "act", actor=None)
        transaction.set_rollback(True)
    assert not AuditEvent.objects.exists()


@pytest.mark.django_db
def test_anchors_seal_the_heads_that_moved_and_form_a_chain() -> None:
    project = a_project()
    with transaction.atomic():
        audit.event_record(project, "act", actor=None)
    first = audit.anchor_make()
    assert audit.anchor_make() is None
    with transaction.atomic():
        last = audit.event_record(project, "act", actor=None)
    assert audit.anchor_make(not_before=timedelta(minutes=1)) is None
    second = audit.anchor_make()
    assert first is not None
    assert second is not None
    assert second.heads == {f"project:{project.pk}": [2, last.hash]}
    assert second.previous_hash == first.hash
    for anchor in SiteAnchor.objects.all():
        assert anchor.hash == audit.anchor_hash(anchor.previous_hash, anchor.heads, anchor.at)


@pytest.mark.django_db(transaction=True)
def test_writers_at_the_same_moment_leave_one_unbroken_chain() -> None:
    project = a_project()
    faults: list[Exception] = []

    def write() -> None:
        try:
            for _ in range(5):
                with transaction.atomic():
                    audit.event_record(project, "act", actor=None)
        except Exception as error:
            faults.append(error)
        finally:
            connection.close()

    writers = [threading.Thread(target=write) for _ in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert faults == []
    chain = f"project:{project.pk}"
    assert AuditEvent.objects.filter(chain=chain).count() == 20
    assert chain_holds(chain)
