"""Reading masks: the state at the head, at any revision, and what lies between two of them."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import zstandard
from django.db.models import Max, Q

from segmentation.access import Person, visible
from segmentation.engine import masks
from segmentation.errors import NotFoundError
from segmentation.models import (
    Case,
    CurrentFinding,
    CurrentSlice,
    FindingChange,
    Image,
    MaskRevision,
    SegmentationRun,
    SliceChange,
)
from segmentation.storage.blobs import blob_read

READ_AGAIN = 5
"""How often to read the head again when a save came in between, before asking the history."""

Place = tuple[int, int]
"""A finding's number and the number of a plane (see ``engine.geometry``)."""


@dataclass
class State:
    """All masks and findings of a case at one moment. Erased slices are not in it."""

    slices: dict[Place, bytes] = field(default_factory=dict)
    findings: dict[int, dict[str, Any]] = field(default_factory=dict)

    def apply(
        self,
        slices: Iterable[tuple[int, int, bytes]],
        findings: Iterable[tuple[int, Mapping[str, Any]]],
    ) -> None:
        """Take one revision's step: findings first, a removed one loses its slices with it."""
        for number, fields in findings:
            if not fields.get("removed"):
                self.findings[number] = dict(fields)
                continue
            self.findings.pop(number, None)
            for place in [place for place in self.slices if place[0] == number]:
                del self.slices[place]
        for number, z, runs in slices:
            if runs:
                self.slices[number, z] = runs
            else:
                self.slices.pop((number, z), None)


def pack(state: State) -> bytes:
    """A state as a snapshot's bytes: JSON, compressed."""
    told = {
        "slices": [
            [number, z, base64.b64encode(runs).decode()]
            for (number, z), runs in sorted(state.slices.items())
        ],
        "findings": sorted(state.findings.items()),
    }
    return zstandard.compress(json.dumps(told).encode(), 3)


def unpack(packed: bytes) -> State:
    """The state that ``pack`` wrote."""
    told = json.loads(zstandard.decompress(packed))
    return State(
        {(number, z): base64.b64decode(runs) for number, z, runs in told["slices"]},
        dict(told["findings"]),
    )


def grid_tzyx(case: Case) -> tuple[int, int, int, int]:
    """The moments and the size of the case's reference grid."""
    size = (
        Image.objects.filter(case=case)
        .order_by("-is_reference", "created_at")
        .values_list("size_t", "size_z", "size_y", "size_x")
        .first()
    )
    if size is None:
        raise NotFoundError("This case has no image yet.")
    return size


def state_current(case: Case) -> State:
    """The state at the head, read from the unfolded tables."""
    slices = CurrentSlice.objects.filter(case=case).values_list("finding", "z", "change__runs")
    findings = CurrentFinding.objects.filter(case=case).values_list("finding", "fields")
    return State({(number, z): bytes(runs) for number, z, runs in slices}, dict(findings))


def state_at(revision: MaskRevision | None) -> State:
    """The state right after a revision, on the line or beside it; None is before the first."""
    if revision is None:
        return State()
    if revision.on_head:
        return _state_on_line(revision)
    state = state_at(revision.parent)
    _step(state, revision)
    return state


def _state_on_line(revision: MaskRevision) -> State:
    """From the nearest snapshot, or the start, fold the steps in between."""
    line = MaskRevision.objects.filter(
        case_id=revision.case_id, on_head=True, sequence__lte=revision.sequence
    )
    packed = line.filter(snapshot__isnull=False).order_by("-sequence").first()
    state = unpack(blob_read(packed.snapshot_id)) if packed and packed.snapshot_id else State()
    steps = line.filter(sequence__gt=packed.sequence) if packed else line
    slices: dict[int, list[tuple[int, int, bytes]]] = {}
    findings: dict[int, list[tuple[int, Mapping[str, Any]]]] = {}
    inside = Q(revision__in=steps.values("pk"))
    for at, number, z, runs in SliceChange.objects.filter(inside).values_list(
        "revision__sequence", "finding", "z", "runs"
    ):
        slices.setdefault(at, []).append((number, z, bytes(runs)))
    for at, number, fields in FindingChange.objects.filter(inside).values_list(
        "revision__sequence", "finding", "fields"
    ):
        findings.setdefault(at, []).append((number, fields))
    for at in sorted(slices.keys() | findings.keys()):
        state.apply(slices.get(at, []), findings.get(at, []))
    return state


def _step(state: State, revision: MaskRevision) -> None:
    state.apply(
        [
            (number, z, bytes(runs))
            for number, z, runs in revision.slices.values_list("finding", "z", "runs")
        ],
        list(revision.findings.values_list("finding", "fields")),
    )


def places_between(base: MaskRevision | None, case: Case) -> tuple[set[Place], set[int]]:
    """Which slices and which findings the line touched after ``base``."""
    line = Q(revision__case=case, revision__on_head=True)
    if base is not None:
        line &= Q(revision__sequence__gt=base.sequence)
    slices = SliceChange.objects.filter(line).values_list("finding", "z")
    return set(slices), set(FindingChange.objects.filter(line).values_list("finding", flat=True))


def finding_next(case: Case) -> int:
    """The lowest number that no finding of this case has, had, or may get from a candidate."""
    used = FindingChange.objects.filter(revision__case=case).aggregate(top=Max("finding"))["top"]
    reserved = [
        base + count
        for base, count in SegmentationRun.objects.filter(case=case).values_list(
            "finding_base", "candidate_count"
        )
    ]
    return max([used or 0, *reserved]) + 1


def slice_answer(number: int, z: int, runs: bytes) -> dict[str, Any]:
    """One slice as it goes over the wire."""
    return {
        "finding": number,
        "z": z,
        "runs": base64.b64encode(runs).decode(),
        "digest": masks.slice_digest(runs),
    }


def state_answer(state: State) -> dict[str, Any]:
    """A state as it goes over the wire, in the order of findings and slices."""
    return {
        "findings": [{"finding": n, **fields} for n, fields in sorted(state.findings.items())],
        "slices": [slice_answer(n, z, runs) for (n, z), runs in sorted(state.slices.items())],
    }


def head_answer(revision: MaskRevision | None) -> dict[str, Any] | None:
    """How a case names the revision at its head."""
    if revision is None:
        return None
    return {"id": str(revision.pk), "sequence": revision.sequence, "digest": revision.digest}


def case_state(*, user: Person, case_id: object) -> dict[str, Any]:
    """The whole current state of a case, with the head it belongs to."""
    case = visible(user, Case, case_id, "head")
    for _ in range(READ_AGAIN):
        state = state_current(case)
        seen, case = case.head_id, visible(user, Case, case_id, "head")
        if case.head_id == seen:
            break
    else:
        state = state_at(case.head)
    return {
        "head": head_answer(case.head),
        "next_finding": finding_next(case),
        **state_answer(state),
    }


def revision_state(*, user: Person, revision_id: object) -> dict[str, Any]:
    """The whole state right after one revision."""
    revision = visible(user, MaskRevision, revision_id, "parent")
    return {"head": head_answer(revision), **state_answer(state_at(revision))}


def case_get(*, user: Person, case_id: object) -> Case:
    """A case that this person may see, with its project."""
    return visible(user, Case, case_id, "project", "head")


def revision_get(*, user: Person, revision_id: object) -> MaskRevision:
    """A revision of a case that this person may see."""
    return visible(user, MaskRevision, revision_id, "case__project", "parent")


def saved_answer(revision: MaskRevision) -> dict[str, Any]:
    """What a save is answered with: the digests let the page check what arrived."""
    rows = revision.slices.order_by("finding", "z").values_list("finding", "z", "digest")
    return {
        "id": revision.pk,
        "sequence": revision.sequence,
        "digest": revision.digest,
        "parent": revision.parent_id,
        "accepted": [{"finding": n, "z": z, "digest": digest} for n, z, digest in rows],
    }
