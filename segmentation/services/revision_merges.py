"""What to do with a change that lost a race: merge it where it touches nothing else, or choose."""

from __future__ import annotations

import uuid
from dataclasses import replace

from django.contrib.auth.models import User
from django.db import transaction

from segmentation.access import require
from segmentation.errors import InvalidInputError, MergeOverlapError
from segmentation.models import Case, MaskRevision
from segmentation.selectors.revisions import State, finding_next, state_at, state_current
from segmentation.services.changes import Change, FindingRow, SliceRows
from segmentation.services.presence import pen_require
from segmentation.services.revision_line import Step, append_on_line, case_locked, difference
from segmentation.services.revisions import Saved, line_base, require_editable


def revision_merge(
    *,
    user: User,
    case: Case,
    side: MaskRevision,
    take: str,
    tab: uuid.UUID,
    key: str | None = None,
) -> Saved:
    """Bring a revision that was kept beside the line onto it.

    ``take`` is ``both`` (refused where the two sides touch the same slices or findings, which are
    listed) or ``mine`` (the kept side's rows win). A finding that both sides made anew under one
    number gets a new number.
    """
    require(user, "case.edit", case.project)
    if side.case_id != case.pk or side.on_head:
        raise InvalidInputError("Only a change that was kept beside the line can be merged.")
    before, kept = state_at(line_base(side)), state_at(side)
    with transaction.atomic():
        case = case_locked(case)
        if key and (known := MaskRevision.objects.filter(case=case, idempotency_key=key).first()):
            return Saved(known, created=False)
        require_editable(case)
        pen_require(case, user, tab)
        head = state_current(case)
        mine = _renumbered(case, before, head, difference(before, kept))
        if take == "both":
            _require_disjoint(mine, difference(before, head))
        else:
            mine = _revived(mine, kept, head)
        step = Step(
            kind=MaskRevision.Kind.MERGED,
            change=mine,
            operation=f"take_{take}",
            author=user,
            key=key,
        )
        return Saved(append_on_line(case, step), created=True)


def _renumbered(case: Case, before: State, head: State, mine: Change) -> Change:
    """Give findings that only the kept side made other numbers than the head's new ones."""
    made = {row.finding for row in mine.findings} - before.findings.keys()
    taken = sorted(made & head.findings.keys())
    if not taken:
        return mine
    free = max(finding_next(case), max(made) + 1)
    numbers = dict(zip(taken, range(free, free + len(taken)), strict=True))
    return Change(
        tuple(replace(row, finding=numbers.get(row.finding, row.finding)) for row in mine.slices),
        tuple(replace(row, finding=numbers.get(row.finding, row.finding)) for row in mine.findings),
    )


def _require_disjoint(mine: Change, theirs: Change) -> None:
    places = _places(mine) & _places(theirs)
    numbers = {row.finding for row in mine.findings} & {row.finding for row in theirs.findings}
    numbers |= {number for number, _ in _places(mine)} & theirs.removed
    numbers |= {number for number, _ in _places(theirs)} & mine.removed
    if places or numbers:
        raise MergeOverlapError(
            "Both changes touch the same findings. Choose yours or theirs.",
            details={
                "slices": [{"finding": number, "z": z} for number, z in sorted(places)],
                "findings": sorted(numbers),
            },
        )


def _places(change: Change) -> set[tuple[int, int]]:
    return {(row.finding, row.z) for row in change.slices}


def _revived(mine: Change, kept: State, head: State) -> Change:
    """A finding that the head removed comes back whole when the kept side still works on it."""
    said = {row.finding for row in mine.findings}
    gone = {
        row.finding
        for row in mine.slices
        if row.finding in kept.findings and row.finding not in head.findings.keys() | said
    }
    back = tuple(FindingRow(number, kept.findings[number]) for number in sorted(gone))
    whole = [
        SliceRows(number, z, runs)
        for (number, z), runs in sorted(kept.slices.items())
        if number in gone
    ]
    rest = [row for row in mine.slices if row.finding not in gone]
    removed_already = mine.removed - head.findings.keys()
    findings = tuple(row for row in mine.findings if row.finding not in removed_already)
    return Change((*rest, *whole), (*findings, *back))
