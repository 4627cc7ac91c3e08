"""Reading cases: the worklist, the next one to work on, and one of them whole."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Count, Exists, OuterRef, QuerySet, Value
from django.db.models.functions import Lower
from django.utils import timezone

from segmentation.access import scoped, verbs_of, visible
from segmentation.errors import InvalidInputError, NotFoundError
from segmentation.models import (
    EMPTY_STATES,
    REVIEWED,
    Assignment,
    Case,
    CurrentFinding,
    Image,
    Job,
    Presence,
    Project,
)
from segmentation.selectors.people import person_ref

ORDERS: dict[str, tuple[str, ...]] = {
    "number": ("number",),
    "uncertainty": ("-attention", "-number"),
    "updated": ("-updated_at", "-number"),
    "state": ("state", "number"),
}
COLUMNS = (
    "id",
    "number",
    "title",
    "state",
    "kind",
    "site",
    "group",
    "is_holdout",
    "is_drawn",
    "uncertainty",
    "attention",
    "touched_at",
    "updated_at",
)
JOB_COLUMNS = ("id", "kind", "state", "progress", "message", "cause")
Rows = QuerySet[Case, dict[str, Any]]
WORKABLE = (Case.State.READY, Case.State.IN_PROGRESS, Case.State.RETURNED)


@dataclass(frozen=True)
class CaseFilter:
    """What a worklist shows. Empty means all."""

    states: tuple[str, ...] = ()
    kind: str = ""
    words: str = ""
    mine: bool = False
    unassigned: bool = False
    keys: tuple[uuid.UUID, ...] = ()


def cases_listed(*, user: User, project: Project, wanted: CaseFilter) -> Rows:
    """The rows of a worklist, without order; ``case_rows`` makes answers of a page of them."""
    cases = scoped(user, Case).filter(project=project)
    if unknown := set(wanted.states) - set(Case.State.values):
        raise InvalidInputError(
            f"There is no state {sorted(unknown)[0]!r}.", fields={"state": "Unknown."}
        )
    if wanted.keys:
        cases = cases.filter(pk__in=wanted.keys)
    elif wanted.states:
        cases = cases.filter(state__in=wanted.states)
    else:
        cases = cases.exclude(state=Case.State.WITHDRAWN)
    if wanted.kind:
        cases = cases.filter(kind=wanted.kind)
    if wanted.words:
        cases = _matching(cases, wanted.words.strip())
    assigned = Assignment.objects.filter(case=OuterRef("pk"))
    if wanted.mine:
        cases = cases.filter(Exists(assigned.filter(user=user)))
    if wanted.unassigned:
        cases = cases.filter(~Exists(assigned))
    rows: Rows = cases.values(*COLUMNS)
    return rows


def case_rows(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The answers for one page: what else there is to say of its cases, in one query each."""
    keys = [row["id"] for row in rows]
    (images, series), assignees = _images(keys), _assignees(keys)
    jobs, holders, findings = _jobs(keys), _holders(keys), _findings(keys)
    answers = []
    for row in rows:
        key, image = row["id"], images.get(row["id"])
        answers.append(
            {
                **{name: row[name] for name in COLUMNS if name not in {"attention", "touched_at"}},
                "touched": row["touched_at"] is not None,
                "image": image["id"] if image else None,
                "has_thumbnail": bool(image and image["thumbnail_id"]),
                "size": [image["size_z"], image["size_y"], image["size_x"]] if image else None,
                "modality": image["modality"] if image else "",
                "series": series.get(key, 0),
                "assignees": assignees.get(key, []),
                "findings": findings.get(key, 0),
                "job": jobs.get(key),
                "holder": holders.get(key),
            }
        )
    return answers


def case_row(*, user: User, case_id: uuid.UUID) -> dict[str, Any]:
    """One case as the worklist shows it."""
    rows = list(scoped(user, Case).filter(pk=case_id).values(*COLUMNS))
    if not rows:
        raise NotFoundError("There is no such case, or it is not yours to see.")
    return case_rows(rows)[0]


def case_get(*, user: User, case_id: object) -> Case:
    """One case that this person may see."""
    return visible(user, Case, case_id, "project", "head")


def case_next(
    *, user: User, project: Project, after: uuid.UUID | None = None, order: str = "number"
) -> uuid.UUID | None:
    """The case to go on with: one's own first, then nobody's; submitted ones for a reviewer.

    Cases that somebody else holds right now are passed over. In the order of numbers it is the
    one that follows ``after``, and the first again after the last.
    """
    verbs = verbs_of(user, project)
    states = list(WORKABLE) if "case.edit" in verbs else []
    if "case.review" in verbs:
        states.append(Case.State.SUBMITTED)
    held = Presence.objects.filter(case=OuterRef("pk"), expires_at__gt=timezone.now())
    cases = (
        scoped(user, Case)
        .filter(project=project, state__in=states)
        .filter(~Exists(held.exclude(holder=user).exclude(holder=None)))
        .order_by(*ORDERS[order])
    )
    last = None
    if after is not None:
        cases = cases.exclude(pk=after)
        last = scoped(user, Case).filter(pk=after).values_list("number", flat=True).first()
    assigned = Assignment.objects.filter(case=OuterRef("pk"))
    for mine in (Exists(assigned.filter(user=user)), ~Exists(assigned)):
        found = cases.filter(mine).values_list("pk", flat=True)
        if order == "number" and last is not None:
            key = found.filter(number__gt=last).first() or found.first()
        else:
            key = found.first()
        if key is not None:
            return key
    return None


def job_brief(job: Mapping[str, Any]) -> dict[str, Any]:
    """A job (its ``JOB_COLUMNS``) as its case shows it."""
    return {
        "id": job["id"],
        "kind": job["kind"],
        "state": job["state"],
        "progress": job["progress"],
        "message": job["cause"] or job["message"],
    }


def _matching(cases: QuerySet[Case], words: str) -> QuerySet[Case]:
    """A number finds its case, if there is one; other words are looked for in title and group."""
    number = words.lstrip("#")
    if number.isascii() and number.isdigit() and len(number) < 10:
        found = cases.filter(number=int(number))
        if found.exists():
            return found
    return cases.filter(words__contains=Lower(Value(words)))


def _images(
    keys: Iterable[uuid.UUID],
) -> tuple[dict[uuid.UUID, dict[str, Any]], Counter[uuid.UUID]]:
    """The reference of each case, and how many images it has."""
    columns = ("case_id", "id", "thumbnail_id", "size_z", "size_y", "size_x", "modality")
    found = list(Image.objects.filter(case__in=keys).values("is_reference", *columns))
    references = {row["case_id"]: row for row in found if row["is_reference"]}
    return references, Counter(row["case_id"] for row in found)


def _assignees(keys: Iterable[uuid.UUID]) -> dict[uuid.UUID, list[Any]]:
    answer: dict[uuid.UUID, list[Any]] = {}
    for row in Assignment.objects.filter(case__in=keys).select_related("user").order_by("pk"):
        answer.setdefault(row.case_id, []).append(person_ref(row.user))
    return answer


def _jobs(keys: Iterable[uuid.UUID]) -> dict[uuid.UUID, dict[str, Any]]:
    """The newest job of each case, unless it went well: that shows in the case itself."""
    rows = Job.objects.filter(case__in=keys).order_by("created_at")
    newest = {row["case_id"]: row for row in rows.values("case_id", *JOB_COLUMNS)}
    return {
        key: job_brief(row) for key, row in newest.items() if row["state"] != Job.State.SUCCEEDED
    }


def _holders(keys: Iterable[uuid.UUID]) -> dict[uuid.UUID, Any]:
    now = timezone.now()
    held = Presence.objects.filter(case__in=keys, expires_at__gt=now).select_related("holder")
    return {row.case_id: person_ref(row.holder) for row in held if row.holder is not None}


def _findings(keys: Iterable[uuid.UUID]) -> dict[uuid.UUID, int]:
    """How many findings a reader would count: neither rejected nor suppressed."""
    found = CurrentFinding.objects.filter(case__in=keys).exclude(finding=REVIEWED)
    counting = found.exclude(fields__state__in=sorted(EMPTY_STATES))
    return dict(counting.values_list("case_id").annotate(count=Count("pk")))
