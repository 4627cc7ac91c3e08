from __future__ import annotations

import uuid
from functools import partial

import pytest
from django.contrib.auth.models import User

from segmentation.errors import (
    ConflictError,
    InvalidInputError,
    MedsegError,
    NotHolderError,
    NotPermittedError,
    StateRefusedError,
)
from segmentation.models import AuditEvent, Case, MaskRevision, Review
from segmentation.services import comments, reviews
from segmentation.services.cases import case_assign, case_withdraw
from segmentation.services.presence import presence_beat
from segmentation.services.revisions import Asked, revision_append
from tests.builders import a_case, a_finding, a_key, a_member, a_project, a_slice

pytestmark = pytest.mark.django_db


@pytest.fixture
def case() -> Case:
    return a_case(a_project())


@pytest.fixture
def annotator(case: Case) -> User:
    return a_member(case.project, "annotator", "ada")


@pytest.fixture
def reviewer(case: Case) -> User:
    return a_member(case.project, "reviewer", "rita")


def stroke(user: User, case: Case, tab: uuid.UUID) -> MaskRevision:
    case.refresh_from_db()
    return revision_append(
        user=user,
        case=case,
        parent_id=case.head_id,
        key=a_key(),
        asked=Asked("brush", [a_slice(1)], [a_finding(1)]),
        tab=tab,
    ).revision


def test_work_goes_from_submitted_to_returned_to_accepted(
    case: Case, annotator: User, reviewer: User
) -> None:
    tab = uuid.uuid4()
    first = stroke(annotator, case, tab)
    assert reviews.case_submit(user=annotator, case=case).state == "submitted"
    with pytest.raises(StateRefusedError):
        stroke(annotator, case, tab)
    reviews.case_return(user=reviewer, case=case, comment="The left one is two cells.")
    second = stroke(annotator, case, tab)
    reviews.case_submit(user=annotator, case=case)
    accepted = reviews.case_accept(user=reviewer, case=case, revision_id=second.pk)
    assert accepted.accepted_revision == second
    told = Review.objects.order_by("pk").values_list("verdict", "revision", "comment")
    assert list(told) == [
        ("submitted", first.pk, ""),
        ("returned", first.pk, "The left one is two cells."),
        ("submitted", second.pk, ""),
        ("accepted", second.pk, ""),
    ]
    last = AuditEvent.objects.filter(chain=str(case.pk)).order_by("-sequence")[0]
    assert (last.action, last.subject["digest"]) == ("case.accepted", second.digest)


def test_a_case_with_nothing_to_mark_is_submitted_with_a_revision_that_says_so(
    case: Case, annotator: User
) -> None:
    reviews.case_submit(user=annotator, case=case)
    case.refresh_from_db()
    assert case.head is not None
    assert case.head.operation == "nothing_found"
    assert Review.objects.get().revision == case.head


def test_an_accepted_case_can_be_reopened_and_loses_its_seal(
    case: Case, annotator: User, reviewer: User
) -> None:
    stroke(annotator, case, uuid.uuid4())
    reviews.case_submit(user=annotator, case=case)
    reviews.case_accept(user=reviewer, case=case)
    reopened = reviews.case_reopen(user=reviewer, case=case)
    assert (reopened.state, reopened.accepted_revision) == ("in_progress", None)


def test_accepting_another_revision_than_the_one_looked_at_is_refused(
    case: Case, annotator: User, reviewer: User
) -> None:
    seen = stroke(annotator, case, uuid.uuid4())
    reviews.case_submit(user=annotator, case=case)
    with pytest.raises(ConflictError):
        reviews.case_accept(user=reviewer, case=case, revision_id=uuid.uuid4())
    assert reviews.case_accept(user=reviewer, case=case, revision_id=seen.pk).state == "accepted"


@pytest.mark.parametrize(
    ("step", "allowed"),
    [
        ("submit", {"ready", "in_progress", "returned"}),
        ("return", {"submitted"}),
        ("accept", {"submitted"}),
        ("reopen", {"submitted", "accepted", "withdrawn"}),
    ],
)
def test_each_step_starts_from_its_own_states_only(step: str, allowed: set[str]) -> None:
    project = a_project()
    administrator = a_member(project, "administrator")
    case = a_case(project)
    stroke(administrator, case, uuid.uuid4())
    for state in Case.State.values:
        Case.objects.filter(pk=case.pk).update(state=state)
        case.refresh_from_db()
        more = {"comment": "why"} if step == "return" else {}
        take = partial(getattr(reviews, f"case_{step}"), user=administrator, case=case, **more)
        if state in allowed:
            take()
            continue
        with pytest.raises(StateRefusedError, match=r"\.$"):
            take()


def test_a_withdrawn_case_can_be_brought_back_by_an_administrator(
    case: Case, reviewer: User
) -> None:
    administrator = a_member(case.project, "administrator")
    withdrawn = case_withdraw(user=administrator, case=case)
    with pytest.raises(NotPermittedError):
        reviews.case_reopen(user=reviewer, case=withdrawn)
    assert reviews.case_reopen(user=administrator, case=withdrawn).state == "in_progress"


def test_a_return_without_a_word_is_refused(case: Case, annotator: User, reviewer: User) -> None:
    reviews.case_submit(user=annotator, case=case)
    with pytest.raises(InvalidInputError):
        reviews.case_return(user=reviewer, case=case, comment="  ")
    case.refresh_from_db()
    assert case.state == "submitted"


@pytest.mark.parametrize("step", ["case_accept", "case_reopen"])
def test_an_annotator_passes_no_verdict(case: Case, annotator: User, step: str) -> None:
    reviews.case_submit(user=annotator, case=case)
    with pytest.raises(NotPermittedError):
        getattr(reviews, step)(user=annotator, case=case)


def test_nobody_submits_while_somebody_else_holds_the_pen(
    case: Case, annotator: User, reviewer: User
) -> None:
    presence_beat(user=reviewer, case=case, tab=uuid.uuid4(), seconds=0, want="hold")
    with pytest.raises(NotHolderError):
        reviews.case_submit(user=annotator, case=case)


def test_a_reviewer_assigns_and_an_annotator_takes_for_themselves_only(
    case: Case, annotator: User, reviewer: User
) -> None:
    other = a_member(case.project, "annotator")
    case_assign(user=annotator, case=case, people=[annotator])
    with pytest.raises(NotPermittedError):
        case_assign(user=annotator, case=case, people=[annotator, other])
    case_assign(user=reviewer, case=case, people=[other])
    assert list(case.assignments.values_list("user", flat=True)) == [other.pk]


def test_a_viewer_or_a_stranger_is_assigned_nothing(case: Case, reviewer: User) -> None:
    for person in (a_member(case.project, "viewer"), a_member(a_project(), "annotator")):
        with pytest.raises(InvalidInputError):
            case_assign(user=reviewer, case=case, people=[person])


def test_a_comment_may_point_at_a_place_inside_the_image(case: Case, annotator: User) -> None:
    made = comments.comment_add(
        user=annotator, case=case, text=" Here. ", place={"x": 63, "y": 47, "z": 0}
    )
    assert (made.text, made.place) == ("Here.", {"x": 63, "y": 47, "z": 0})
    for place in ({"x": 64, "y": 0, "z": 0}, {"x": 0, "y": 0, "z": 1}, {"x": -1, "y": 0, "z": 0}):
        with pytest.raises(InvalidInputError):
            comments.comment_add(user=annotator, case=case, text="There.", place=place)


def test_only_its_author_rewords_a_comment_but_others_settle_it(
    case: Case, annotator: User, reviewer: User
) -> None:
    made = comments.comment_add(user=annotator, case=case, text="Look.")
    with pytest.raises(NotPermittedError):
        comments.comment_update(user=reviewer, comment_id=made.pk, text="Changed.")
    settled = comments.comment_update(user=reviewer, comment_id=made.pk, resolved=True)
    assert settled.resolved_at is not None
    opened = comments.comment_update(user=reviewer, comment_id=made.pk, resolved=False)
    assert opened.resolved_at is None


def test_a_viewer_says_nothing(case: Case) -> None:
    with pytest.raises(MedsegError) as refused:
        comments.comment_add(user=a_member(case.project, "viewer"), case=case, text="Hm.")
    assert refused.value.code == "not_permitted"
