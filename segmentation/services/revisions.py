"""Changing masks: each change is a new revision that names its parent; nothing is overwritten.

A change made on an older state than the newest is refused and kept beside the line, so that even a
collision loses nothing.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from segmentation.access import require
from segmentation.errors import (
    InvalidInputError,
    KeyReusedError,
    StaleRevisionError,
    StateRefusedError,
)
from segmentation.models import Case, CurrentFinding, MaskRevision, SegmentationRun
from segmentation.selectors.revisions import (
    State,
    head_answer,
    state_answer,
    state_at,
    state_current,
)
from segmentation.services.changes import (
    FindingRow,
    SliceRows,
    checked,
    require_moderate,
)
from segmentation.services.presence import pen_require
from segmentation.services.revision_line import (
    Step,
    append_on_line,
    case_locked,
    difference,
    keep_beside,
    limits_of,
)

EDITABLE = frozenset({Case.State.READY, Case.State.IN_PROGRESS, Case.State.RETURNED})

_CLOSED = {
    Case.State.IMPORTING: "This case is still being imported. It opens when that is done.",
    Case.State.QUARANTINED: "This case is held back. An administrator has to release it first.",
    Case.State.SUBMITTED: "This case is submitted. A reviewer can return it for more work.",
    Case.State.ACCEPTED: "This case is accepted. A reviewer can reopen it.",
    Case.State.WITHDRAWN: "This case was withdrawn and cannot be changed.",
}


@dataclass(frozen=True)
class Asked:
    """A person's change as it was sent."""

    operation: str
    slices: Sequence[SliceRows]
    findings: Sequence[FindingRow]
    sitting: uuid.UUID | None = None
    score_cutoff: float | None = None
    overlap_cutoff: float | None = None


@dataclass(frozen=True)
class Saved:
    """A revision on the line, and whether this call made it (else an earlier one with its key)."""

    revision: MaskRevision
    created: bool


def revision_append(
    *,
    user: User,
    case: Case,
    parent_id: uuid.UUID | None,
    key: str,
    asked: Asked,
    tab: uuid.UUID,
    fence: int | None = None,
) -> Saved:
    """Save one change of a person on the revision ``parent_id``, once for each ``key``.

    Raises ``StaleRevisionError`` after keeping the change beside the line when the case has moved
    on, ``NotHolderError`` when another tab holds the pen.
    """
    require(user, "case.edit", case.project)
    require_moderate(asked.slices, asked.findings)
    with transaction.atomic():
        case = case_locked(case)
        saved = _repeated(case, key, asked) or _save(case, user, parent_id, key, asked, tab, fence)
    if not saved.revision.on_head:
        raise stale(case, saved.revision)
    return saved


def require_editable(case: Case) -> None:
    """Refuse to change masks of a case in a state that forbids it."""
    if case.state not in EDITABLE:
        raise StateRefusedError(_CLOSED[Case.State(case.state)])


def revision_record_system(
    case: Case,
    kind: str,
    findings: Sequence[FindingRow],
    slices: Sequence[SliceRows],
    *,
    run: SegmentationRun | None = None,
    operation: str = "",
    author: User | None = None,
    replace_touched: bool = False,
) -> MaskRevision:
    """Write what an import or a prediction found, in one short transaction.

    A case that a person touched is left alone unless that person's request says otherwise.
    """
    with transaction.atomic():
        case = case_locked(case)
        if case.touched_at is not None and not replace_touched:
            raise StateRefusedError(
                "A person has worked on this case; its masks are not replaced silently."
            )
        change = checked(slices, findings, limits_of(case), _known(case, slices, findings))
        return append_on_line(
            case, Step(kind=kind, change=change, operation=operation, author=author, run=run)
        )


def revision_restore(
    *, user: User, case: Case, revision: MaskRevision, tab: uuid.UUID, key: str | None = None
) -> Saved:
    """Bring an earlier state back as a new revision; what came after it stays in the history."""
    require(user, "case.edit", case.project)
    if revision.case_id != case.pk:
        raise InvalidInputError("This revision belongs to another case.")
    target = state_at(revision)
    with transaction.atomic():
        case = case_locked(case)
        if key and (known := MaskRevision.objects.filter(case=case, idempotency_key=key).first()):
            return Saved(known, created=False)
        require_editable(case)
        pen_require(case, user, tab)
        change = difference(state_current(case), target)
        if case.head and not change.slices and not change.findings:
            return Saved(case.head, created=False)
        step = Step(
            kind=MaskRevision.Kind.EDITED,
            change=change,
            operation="restore",
            author=user,
            key=key,
        )
        return Saved(append_on_line(case, step), created=True)


def line_base(side: MaskRevision) -> MaskRevision | None:
    """The revision on the line that a side line starts from."""
    parent = side.parent
    while parent is not None and not parent.on_head:
        parent = parent.parent
    return parent


def stale(case: Case, side: MaskRevision) -> StaleRevisionError:
    """The refusal that tells both sides: what was kept, and what the line changed meanwhile."""
    base = state_at(line_base(side))
    head = state_current(case)
    theirs = difference(base, head)
    return StaleRevisionError(
        "Somebody else changed this case since you opened it. Your change is kept beside theirs; "
        "choose how to go on.",
        details={
            "head": head_answer(case.head),
            "kept": {"id": str(side.pk), "sequence": side.sequence},
            "theirs": _rows_answer(theirs.slices, theirs.findings),
        },
    )


def _rows_answer(
    slices: Iterable[SliceRows], findings: Iterable[FindingRow]
) -> dict[str, list[dict[str, Any]]]:
    told = state_answer(State({(row.finding, row.z): row.runs for row in slices}, {}))
    told["findings"] = [
        {"finding": row.finding, **({"removed": True} if row.fields is None else row.fields)}
        for row in findings
    ]
    return told


def _repeated(case: Case, key: str, asked: Asked) -> Saved | None:
    """What this key already brought; the same key with another content is a fault of the caller."""
    known = MaskRevision.objects.filter(case=case, idempotency_key=key).first()
    if known is None:
        return None
    places = {(row.finding, row.z) for row in asked.slices}
    numbers = {row.finding for row in asked.findings}
    if places != set(known.slices.values_list("finding", "z")) or numbers != set(
        known.findings.values_list("finding", flat=True)
    ):
        raise KeyReusedError("This idempotency key was used for another change.")
    return Saved(known, created=False)


def _save(
    case: Case,
    user: User,
    parent_id: uuid.UUID | None,
    key: str,
    asked: Asked,
    tab: uuid.UUID,
    fence: int | None,
) -> Saved:
    require_editable(case)
    if parent_id == case.head_id:
        pen_require(case, user, tab, fence)
        step = _step(case, user, key, asked, _known(case, asked.slices, asked.findings))
        return Saved(append_on_line(case, step), created=True)
    parent = _parent(case, parent_id)
    step = _step(case, user, key, asked, state_at(parent).findings)
    return Saved(keep_beside(case, step, parent), created=True)


def _step(
    case: Case, user: User, key: str, asked: Asked, known: Mapping[int, Mapping[str, Any]]
) -> Step:
    return Step(
        kind=MaskRevision.Kind.EDITED,
        change=checked(asked.slices, asked.findings, limits_of(case), known),
        operation=asked.operation,
        author=user,
        sitting=asked.sitting,
        key=key,
        score_cutoff=asked.score_cutoff,
        overlap_cutoff=asked.overlap_cutoff,
    )


def _known(
    case: Case, slices: Sequence[SliceRows], findings: Sequence[FindingRow]
) -> dict[int, Mapping[str, Any]]:
    """Those findings at the head that a change speaks of."""
    numbers = {row.finding for row in slices} | {row.finding for row in findings}
    rows = CurrentFinding.objects.filter(case=case, finding__gte=min(numbers, default=0))
    if len(numbers) <= 500:
        rows = rows.filter(finding__in=numbers)
    return dict(rows.values_list("finding", "fields"))


def _parent(case: Case, parent_id: uuid.UUID | None) -> MaskRevision | None:
    if parent_id is None:
        return None
    parent = MaskRevision.objects.filter(case=case, pk=parent_id).first()
    if parent is None:
        raise InvalidInputError("The change names a parent revision that this case does not have.")
    return parent
