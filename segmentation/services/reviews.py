"""From work to verdict: submit, return, accept and reopen a case."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from segmentation.access import require
from segmentation.errors import ConflictError, InvalidInputError, NotHolderError, StateRefusedError
from segmentation.jobs.progress import publish_on_commit
from segmentation.models import Case, MaskRevision, Presence, Review
from segmentation.services.audit import event_record
from segmentation.services.changes import Change
from segmentation.services.presence import is_free
from segmentation.services.revision_line import Step, append_on_line, case_locked

State = Case.State
COMMENT_LENGTH_MAX = 5_000


@dataclass(frozen=True)
class Move:
    """From which states a step leads to which, who may take it, and what to say elsewhere."""

    verb: str
    start: frozenset[str]
    end: str
    refusal: str


SUBMIT = Move(
    "case.submit",
    frozenset({State.READY, State.IN_PROGRESS, State.RETURNED}),
    State.SUBMITTED,
    "Only a case that is being worked on can be submitted; this one is {}.",
)
RETURN = Move(
    "case.review",
    frozenset({State.SUBMITTED}),
    State.RETURNED,
    "Only a submitted case can be returned; this one is {}.",
)
ACCEPT = Move(
    "case.review",
    frozenset({State.SUBMITTED}),
    State.ACCEPTED,
    "Only a submitted case can be accepted; this one is {}.",
)
REOPEN = Move(
    "case.review",
    frozenset({State.SUBMITTED, State.ACCEPTED}),
    State.IN_PROGRESS,
    "Only a submitted or accepted case can be reopened; this one is {}.",
)
BRING_BACK = Move(
    "case.withdraw",
    frozenset({State.WITHDRAWN}),
    State.IN_PROGRESS,
    "Only a withdrawn case can be brought back; this one is {}.",
)


def case_submit(*, user: User, case: Case) -> Case:
    """Hand the case to a reviewer as it stands; nobody edits it until there is a verdict."""
    with transaction.atomic():
        case = _moving(case, user, SUBMIT)
        _require_pen_free(case, user)
        revision = case.head or _nothing_found(case, user)
        return _moved(case, user, SUBMIT, revision, Review.Verdict.SUBMITTED)


def case_return(*, user: User, case: Case, comment: str) -> Case:
    """Give the case back with a word on what is missing."""
    if not comment.strip():
        raise InvalidInputError(
            "Say what is missing, so that it can be mended.", fields={"comment": "Empty."}
        )
    with transaction.atomic():
        case = _moving(case, user, RETURN)
        return _moved(case, user, RETURN, _head(case), Review.Verdict.RETURNED, comment)


def case_accept(*, user: User, case: Case, revision_id: object | None = None) -> Case:
    """Accept exactly the revision at the head, which is what ``revision_id`` must name if given."""
    with transaction.atomic():
        case = _moving(case, user, ACCEPT)
        revision = _head(case)
        if revision_id is not None and str(revision_id) != str(revision.pk):
            raise ConflictError("The case changed since you looked at it. Load it again.")
        case.accepted_revision = revision
        return _moved(case, user, ACCEPT, revision, Review.Verdict.ACCEPTED)


def case_reopen(*, user: User, case: Case) -> Case:
    """Open a submitted, accepted or withdrawn case for work; its verdicts stay in the history."""
    move = BRING_BACK if case.state == State.WITHDRAWN else REOPEN
    with transaction.atomic():
        case = _moving(case, user, move)
        case.accepted_revision = None
        return _moved(case, user, move, case.head)


def _moving(case: Case, user: User, move: Move) -> Case:
    """The case, locked, if this person may take this step from the state it is in."""
    require(user, move.verb, case.project)
    case = case_locked(case)
    if case.state not in move.start:
        raise StateRefusedError(move.refusal.format(State(case.state).label))
    return case


def _moved(
    case: Case,
    user: User,
    move: Move,
    revision: MaskRevision | None,
    verdict: str = "",
    comment: str = "",
) -> Case:
    if len(comment) > COMMENT_LENGTH_MAX:
        raise InvalidInputError(f"A comment has at most {COMMENT_LENGTH_MAX} characters.")
    before, case.state = case.state, move.end
    case.save(update_fields=["state", "accepted_revision", "updated_at"])
    if verdict and revision is not None:
        Review.objects.create(
            case=case, revision=revision, author=user, verdict=verdict, comment=comment.strip()
        )
    subject: dict[str, Any] = {"from": before, "to": case.state}
    if revision is not None:
        subject |= {"revision": str(revision.pk), "digest": revision.digest}
    event_record(case, f"case.{case.state}", actor=user, subject=subject)
    _tell(case)
    return case


def _head(case: Case) -> MaskRevision:
    if case.head is None:
        raise StateRefusedError("This case has no masks yet that a verdict could be about.")
    return case.head


def _nothing_found(case: Case, user: User) -> MaskRevision:
    """That there is nothing to mark is a finding too: it gets a revision that says so."""
    step = Step(
        kind=MaskRevision.Kind.EDITED, change=Change(), operation="nothing_found", author=user
    )
    return append_on_line(case, step)


def _require_pen_free(case: Case, user: User) -> None:
    presence = Presence.objects.filter(case=case).select_related("holder").first()
    if presence is None or presence.holder_id == user.pk or is_free(presence, timezone.now()):
        return
    name = presence.holder.get_username() if presence.holder else ""
    raise NotHolderError(f"{name} is editing this case. Take over before you submit it.")


def _tell(case: Case) -> None:
    publish_on_commit(
        "case",
        {"id": str(case.pk), "state": str(case.state), "head": _text(case.head_id)},
        project=case.project_id,
        case=case.pk,
    )


def _text(value: object | None) -> str | None:
    return None if value is None else str(value)
