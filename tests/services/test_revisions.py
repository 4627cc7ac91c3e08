from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.contrib.auth.models import User

from segmentation.errors import (
    InvalidInputError,
    KeyReusedError,
    NotHolderError,
    NotPermittedError,
    StaleRevisionError,
    StateRefusedError,
)
from segmentation.models import AuditEvent, Case, CurrentSlice, MaskRevision
from segmentation.selectors.revisions import State, finding_next, state_at, state_current
from segmentation.services import revisions
from segmentation.services.changes import FindingRow, SliceRows
from segmentation.services.presence import presence_take
from segmentation.services.revision_line import digest_of, snapshot_make
from segmentation.services.revisions import Asked, Saved, revision_append
from tests.builders import a_case, a_finding, a_key, a_member, a_project, a_slice, rows_of

pytestmark = pytest.mark.django_db

TAB = uuid.uuid4()


@pytest.fixture
def case() -> Case:
    return a_case(a_project(labels=("nucleus", "debris")))


@pytest.fixture
def annotator(case: Case) -> User:
    return a_member(case.project, "annotator")


def save(
    user: User,
    case: Case,
    slices: list[SliceRows],
    findings: list[FindingRow] | None = None,
    parent: uuid.UUID | str | None = "head",
    **more: Any,
) -> Saved:
    case.refresh_from_db()
    return revision_append(
        user=user,
        case=case,
        parent_id=case.head_id if parent == "head" else parent,
        key=more.pop("key", a_key()),
        asked=Asked("brush", slices, findings or [], **more.pop("asked", {})),
        tab=more.pop("tab", TAB),
        **more,
    )


def test_a_first_stroke_becomes_the_head_and_opens_the_case(case: Case, annotator: User) -> None:
    saved = save(annotator, case, [a_slice(1)], [a_finding(1)])
    case.refresh_from_db()
    assert case.head == saved.revision
    assert case.state == Case.State.IN_PROGRESS
    assert case.touched_at is not None
    state = state_current(case)
    assert state.slices == {(1, 0): rows_of(0, 0, 4, 4)}
    assert state.findings[1]["label"] == 1
    assert saved.revision.digest == digest_of(state)


def test_a_mask_of_one_moment_of_a_cine_stands_on_the_plane_of_that_moment() -> None:
    cine = a_case(a_project(), moments=4)
    annotator = a_member(cine.project, "annotator")
    save(annotator, cine, [a_slice(1, z=3)], [a_finding(1, z=3)])
    assert state_current(cine).slices == {(1, 3): rows_of(0, 0, 4, 4)}


def test_a_plane_beyond_the_last_moment_is_refused(case: Case, annotator: User) -> None:
    series = a_case(case.project, zyx=(3, 48, 64), moments=2)
    save(annotator, series, [a_slice(1, z=5)], [a_finding(1)])
    with pytest.raises(InvalidInputError, match="no slice 6; the image has 6 in 2 moments"):
        save(annotator, series, [a_slice(1, z=6)])
    with pytest.raises(InvalidInputError, match="no slice 1; the image has 1"):
        save(annotator, case, [a_slice(1, z=1)], [a_finding(1)])


def test_the_head_tables_equal_the_folded_history_after_every_kind_of_step(
    case: Case, annotator: User
) -> None:
    save(annotator, case, [a_slice(1), a_slice(2, x=9)], [a_finding(1), a_finding(2)])
    save(annotator, case, [a_slice(1, x=5)])
    save(annotator, case, [], [a_finding(2, label=2)])
    save(annotator, case, [SliceRows(1, 0, b"")])
    save(annotator, case, [a_slice(0, x=20)])
    save(annotator, case, [], [FindingRow(2, None)])
    case.refresh_from_db()
    current = state_current(case)
    assert current == state_at(case.head)
    assert current == State({(0, 0): rows_of(20, 0, 24, 4)}, {1: current.findings[1]})
    assert case.head is not None
    assert case.head.digest == digest_of(current)
    assert [r.digest == digest_of(state_at(r)) for r in MaskRevision.objects.all()] == [True] * 6


def test_the_same_key_brings_the_same_revision_once(case: Case, annotator: User) -> None:
    first = save(annotator, case, [a_slice(1)], [a_finding(1)], parent=None, key="k1")
    again = save(annotator, case, [a_slice(1)], [a_finding(1)], parent=None, key="k1")
    assert (first.created, again.created) == (True, False)
    assert again.revision == first.revision
    assert MaskRevision.objects.count() == 1


def test_a_key_with_another_content_is_refused(case: Case, annotator: User) -> None:
    save(annotator, case, [a_slice(1)], [a_finding(1)], key="k1")
    with pytest.raises(KeyReusedError):
        save(annotator, case, [a_slice(1), a_slice(0)], key="k1")


def test_a_change_on_an_older_state_is_refused_and_kept_beside(case: Case, annotator: User) -> None:
    base = save(annotator, case, [a_slice(1)], [a_finding(1)]).revision
    theirs = save(annotator, case, [a_slice(1, x=8)]).revision
    with pytest.raises(StaleRevisionError) as refused:
        save(annotator, case, [a_slice(1, x=30)], parent=base.pk, key="late")
    case.refresh_from_db()
    assert case.head == theirs
    kept = MaskRevision.objects.get(on_head=False)
    details = refused.value.details
    assert details["kept"] == {"id": str(kept.pk), "sequence": 3}
    assert details["head"]["id"] == str(theirs.pk)
    assert [(row["finding"], row["z"]) for row in details["theirs"]["slices"]] == [(1, 0)]
    assert state_at(kept).slices == {(1, 0): rows_of(30, 0, 34, 4)}
    assert kept.digest == digest_of(state_at(kept))


def test_repeating_a_refused_change_is_refused_again_without_a_second_copy(
    case: Case, annotator: User
) -> None:
    base = save(annotator, case, [a_slice(1)], [a_finding(1)]).revision
    save(annotator, case, [a_slice(1, x=8)])
    for _ in range(2):
        with pytest.raises(StaleRevisionError):
            save(annotator, case, [a_slice(1, x=30)], parent=base.pk, key="late")
    assert MaskRevision.objects.filter(on_head=False).count() == 1


def test_a_second_tab_cannot_save_while_the_first_holds_the_pen(
    case: Case, annotator: User
) -> None:
    save(annotator, case, [a_slice(1)], [a_finding(1)])
    other = uuid.uuid4()
    with pytest.raises(NotHolderError):
        save(annotator, case, [a_slice(1, x=4)], tab=other)
    presence_take(user=annotator, case=case, tab=other)
    assert save(annotator, case, [a_slice(1, x=4)], tab=other).created
    with pytest.raises(NotHolderError):
        save(annotator, case, [a_slice(1, x=5)], tab=TAB)


def test_a_fence_of_an_earlier_hold_is_refused(case: Case, annotator: User) -> None:
    first = presence_take(user=annotator, case=case, tab=TAB)["fence"]
    presence_take(user=annotator, case=case, tab=uuid.uuid4())
    second = presence_take(user=annotator, case=case, tab=TAB)["fence"]
    assert second > first
    with pytest.raises(NotHolderError):
        save(annotator, case, [a_slice(1)], [a_finding(1)], fence=first)
    assert save(annotator, case, [a_slice(1)], [a_finding(1)], fence=second).created


@pytest.mark.parametrize(
    "state", ["importing", "quarantined", "submitted", "accepted", "withdrawn"]
)
def test_a_closed_case_refuses_every_change(state: str) -> None:
    case = a_case(a_project(), state=state)
    person = a_member(case.project, "annotator")
    with pytest.raises(StateRefusedError):
        save(person, case, [a_slice(1)], [a_finding(1)])
    assert not MaskRevision.objects.exists()


def test_a_viewer_cannot_save(case: Case) -> None:
    viewer = a_member(case.project, "viewer")
    with pytest.raises(NotPermittedError):
        save(viewer, case, [a_slice(1)], [a_finding(1)])


@pytest.mark.parametrize(
    ("slices", "findings"),
    [
        ([SliceRows(1, 0, b"\x80")], [a_finding(1)]),
        ([SliceRows(1, 0, bytes([0xFF, 0xFF, 0x01, 0x01]))], [a_finding(1)]),
        ([a_slice(1, z=1)], [a_finding(1)]),
        ([a_slice(7)], []),
        ([a_slice(1), a_slice(1)], [a_finding(1)]),
        ([], [a_finding(1), a_finding(1)]),
        ([], [a_finding(0)]),
        ([], [a_finding(1, label=9)]),
        ([], [a_finding(1, state="maybe")]),
        ([], [a_finding(1, score=1.5)]),
        ([], [a_finding(1, score=float("nan"))]),
        ([], [a_finding(1, box=[5, 5, 5, 9])]),
        ([], [a_finding(1, box=[0, 0, 65, 9])]),
        ([], [a_finding(1, colour="red")]),
    ],
    ids=[
        "number cut short",
        "longer than the slice",
        "slice outside the image",
        "mask without a finding",
        "slice twice",
        "finding twice",
        "finding zero has no fields",
        "unknown label",
        "unknown state",
        "score above one",
        "score not a number",
        "empty box",
        "box outside the image",
        "unknown field",
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(
    case: Case, annotator: User, slices: list[SliceRows], findings: list[FindingRow]
) -> None:
    with pytest.raises(InvalidInputError):
        save(annotator, case, slices, findings)
    assert not MaskRevision.objects.exists()
    assert not AuditEvent.objects.exists()


def test_rows_that_are_not_canonical_are_stored_canonically(case: Case, annotator: User) -> None:
    spelled_long = bytes([2, 0, 0, 3, 5])
    save(annotator, case, [SliceRows(1, 0, spelled_long)], [a_finding(1)])
    assert bytes(CurrentSlice.objects.get().change.runs) == bytes([2, 3])


def test_fields_that_are_not_said_keep_their_value(case: Case, annotator: User) -> None:
    save(annotator, case, [], [a_finding(1, note="looks split", score=1)])
    save(annotator, case, [], [FindingRow(1, {"state": "rejected"})])
    fields = state_current(case).findings[1]
    assert (fields["state"], fields["note"], fields["score"]) == ("rejected", "looks split", 1.0)


def test_cut_offs_move_with_the_revision(case: Case, annotator: User) -> None:
    save(annotator, case, [], [a_finding(1)], asked={"score_cutoff": 0.3, "overlap_cutoff": 0.6})
    case.refresh_from_db()
    assert (case.score_cutoff, case.overlap_cutoff) == (0.3, 0.6)


def test_restoring_brings_the_earlier_state_back_as_a_new_revision(
    case: Case, annotator: User
) -> None:
    first = save(annotator, case, [a_slice(1)], [a_finding(1)]).revision
    save(annotator, case, [a_slice(2, x=9)], [FindingRow(1, None), a_finding(2)])
    case.refresh_from_db()
    restored = revisions.revision_restore(user=annotator, case=case, revision=first, tab=TAB)
    assert restored.revision.digest == first.digest
    assert restored.revision.sequence == 3
    assert state_current(case) == state_at(first)


def test_a_prediction_never_replaces_what_a_person_touched(case: Case, annotator: User) -> None:
    revisions.revision_record_system(case, "predicted", [a_finding(1)], [a_slice(1)])
    case.refresh_from_db()
    assert case.touched_at is None
    assert case.state == Case.State.READY
    save(annotator, case, [a_slice(1, x=3)])
    with pytest.raises(StateRefusedError):
        revisions.revision_record_system(case, "predicted", [a_finding(2)], [])
    asked = revisions.revision_record_system(
        case, "predicted", [a_finding(2)], [], replace_touched=True
    )
    assert asked.sequence == 3


def test_the_history_is_the_same_from_a_snapshot_as_from_the_start(
    case: Case, annotator: User
) -> None:
    middle = save(annotator, case, [a_slice(1)], [a_finding(1, note="ä")]).revision
    last = save(annotator, case, [a_slice(1, x=7)]).revision
    whole = state_at(last)
    middle.snapshot = snapshot_make(middle)
    assert MaskRevision.objects.get(pk=middle.pk).snapshot is not None
    assert state_at(last) == whole
    assert state_at(middle).slices == {(1, 0): rows_of(0, 0, 4, 4)}


def test_a_number_is_never_used_again(case: Case, annotator: User) -> None:
    assert finding_next(case) == 1
    save(annotator, case, [], [a_finding(1), a_finding(4)])
    save(annotator, case, [], [FindingRow(4, None)])
    assert finding_next(case) == 5


def test_a_parent_of_another_case_is_refused(case: Case, annotator: User) -> None:
    other = a_case(case.project)
    foreign = save(annotator, other, [a_slice(1)], [a_finding(1)]).revision
    with pytest.raises(InvalidInputError):
        save(annotator, case, [a_slice(1)], [a_finding(1)], parent=foreign.pk)
