"""The line of a case's revisions, and the side lines of what lost a race: how a step is written.

Everything here belongs into a transaction that holds the case's row (``case_locked``).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from segmentation.engine import masks
from segmentation.errors import StaleRevisionError
from segmentation.jobs.progress import publish_on_commit
from segmentation.models import (
    Blob,
    Case,
    CurrentFinding,
    CurrentSlice,
    FindingChange,
    Label,
    MaskRevision,
    SegmentationRun,
    SliceChange,
)
from segmentation.selectors.revisions import Place, State, grid_tzyx, pack, state_at
from segmentation.services.audit import event_record
from segmentation.services.changes import Change, FindingRow, Limits, SliceRows
from segmentation.services.digests import finding_digest, state_digest
from segmentation.storage.blobs import blob_put

SNAPSHOT_EVERY = 200
REMOVED = {"removed": True}
READ_ROWS = 5_000
REMEMBERED = 8
"""How many revisions' digests a process keeps: about 1 MB for a case of 2,000 findings."""


@dataclass(frozen=True)
class Step:
    """One revision to be: what changes, by whom, as part of what."""

    kind: str
    change: Change
    operation: str = ""
    author: User | None = None
    run: SegmentationRun | None = None
    sitting: uuid.UUID | None = None
    key: str | None = None
    score_cutoff: float | None = None
    overlap_cutoff: float | None = None

    @property
    def by_person(self) -> bool:
        return self.kind in {MaskRevision.Kind.EDITED, MaskRevision.Kind.MERGED}


@dataclass(frozen=True)
class StateDigests:
    """The digests of every slice and finding of a state; never changed once made."""

    slices: dict[Place, str]
    findings: dict[int, str]

    def after(self, change: Change) -> StateDigests:
        """The digests once a change is made."""
        removed = change.removed
        slices = (
            {place: digest for place, digest in self.slices.items() if place[0] not in removed}
            if removed
            else dict(self.slices)
        )
        findings = dict(self.findings)
        for row in change.findings:
            if row.fields is None:
                findings.pop(row.finding, None)
            else:
                findings[row.finding] = finding_digest(row.fields)
        for rows in change.slices:
            if rows.runs:
                slices[rows.finding, rows.z] = masks.slice_digest(rows.runs)
            else:
                slices.pop((rows.finding, rows.z), None)
        return StateDigests(slices, findings)


_remembered: dict[uuid.UUID | None, StateDigests] = {}


def case_locked(case: Case) -> Case:
    """The case's row as it is now, kept from every other writer until the transaction ends."""
    return Case.objects.select_for_update(of=("self",)).select_related("project").get(pk=case.pk)


def limits_of(case: Case) -> Limits:
    """What masks of this case may be."""
    labels = Label.objects.filter(project_id=case.project_id).values_list("index", flat=True)
    moments, *zyx = grid_tzyx(case)
    return Limits((zyx[0], zyx[1], zyx[2]), frozenset(labels), moments)


def append_on_line(case: Case, step: Step) -> MaskRevision:
    """Write a step on the head of the case and move the head to it."""
    digest, digests = _digest_after(case, step)
    revision = _insert(case, step, case.head_id, on_head=True, digest=digest)
    _remember(revision, digests)
    rows = _insert_rows(revision, step.change)
    _unfold(case, step.change, rows)
    _move_head(case, step, revision)
    event_record(
        case,
        f"revision.{step.kind}",
        actor=step.author,
        subject={
            "revision": str(revision.pk),
            "sequence": revision.sequence,
            "digest": revision.digest,
            "operation": step.operation,
        },
    )
    publish_on_commit(
        "case",
        {"id": str(case.pk), "state": str(case.state), "head": str(revision.pk)},
        project=case.project_id,
        case=case.pk,
    )
    if revision.sequence % SNAPSHOT_EVERY == 0:
        transaction.on_commit(lambda: snapshot_make(revision), robust=True)
    return revision


def keep_beside(case: Case, step: Step, parent: MaskRevision | None) -> MaskRevision:
    """Write a step beside the line, on the older state it was made on."""
    state = state_at(parent)
    apply_change(state, step.change)
    digest = digest_of(state)
    revision = _insert(case, step, parent.pk if parent else None, on_head=False, digest=digest)
    _insert_rows(revision, step.change)
    event_record(
        case,
        "revision.kept_beside",
        actor=step.author,
        subject={"revision": str(revision.pk), "digest": digest},
    )
    return revision


def apply_change(state: State, change: Change) -> None:
    """What ``append_on_line`` does to the state, on a state in memory."""
    state.apply(
        [(row.finding, row.z, row.runs) for row in change.slices],
        [(row.finding, REMOVED if row.fields is None else row.fields) for row in change.findings],
    )


def digest_of(state: State) -> str:
    """The root digest of a state in memory."""
    return state_digest(
        [(number, z, masks.slice_digest(runs)) for (number, z), runs in state.slices.items()],
        [(number, finding_digest(fields)) for number, fields in state.findings.items()],
    )


def snapshot_make(revision: MaskRevision) -> Blob:
    """Pack the state after a revision, so that older history need not be folded again."""
    blob = blob_put(pack(state_at(revision)), Blob.Kind.SNAPSHOT)
    MaskRevision.objects.filter(pk=revision.pk).update(snapshot=blob)
    return blob


def _digest_after(case: Case, step: Step) -> tuple[str, StateDigests]:
    """The root digest once the step is taken, from the digests that stand at the head."""
    standing = _remembered.get(case.head_id) or _standing(case)
    after = standing.after(step.change)
    slices = ((number, z, digest) for (number, z), digest in after.slices.items())
    return state_digest(slices, after.findings.items()), after


def _standing(case: Case) -> StateDigests:
    slices = CurrentSlice.objects.filter(case=case).values_list("finding", "z", "digest")
    findings = CurrentFinding.objects.filter(case=case).values_list("finding", "digest")
    return StateDigests(
        {(number, z): digest for number, z, digest in slices.iterator(READ_ROWS)},
        dict(findings.iterator(READ_ROWS)),
    )


def _remember(revision: MaskRevision, digests: StateDigests) -> None:
    """A person's next stroke mostly lands on the last; a revision's digests never change."""
    _remembered[revision.pk] = digests
    while len(_remembered) > REMEMBERED:
        _remembered.pop(next(iter(_remembered)), None)


def _insert(
    case: Case, step: Step, parent_id: uuid.UUID | None, *, on_head: bool, digest: str
) -> MaskRevision:
    last = MaskRevision.objects.filter(case=case).order_by("-sequence").values_list("sequence")
    return MaskRevision.objects.create(
        case=case,
        sequence=next((sequence for (sequence,) in last[:1]), 0) + 1,
        parent_id=parent_id,
        kind=step.kind,
        operation=step.operation,
        author=step.author,
        run=step.run,
        sitting=step.sitting,
        idempotency_key=step.key,
        on_head=on_head,
        digest=digest,
        project_version=case.project.version,
    )


def _insert_rows(revision: MaskRevision, change: Change) -> list[SliceChange]:
    FindingChange.objects.bulk_create(
        FindingChange(
            revision=revision,
            finding=row.finding,
            fields=REMOVED if row.fields is None else dict(row.fields),
        )
        for row in change.findings
    )
    return SliceChange.objects.bulk_create(
        SliceChange(
            revision=revision,
            finding=row.finding,
            z=row.z,
            runs=row.runs,
            digest=masks.slice_digest(row.runs),
        )
        for row in change.slices
    )


def _unfold(case: Case, change: Change, rows: Iterable[SliceChange]) -> None:
    """Bring the tables of the current state to the step's outcome."""
    if change.removed:
        CurrentFinding.objects.filter(case=case, finding__in=change.removed).delete()
        CurrentSlice.objects.filter(case=case, finding__in=change.removed).delete()
    for erased in (row for row in rows if not row.runs):
        CurrentSlice.objects.filter(case=case, finding=erased.finding, z=erased.z).delete()
    CurrentSlice.objects.bulk_create(
        (
            CurrentSlice(case=case, finding=row.finding, z=row.z, change=row, digest=row.digest)
            for row in rows
            if row.runs
        ),
        update_conflicts=True,
        unique_fields=["case", "finding", "z"],
        update_fields=["change", "digest"],
    )
    CurrentFinding.objects.bulk_create(
        (_current(case, row) for row in change.findings if row.fields is not None),
        update_conflicts=True,
        unique_fields=["case", "finding"],
        update_fields=["fields", "digest"],
    )


def _current(case: Case, row: FindingRow) -> CurrentFinding:
    fields = dict(row.fields or {})
    return CurrentFinding(
        case=case, finding=row.finding, fields=fields, digest=finding_digest(fields)
    )


def _move_head(case: Case, step: Step, revision: MaskRevision) -> None:
    """Compare and swap: exactly one row must still stand on the parent."""
    now = timezone.now()
    moved: dict[str, Any] = {"head": revision, "updated_at": now}
    if step.by_person:
        moved["touched_at"] = case.touched_at or now
        if case.state == Case.State.READY:
            moved["state"] = Case.State.IN_PROGRESS
    if step.score_cutoff is not None:
        moved["score_cutoff"] = step.score_cutoff
    if step.overlap_cutoff is not None:
        moved["overlap_cutoff"] = step.overlap_cutoff
    standing = Case.objects.filter(pk=case.pk)
    standing = (
        standing.filter(head=case.head_id) if case.head_id else standing.filter(head__isnull=True)
    )
    if standing.update(**moved) != 1:
        raise StaleRevisionError("Somebody else changed this case at the same moment. Try again.")
    for name, value in moved.items():
        setattr(case, name, value)


def difference(before: State, after: State) -> Change:
    """The step that leads from one state to another."""
    removed = before.findings.keys() - after.findings.keys()
    findings = [FindingRow(number, None) for number in sorted(removed)]
    findings += [
        FindingRow(number, fields)
        for number, fields in sorted(after.findings.items())
        if before.findings.get(number) != fields
    ]
    places = sorted(before.slices.keys() | after.slices.keys())
    slices = [
        SliceRows(number, z, after.slices.get((number, z), b""))
        for number, z in places
        if number not in removed and before.slices.get((number, z)) != after.slices.get((number, z))
    ]
    return Change(tuple(slices), tuple(findings))
