"""One checker for everything that must hold: blobs, masks and their history, audit, learning, jobs.

Read-only. Each problem is one sentence with what it concerns, so that an empty list is the proof.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import timedelta
from itertools import groupby

import zstandard
from django.db.models import Q
from django.utils import timezone

from segmentation.engine import masks
from segmentation.errors import StorageDamagedError
from segmentation.models import (
    AuditEvent,
    Blob,
    Case,
    CurrentFinding,
    CurrentSlice,
    Image,
    Job,
    MaskRevision,
    NetworkVersion,
    SiteAnchor,
    SliceChange,
    TrainingSet,
)
from segmentation.selectors.revisions import State, state_at, state_current, unpack
from segmentation.services.audit import anchor_hash, event_hash
from segmentation.services.digests import finding_digest, json_digest
from segmentation.services.revision_line import digest_of
from segmentation.storage.blobs import blob_open, blob_read_whole
from segmentation.storage.volumes import pack_digest

PIECE_BYTES = 1 << 20
LEASES_MISSED = timedelta(minutes=1)
UNREADABLE = (zstandard.ZstdError, ValueError, LookupError, TypeError)
"""What reading bytes raises that are not what was written."""


@dataclass(frozen=True)
class Problem:
    """What is wrong, with which row; ``area`` groups problems for a reader."""

    area: str
    subject: str
    sentence: str


@dataclass(frozen=True)
class Verification:
    """What was looked at and what was found."""

    checked: dict[str, int]
    problems: tuple[Problem, ...]

    def as_json(self) -> dict[str, object]:
        return {
            "checked": self.checked,
            "problems": [asdict(problem) for problem in self.problems],
            "clean": not self.problems,
        }


Checker = Callable[[dict[str, int]], Iterator[Problem]]


def verify(say: Callable[[str], None] = lambda line: None) -> Verification:
    """Run every check; ``say`` hears which one is running."""
    checked: dict[str, int] = {}
    problems: list[Problem] = []
    for area, checker in CHECKERS.items():
        say(f"{area} …")
        problems += checker(checked)
    return Verification(checked, tuple(problems))


def _blobs(checked: dict[str, int]) -> Iterator[Problem]:
    checked["blobs"] = 0
    for blob in Blob.objects.iterator():
        checked["blobs"] += 1
        try:
            length, digest = _measured(blob.sha256)
        except StorageDamagedError as error:
            yield Problem("blobs", blob.sha256, error.message)
            continue
        if (length, digest) != (blob.length_bytes, blob.sha256):
            yield Problem("blobs", blob.sha256, f"The stored {blob.kind} is not what was written.")


def _measured(sha256: str) -> tuple[int, str]:
    seen, length = hashlib.sha256(), 0
    with blob_open(sha256) as file:
        while piece := file.read(PIECE_BYTES):
            seen.update(piece)
            length += len(piece)
    return length, seen.hexdigest()


def _images(checked: dict[str, int]) -> Iterator[Problem]:
    checked["images"] = 0
    for image in Image.objects.iterator():
        checked["images"] += 1
        try:
            if pack_digest(image.pack_id) != image.pixel_digest:
                yield Problem("images", str(image.id), "The pixels are not the imported ones.")
        except StorageDamagedError as error:
            yield Problem("images", str(image.id), error.message)
        except UNREADABLE:
            yield Problem("images", str(image.id), "The stored pixels cannot be read.")
    referred = Image.objects.filter(is_reference=True).values("case")
    for case in Case.objects.exclude(images=None).exclude(pk__in=referred).iterator():
        yield Problem("images", f"case {case.id}", "None of its images is the reference.")


def _revisions(checked: dict[str, int]) -> Iterator[Problem]:
    checked["revisions"] = 0
    begun = MaskRevision.objects.values("case")
    for case in Case.objects.filter(Q(pk__in=begun) | Q(head__isnull=False)).iterator():
        yield from _line(case, checked)


def _line(case: Case, checked: dict[str, int]) -> Iterator[Problem]:
    """Fold a case's line from its first step and hold every digest, parent and copy to it."""
    name = f"case {case.id}"
    state, before = State(), None
    for revision in _steps(case, on_head=True):
        checked["revisions"] += 1
        if revision.parent_id != (before.pk if before else None):
            yield Problem("revisions", name, f"Revision {revision.sequence} has another parent.")
        yield from _fold(state, revision, name)
        before = revision
    if before is None or case.head_id != before.pk:
        yield Problem("revisions", name, "The head is not the newest revision of its line.")
    if state_current(case) != state:
        yield Problem("revisions", name, "The current state is not what its history gives.")
    yield from _copies(case, name)
    yield from _beside(case, name, checked)


def _fold(state: State, revision: MaskRevision, name: str) -> Iterator[Problem]:
    changes = list(revision.slices.all())
    yield from _rows(changes, name, revision.sequence)
    state.apply(
        [(change.finding, change.z, bytes(change.runs)) for change in changes],
        [(change.finding, change.fields) for change in revision.findings.all()],
    )
    if digest_of(state) != revision.digest:
        yield Problem("revisions", name, f"Revision {revision.sequence} has another digest.")
    if revision.snapshot_id:
        yield from _snapshot(state, revision, name)


def _snapshot(state: State, revision: MaskRevision, name: str) -> Iterator[Problem]:
    try:
        if unpack(blob_read_whole(str(revision.snapshot_id))) != state:
            sentence = f"The snapshot of revision {revision.sequence} differs."
            yield Problem("revisions", name, sentence)
    except StorageDamagedError as error:
        yield Problem("revisions", name, error.message)
    except UNREADABLE:
        sentence = f"The snapshot of revision {revision.sequence} cannot be read."
        yield Problem("revisions", name, sentence)


def _rows(changes: list[SliceChange], name: str, sequence: int) -> Iterator[Problem]:
    for change in changes:
        if masks.slice_digest(bytes(change.runs)) != change.digest:
            sentence = f"Finding {change.finding}, slice {change.z} of revision {sequence} differs."
            yield Problem("revisions", name, sentence)


def _copies(case: Case, name: str) -> Iterator[Problem]:
    """What stands unfolded beside the history: digests of the head, and the accepted revision."""
    for number, z, copy, digest in CurrentSlice.objects.filter(case=case).values_list(
        "finding", "z", "digest", "change__digest"
    ):
        if copy != digest:
            sentence = f"Finding {number}, slice {z} stands with another digest."
            yield Problem("revisions", name, sentence)
    for finding in CurrentFinding.objects.filter(case=case):
        if finding_digest(finding.fields) != finding.digest:
            sentence = f"Finding {finding.finding} stands with another digest."
            yield Problem("revisions", name, sentence)
    accepted = case.accepted_revision
    if accepted is not None and (accepted.case_id, accepted.on_head) != (case.pk, True):
        yield Problem("revisions", name, "The accepted revision is not one of its line.")


def _beside(case: Case, name: str, checked: dict[str, int]) -> Iterator[Problem]:
    for revision in _steps(case, on_head=False):
        checked["revisions"] += 1
        if revision.parent and revision.parent.case_id != case.id:
            yield Problem("revisions", name, f"Revision {revision.sequence} has a foreign parent.")
        yield from _rows(list(revision.slices.all()), name, revision.sequence)
        try:
            if digest_of(state_at(revision)) != revision.digest:
                sentence = f"Revision {revision.sequence} has another digest."
                yield Problem("revisions", name, sentence)
        except (StorageDamagedError, *UNREADABLE):
            sentence = f"Revision {revision.sequence} cannot be folded from its history."
            yield Problem("revisions", name, sentence)


def _steps(case: Case, *, on_head: bool) -> Iterator[MaskRevision]:
    rows = MaskRevision.objects.filter(case=case, on_head=on_head).order_by("sequence")
    yield from rows.select_related("parent").prefetch_related("slices", "findings").iterator(200)


def _audit(checked: dict[str, int]) -> Iterator[Problem]:
    checked["audit events"] = 0
    events = AuditEvent.objects.order_by("chain", "sequence").iterator()
    for chain, links in groupby(events, key=lambda event: event.chain):
        previous = ""
        for number, event in enumerate(links, start=1):
            checked["audit events"] += 1
            if event.sequence != number or event.previous_hash != previous:
                yield Problem("audit", chain, f"The chain is broken before event {event.sequence}.")
            if event_hash(event) != event.hash:
                yield Problem("audit", chain, f"Event {event.sequence} was changed.")
            previous = event.hash


def _anchors(checked: dict[str, int]) -> Iterator[Problem]:
    checked["site anchors"] = 0
    previous = ""
    for number, anchor in enumerate(SiteAnchor.objects.order_by("sequence").iterator(), start=1):
        checked["site anchors"] += 1
        name = f"anchor {anchor.sequence}"
        if anchor.sequence != number or anchor.previous_hash != previous:
            yield Problem("audit", name, "The site chain is broken before this anchor.")
        if anchor_hash(anchor.previous_hash, anchor.heads, anchor.at) != anchor.hash:
            yield Problem("audit", name, "This anchor was changed.")
        for chain, (sequence, digest) in anchor.heads.items():
            sealed = AuditEvent.objects.filter(chain=chain, sequence=sequence, hash=digest)
            if not sealed.exists():
                yield Problem("audit", chain, f"Event {sequence}, sealed by {name}, is gone.")
        previous = anchor.hash


def _learning(checked: dict[str, int]) -> Iterator[Problem]:
    checked["training sets"] = 0
    for frozen in TrainingSet.objects.iterator():
        checked["training sets"] += 1
        name = f"training set {frozen.id}"
        if json_digest(frozen.manifest) != frozen.digest:
            yield Problem("learning", name, "Its list of revisions was changed.")
        known = dict(
            MaskRevision.objects.filter(case__project_id=frozen.project_id).values_list(
                "id", "digest"
            )
        )
        digests = {str(key): digest for key, digest in known.items()}
        for part, entries in frozen.manifest.items():
            for entry in entries:
                if digests.get(entry["revision"]) != entry["digest"]:
                    sentence = f"Case {entry['number']} in {part} is not the frozen revision."
                    yield Problem("learning", name, sentence)
        yield from _apart(frozen, name)


def _apart(frozen: TrainingSet, name: str) -> Iterator[Problem]:
    """No patient of the hold-out may be learned from."""
    held = {entry["patient_key"] for entry in frozen.manifest["holdout"] if entry["patient_key"]}
    for entry in [*frozen.manifest["train"], *frozen.manifest["validation"]]:
        if entry["patient_key"] in held or entry["is_holdout"]:
            sentence = f"Case {entry['number']} is trained on and its patient is in the hold-out."
            yield Problem("learning", name, sentence)


def _networks(checked: dict[str, int]) -> Iterator[Problem]:
    checked["network versions"] = 0
    for version in NetworkVersion.objects.iterator():
        checked["network versions"] += 1
        if version.weights_id != version.card.get("digest"):
            yield Problem("networks", str(version.id), "The card names other weights.")


def _jobs(checked: dict[str, int]) -> Iterator[Problem]:
    """A job nobody works on any more is picked up again within seconds; one that is not hangs."""
    checked["jobs"] = Job.objects.count()
    overdue = timezone.now() - LEASES_MISSED
    for job in Job.objects.filter(state=Job.State.RUNNING, lease_until__lt=overdue):
        sentence = "Its worker is gone and no other took it. Start a worker."
        yield Problem("jobs", f"{job.kind} {job.id}", sentence)


def _transient(checked: dict[str, int]) -> Iterator[Problem]:
    """A case may be importing only while an import runs."""
    importing = Case.objects.filter(
        state=Case.State.IMPORTING, updated_at__lt=timezone.now() - LEASES_MISSED
    )
    for case in importing.iterator():
        active = (Job.State.QUEUED, Job.State.RUNNING, Job.State.PAUSED)
        if not Job.objects.filter(
            project_id=case.project_id, kind="import", state__in=active
        ).exists():
            yield Problem("cases", f"case {case.id}", "It is still importing, but no import runs.")


CHECKERS: dict[str, Checker] = {
    "blobs": _blobs,
    "images": _images,
    "revisions": _revisions,
    "audit chains": _audit,
    "site chain": _anchors,
    "training sets": _learning,
    "networks": _networks,
    "jobs": _jobs,
    "cases": _transient,
}
