"""A case is one study: which images belong together, and which of them is the reference.

Series join one case when they can be laid over each other: same patient, same study, same frame of
reference, each with its place in the patient. Masks lie on the grid of one of them, the reference.
It is chosen by one rule, whatever the order of arrival: a volume before an overview of a few
slices; then a series that a network of the project suits; then what was measured before what was
derived from it, such as a reformat; then the one with the most slices; then the one that came
first. Once masks lie on a reference it stays.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from segmentation.access import require
from segmentation.errors import NotFoundError, StateRefusedError
from segmentation.interchange.kinds import kind_of_modality
from segmentation.interchange.pseudonyms import pseudonym
from segmentation.interchange.types import ReadCase
from segmentation.jobs.queue import end
from segmentation.models import Case, Image, Job, Presence, Project
from segmentation.services.audit import event_record
from segmentation.services.cases import case_tell
from segmentation.services.first_runs import NO_NETWORK, first_run_queue, origin_noted
from segmentation.services.holdout import site_key
from segmentation.services.network_choice import Suggestion, network_suggest
from segmentation.services.pictures import picture_open
from segmentation.services.presence import is_free
from segmentation.services.revision_line import case_locked
from segmentation.services.revisions import require_editable

OVERVIEW_SLICES = 3
"""So few slices are taken to plan a scan, not to be measured."""
FRESH = frozenset({Case.State.READY, Case.State.QUARANTINED})

MASKED = (
    "Masks lie on the reference of this case already, so another series cannot take its place. "
    "To work on the other series, withdraw this case and import the study again."
)
POINTED_AT = "A comment points at a place in the reference of this case, so it cannot change."
HELD = "{name} has this case open for editing. The reference can change once the case is left."
OVERVIEW = "An overview of a few slices cannot be the reference while the case has a volume."


@dataclass(frozen=True)
class StudyKeys:
    """The pseudonyms by which series of one study find each other."""

    patient_key: str
    study_key: str
    frame_key: str


@dataclass(frozen=True)
class Rank:
    """What decides between two references; the greater one is better, equal ones stay."""

    slices: int
    is_suited: bool
    is_derived: bool

    @property
    def is_volume(self) -> bool:
        return self.slices > OVERVIEW_SLICES

    def exceeds(self, other: Rank) -> bool:
        return self._order > other._order

    @property
    def _order(self) -> tuple[bool, bool, bool, int]:
        return (self.is_volume, self.is_suited, not self.is_derived, self.slices)


def study_keys(read: ReadCase, patient_key: str) -> StudyKeys | None:
    """The keys of an image that other series can be laid over; None for one that stands alone,
    as whatever has a row of its own in an index does."""
    image = read.image
    if read.listed or not image.overlays:
        return None
    secret = site_key()
    study, frame = (
        pseudonym(secret, "study", image.study_key),
        pseudonym(secret, "frame", image.frame_key),
    )
    return StudyKeys(patient_key, study, frame)


def study_case(project: Project, keys: StudyKeys, rank: Rank, *, is_held: bool) -> Case | None:
    """The case that a series joins, locked; None where it becomes a case of its own.

    Belongs into the transaction that holds the project's row, so that two imports take turns. A
    picture that has to be looked at first never joins work that has begun. An overview that
    masks lie on is left alone by the volume it was taken for: that opens the study's case.
    """
    case = _holders(project, keys).select_for_update(of=("self",)).first()
    if case is None or (is_held and case.state not in FRESH):
        return None
    if rank.is_volume and not rank_of(case).is_volume and _why_fixed(case):
        case.frame_key = ""
        case.save(update_fields=["frame_key", "updated_at"])
        return None
    return case


def frame_claim(project: Project, keys: StudyKeys | None) -> str:
    """The frame key of a new case: empty where it stands alone, or another case has the study."""
    if keys is None or _holders(project, keys).exists():
        return ""
    return keys.frame_key


def rank_of(case: Case) -> Rank:
    """The rank of the case's present reference."""
    image = Image.objects.get(case=case, is_reference=True)
    return Rank(image.slices, NO_NETWORK not in case.origin, is_derived(image.attributes))


def is_derived(attributes: Mapping[str, str]) -> bool:
    """Whether an image was computed from others rather than measured."""
    return attributes.get("ImageType") == "DERIVED"


def reference_improve(case: Case, image: Image, rank: Rank, suggestion: Suggestion) -> bool:
    """Make a series that came later the reference, if it is better and nothing was begun."""
    if case.state not in FRESH or not rank.exceeds(rank_of(case)) or _why_fixed(case):
        return False
    _move(case, image, suggestion, actor=None)
    return True


def reference_choose(*, user: User, case: Case, image_id: uuid.UUID) -> Case:
    """A person makes another image the reference, as long as nothing lies on the present one."""
    require(user, "case.edit", case.project)
    image = case.images.filter(pk=image_id).first()
    if image is None:
        raise NotFoundError("This case has no such image.")
    if image.is_reference:
        return case
    suggestion = network_suggest(case.project, _kind(case, image), picture_open(image))
    with transaction.atomic():
        case = case_locked(case)
        image.refresh_from_db()
        require_editable(case)
        if why := _why_fixed(case, user):
            raise StateRefusedError(why)
        if image.slices <= OVERVIEW_SLICES and any(
            one.slices > OVERVIEW_SLICES for one in case.images.all()
        ):
            raise StateRefusedError(OVERVIEW)
        _move(case, image, suggestion, actor=user)
        first_run_queue(case, image, suggestion, user)
        case_tell(case, reference=str(image.pk))
    return case


def _move(case: Case, image: Image, suggestion: Suggestion, *, actor: User | None) -> None:
    """Exchange the reference. Predictions that wait were meant for the other grid."""
    before = Image.objects.get(case=case, is_reference=True)
    Image.objects.filter(pk=before.pk).update(is_reference=False)
    Image.objects.filter(pk=image.pk).update(is_reference=True)
    image.is_reference = True
    case.kind = _kind(case, image)
    case.origin = origin_noted(case.origin, suggestion)
    case.save(update_fields=["kind", "origin", "updated_at"])
    waiting = Job.objects.select_for_update().filter(case=case, kind="predict")
    for job in waiting.filter(state__in=(Job.State.QUEUED, Job.State.PAUSED)):
        end(job, Job.State.CANCELLED)
    subject = {"before": str(before.pk), "after": str(image.pk)}
    event_record(case, "case.reference", actor=actor, subject=subject)


def _kind(case: Case, image: Image) -> str:
    return kind_of_modality(image.modality) or case.kind


def _why_fixed(case: Case, user: User | None = None) -> str:
    """Why the reference of a case has to stay; '' where it may change."""
    if case.touched_at is not None or case.revisions.exists():
        return MASKED
    if case.comments.filter(place__isnull=False).exists():
        return POINTED_AT
    presence = Presence.objects.filter(case=case).select_related("holder").first()
    if presence is None or is_free(presence, timezone.now()) or presence.holder_id == _key(user):
        return ""
    return HELD.format(name=presence.holder.get_username() if presence.holder else "")


def _key(user: User | None) -> int | None:
    return user.pk if user else None


def _holders(project: Project, keys: StudyKeys) -> QuerySet[Case]:
    return Case.objects.filter(
        project=project,
        patient_key=keys.patient_key,
        study_key=keys.study_key,
        frame_key=keys.frame_key,
    ).exclude(state=Case.State.WITHDRAWN)
