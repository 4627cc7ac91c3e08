from __future__ import annotations

import uuid

import pytest
from django.contrib.auth.models import User

from segmentation.errors import InvalidInputError, MergeOverlapError, StaleRevisionError
from segmentation.models import Case, MaskRevision
from segmentation.selectors.history import case_diff, case_history
from segmentation.selectors.revisions import state_current
from segmentation.services.changes import FindingRow, SliceRows
from segmentation.services.revision_line import digest_of
from segmentation.services.revision_merges import revision_merge
from segmentation.services.revisions import Asked, revision_append
from tests.builders import a_case, a_finding, a_key, a_member, a_project, a_slice, rows_of

pytestmark = pytest.mark.django_db

TAB = uuid.uuid4()


@pytest.fixture
def case() -> Case:
    return a_case(a_project())


@pytest.fixture
def person(case: Case) -> User:
    return a_member(case.project, "annotator", "ada")


def save(
    person: User,
    case: Case,
    parent: MaskRevision | None,
    slices: list[SliceRows],
    findings: list[FindingRow] | None = None,
    sitting: uuid.UUID | None = None,
) -> MaskRevision:
    asked = Asked("brush", slices, findings or [], sitting=sitting)
    parent_id = parent.pk if parent else None
    return revision_append(
        user=person, case=case, parent_id=parent_id, key=a_key(), asked=asked, tab=TAB
    ).revision


def keep(
    person: User,
    case: Case,
    parent: MaskRevision | None,
    slices: list[SliceRows],
    findings: list[FindingRow] | None = None,
) -> MaskRevision:
    with pytest.raises(StaleRevisionError) as refused:
        save(person, case, parent, slices, findings)
    return MaskRevision.objects.get(pk=refused.value.details["kept"]["id"])


@pytest.fixture
def base(case: Case, person: User) -> MaskRevision:
    return save(person, case, None, [a_slice(1), a_slice(2, x=10)], [a_finding(1), a_finding(2)])


def merge(person: User, case: Case, side: MaskRevision, take: str = "both") -> MaskRevision:
    return revision_merge(user=person, case=case, side=side, take=take, tab=TAB).revision


def test_two_changes_that_touch_nothing_in_common_become_one(
    case: Case, person: User, base: MaskRevision
) -> None:
    save(person, case, base, [a_slice(1, x=30)])
    side = keep(person, case, base, [a_slice(2, x=40)])
    merged = merge(person, case, side)
    assert merged.kind == MaskRevision.Kind.MERGED
    state = state_current(case)
    assert state.slices == {(1, 0): rows_of(30, 0, 34, 4), (2, 0): rows_of(40, 0, 44, 4)}
    assert merged.digest == digest_of(state)


def test_changes_of_the_same_slice_are_refused_with_their_places(
    case: Case, person: User, base: MaskRevision
) -> None:
    save(person, case, base, [a_slice(1, x=30)])
    side = keep(person, case, base, [a_slice(1, x=40), a_slice(2, x=50)])
    with pytest.raises(MergeOverlapError) as refused:
        merge(person, case, side)
    assert refused.value.details == {"slices": [{"finding": 1, "z": 0}], "findings": []}


def test_taking_mine_lets_the_kept_rows_win(case: Case, person: User, base: MaskRevision) -> None:
    save(person, case, base, [a_slice(1, x=30), a_slice(2, x=20)])
    side = keep(person, case, base, [a_slice(1, x=40)])
    merge(person, case, side, take="mine")
    assert state_current(case).slices == {
        (1, 0): rows_of(40, 0, 44, 4),
        (2, 0): rows_of(20, 0, 24, 4),
    }


def test_a_stroke_on_a_finding_that_was_removed_meanwhile_overlaps(
    case: Case, person: User, base: MaskRevision
) -> None:
    save(person, case, base, [], [FindingRow(1, None)])
    side = keep(person, case, base, [a_slice(1, x=40)])
    with pytest.raises(MergeOverlapError) as refused:
        merge(person, case, side)
    assert refused.value.details["findings"] == [1]
    merge(person, case, side, take="mine")
    assert state_current(case).slices[1, 0] == rows_of(40, 0, 44, 4)
    assert 1 in state_current(case).findings


def test_findings_made_on_both_sides_get_different_numbers(
    case: Case, person: User, base: MaskRevision
) -> None:
    save(person, case, base, [a_slice(3, x=30)], [a_finding(3, note="theirs")])
    side = keep(person, case, base, [a_slice(3, x=40)], [a_finding(3, note="mine")])
    merge(person, case, side)
    findings = state_current(case).findings
    assert (findings[3]["note"], findings[4]["note"]) == ("theirs", "mine")
    assert state_current(case).slices[4, 0] == rows_of(40, 0, 44, 4)


def test_a_chain_of_kept_strokes_is_merged_whole(
    case: Case, person: User, base: MaskRevision
) -> None:
    save(person, case, base, [a_slice(1, x=30)])
    first = keep(person, case, base, [a_slice(2, x=40)])
    second = keep(person, case, first, [a_slice(0, x=50)])
    merge(person, case, second)
    assert state_current(case).slices == {
        (0, 0): rows_of(50, 0, 54, 4),
        (1, 0): rows_of(30, 0, 34, 4),
        (2, 0): rows_of(40, 0, 44, 4),
    }


def test_a_revision_on_the_line_cannot_be_merged(
    case: Case, person: User, base: MaskRevision
) -> None:
    with pytest.raises(InvalidInputError):
        merge(person, case, base)


def test_the_history_folds_one_sitting_into_one_entry(
    case: Case, person: User, base: MaskRevision
) -> None:
    morning, noon = uuid.uuid4(), uuid.uuid4()
    last = base
    for sitting, strokes in ((morning, 3), (noon, 2)):
        for x in range(strokes):
            last = save(person, case, last, [a_slice(1, x=x)], sitting=sitting)
    keep(person, case, base, [a_slice(1, x=9)])
    entries = case_history(user=person, case_id=case.pk)["results"]
    assert [(e["sequence"], e["count"], e["on_head"]) for e in entries] == [
        (7, 1, False),
        (6, 2, True),
        (4, 3, True),
        (1, 1, True),
    ]
    assert entries[1]["author"] == {"user": person.pk, "username": "ada", "full_name": ""}
    older = case_history(user=person, case_id=case.pk, after=4)["results"]
    assert [e["sequence"] for e in older] == [3, 1]


def test_a_difference_counts_pixels_and_names_both_sides(
    case: Case, person: User, base: MaskRevision
) -> None:
    last = save(person, case, base, [a_slice(1, x=1)], [a_finding(2, note="hm")])
    told = case_diff(user=person, case_id=case.pk, before_id=None, after_id=None)
    assert (told["from"]["id"], told["to"]["id"]) == (str(base.pk), str(last.pk))
    assert [(s["finding"], s["z"], s["added"], s["removed"]) for s in told["slices"]] == [
        (1, 0, 4, 4)
    ]
    assert [(f["finding"], f["before"]["note"], f["after"]["note"]) for f in told["findings"]] == [
        (2, "", "hm")
    ]
