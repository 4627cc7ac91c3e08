"""What happened to a case's masks: the line of revisions, sitting by sitting, and differences."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from typing import Any

from segmentation.access import Person, visible
from segmentation.engine import masks
from segmentation.errors import InvalidInputError
from segmentation.models import Case, MaskRevision
from segmentation.selectors.revisions import State, head_answer, state_at

ENTRIES = 50
ROWS_READ = 5_000
"""One page folds at most this many revisions; a sitting longer than that shows in two entries."""

_COLUMNS = (
    "id",
    "sequence",
    "kind",
    "operation",
    "author_id",
    "author__username",
    "author__first_name",
    "author__last_name",
    "sitting",
    "on_head",
    "parent_id",
    "created_at",
)


def case_history(*, user: Person, case_id: object, after: int | None = None) -> dict[str, Any]:
    """The newest entries first. One person's sitting is one entry; what lost a race stands alone.

    ``after`` is the sequence number that the page before ended with.
    """
    case = visible(user, Case, case_id)
    rows = MaskRevision.objects.filter(case=case).order_by("-sequence")
    if after is not None:
        rows = rows.filter(sequence__lt=after)
    read = list(rows.values(*_COLUMNS)[: ROWS_READ + 1])
    folded = list(_folded(read[:ROWS_READ]))
    page = folded[:ENTRIES]
    more = len(folded) > ENTRIES or len(read) > ROWS_READ
    return {
        "results": [entry for entry, _ in page],
        "next": str(page[-1][1]) if page and more else None,
        "previous": None,
    }


def _folded(rows: Iterable[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], int]]:
    """Entries with the lowest sequence number that each one holds."""
    entry: dict[str, Any] | None = None
    sitting: tuple[object, ...] | None = None
    lowest = 0
    for row in rows:
        own = (row["author_id"], row["sitting"], row["kind"])
        if entry and row["on_head"] and row["sitting"] and own == sitting:
            entry["count"] += 1
            entry["started_at"] = row["created_at"]
            lowest = row["sequence"]
            continue
        if entry:
            yield entry, lowest
        entry, lowest = _entry(row), row["sequence"]
        sitting = own if row["on_head"] else None
    if entry:
        yield entry, lowest


def _entry(row: dict[str, Any]) -> dict[str, Any]:
    author = {
        "user": row["author_id"],
        "username": row["author__username"],
        "full_name": f"{row['author__first_name'] or ''} {row['author__last_name'] or ''}".strip(),
    }
    return {
        "id": row["id"],
        "sequence": row["sequence"],
        "kind": row["kind"],
        "operation": row["operation"],
        "author": author if row["author_id"] else None,
        "created_at": row["created_at"],
        "started_at": row["created_at"],
        "count": 1,
        "on_head": row["on_head"],
        "parent": row["parent_id"],
    }


def case_diff(
    *, user: Person, case_id: object, before_id: object | None, after_id: object | None
) -> dict[str, Any]:
    """What lies between two revisions of a case; by default the last step."""
    case = visible(user, Case, case_id, "head")
    after = _of_case(user, case, after_id) if after_id else case.head
    before = _of_case(user, case, before_id) if before_id else after.parent if after else None
    first, second = state_at(before), state_at(after)
    places = sorted(first.slices.keys() | second.slices.keys())
    return {
        "from": head_answer(before),
        "to": head_answer(after),
        "slices": [
            _slice_diff(first, second, place)
            for place in places
            if first.slices.get(place) != second.slices.get(place)
        ],
        "findings": [
            {
                "finding": number,
                "before": first.findings.get(number),
                "after": second.findings.get(number),
            }
            for number in sorted(first.findings.keys() | second.findings.keys())
            if first.findings.get(number) != second.findings.get(number)
        ],
    }


def _of_case(user: Person, case: Case, revision_id: object) -> MaskRevision:
    revision = visible(user, MaskRevision, revision_id, "parent")
    if revision.case_id != case.pk:
        raise InvalidInputError("This revision belongs to another case.")
    return revision


def _slice_diff(first: State, second: State, place: tuple[int, int]) -> dict[str, Any]:
    before, after = first.slices.get(place, b""), second.slices.get(place, b"")
    old, new = masks.from_bytes(before), masks.from_bytes(after)
    return {
        "finding": place[0],
        "z": place[1],
        "added": masks.area(masks.subtract(new, old)),
        "removed": masks.area(masks.subtract(old, new)),
        "from_runs": base64.b64encode(before).decode(),
        "to_runs": base64.b64encode(after).decode(),
    }
