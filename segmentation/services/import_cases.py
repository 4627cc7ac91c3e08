"""One read image becomes one case: its bytes first, then all its rows in one short transaction."""

from __future__ import annotations

import dataclasses
import tempfile
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.db.models import F

from segmentation.interchange.deidentify import pseudonym
from segmentation.interchange.types import ReadCase, ReadImage
from segmentation.jobs.progress import publish_on_commit
from segmentation.models import Blob, Case, Image, Label, MaskRevision, Project
from segmentation.services.audit import event_record
from segmentation.services.first_runs import first_run_queue, origin_noted
from segmentation.services.holdout import holdout_decide, site_key
from segmentation.services.import_truths import FirstRevision, first_revision
from segmentation.services.network_choice import Suggestion, network_suggest
from segmentation.services.pictures import picture_read
from segmentation.services.revisions import revision_record_system
from segmentation.storage.blobs import blob_put
from segmentation.storage.folders import scratch_folder
from segmentation.storage.pictures import thumbnail_jpeg
from segmentation.storage.volumes import PackHeader, pack_write

TITLE_LENGTH = 200
ORIGIN_FACTS = ("source", "licence")
"""What an index says of where an image comes from; kept, so that the page can show it."""


@dataclass(frozen=True)
class Batch:
    """What the cases of one import share. ``transaction`` opens the transaction of each case
    (fenced where a job does it); ``origin`` names the import by an id."""

    project: Project
    user: User | None
    origin: str
    transaction: Callable[[], AbstractContextManager[Any]]
    labels: tuple[Label, ...]
    is_drawn: bool = False


@dataclass(frozen=True)
class Arrival:
    """What became of one image: the case, and whether it is new."""

    case_id: uuid.UUID
    number: int
    is_new: bool
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Stored:
    """An image whose bytes are down and whose rows are not."""

    read: ReadCase
    header: PackHeader
    pack: Blob
    thumbnail: Blob
    suggestion: Suggestion
    first: FirstRevision = field(default_factory=lambda: FirstRevision((0, 0), 1))

    @property
    def has_truth(self) -> bool:
        return bool(self.first.findings)


def case_import(batch: Batch, read: ReadCase) -> Arrival:
    """Store the image and what the index says of it, once per project and source digest."""
    if (known := _already_here(batch, read.image.source_digest)) is not None:
        return known
    stored = _store(batch, read)
    with batch.transaction():
        project = _next_number(batch.project)
        if (known := _already_here(batch, read.image.source_digest)) is not None:
            return known
        case = _case(batch, stored, project.case_counter)
        image = _image(case, stored)
        if stored.has_truth:
            revision_record_system(
                case,
                MaskRevision.Kind.IMPORTED,
                stored.first.findings,
                stored.first.slices,
                operation="import",
                author=batch.user,
            )
        _tell(batch, case, image)
        first_run_queue(case, image, stored.suggestion, batch.user)
    return Arrival(case.pk, case.number, is_new=True, notes=tuple(stored.first.left_out))


def _already_here(batch: Batch, source_digest: str) -> Arrival | None:
    """The case that holds these very bytes; one of this same import counts as new, so that an
    import that was cut short and done again reports what it brought."""
    found = (
        Case.objects.filter(project=batch.project, images__source_digest=source_digest)
        .exclude(state=Case.State.WITHDRAWN)
        .order_by("number")
        .first()
    )
    if found is None:
        return None
    return Arrival(found.pk, found.number, is_new=found.origin.get("import") == batch.origin)


def _store(batch: Batch, read: ReadCase) -> _Stored:
    image = read.image
    with tempfile.TemporaryDirectory(dir=scratch_folder()) as folder:
        path = Path(folder) / "pack"
        header = pack_write(image.pixels, path)
        pack = blob_put(path, Blob.Kind.IMAGE)
    plane = image.pixels[0, :, image.pixels.shape[2] // 2]
    picture = thumbnail_jpeg(plane, _stored_window(image), image.inverted_display)
    return _Stored(
        read=read,
        header=header,
        pack=pack,
        thumbnail=blob_put(picture, Blob.Kind.THUMBNAIL),
        suggestion=network_suggest(batch.project, _kind(read), picture_read(image)),
        first=first_revision(
            read.truths, batch.project, batch.labels, header.shape[3:], header.shape[2]
        ),
    )


def _next_number(project: Project) -> Project:
    """Count up under the project's row lock: numbers have no gaps and imports take turns."""
    Project.objects.filter(pk=project.pk).update(case_counter=F("case_counter") + 1)
    return Project.objects.get(pk=project.pk)


def _case(batch: Batch, stored: _Stored, number: int) -> Case:
    read, image = stored.read, stored.read.image
    patient = read.patient or image.patient_key
    patient_key = pseudonym(site_key(), "patient", patient) if patient else ""
    group = read.group[:80]
    held = image.burned_in_risk
    origin: dict[str, Any] = {"import": batch.origin}
    origin |= {name: read.facts[name] for name in ORIGIN_FACTS if name in read.facts}
    return Case.objects.create(
        project=batch.project,
        number=number,
        title=_title(batch, read, number),
        state=Case.State.QUARANTINED if held else Case.State.READY,
        patient_key=patient_key,
        study_key=pseudonym(site_key(), "study", image.study_key) if image.study_key else "",
        group=group,
        kind=_kind(read),
        is_holdout=holdout_decide(
            batch.project,
            patient_key=patient_key,
            group=group,
            source_digest=image.source_digest,
            split=read.split,
        ),
        is_drawn=batch.is_drawn,
        origin=origin_noted(origin, stored.suggestion),
        created_by=batch.user,
    )


def _title(batch: Batch, read: ReadCase, number: int) -> str:
    """A file's own name only where the project keeps names."""
    if not batch.project.keep_file_names:
        return f"Case {number}"
    name = read.identifier or Path(read.image.name).name
    return name[:TITLE_LENGTH] or f"Case {number}"


def _image(case: Case, stored: _Stored) -> Image:
    image, header = stored.read.image, stored.header
    t, c, z, y, x = header.shape
    affine = None if image.affine_lps is None else image.affine_lps.tolist()
    return Image.objects.create(
        case=case,
        pack=stored.pack,
        thumbnail=stored.thumbnail,
        size_t=t,
        size_c=c,
        size_z=z,
        size_y=y,
        size_x=x,
        dtype=header.dtype,
        spacing_mm=None if image.spacing_mm is None else list(image.spacing_mm),
        spacing_source=image.spacing_source or "",
        affine_lps=affine,
        source_grid=dataclasses.asdict(image.source),
        acquisition_axis=image.acquisition_axis,
        modality=image.modality[:16],
        photometric=image.photometric[:32],
        window=None if image.window is None else list(image.window),
        value_range=[value * image.slope + image.intercept for value in header.value_range],
        value_unit=image.value_unit[:16],
        slope=image.slope,
        intercept=image.intercept,
        attributes=dict(image.attributes),
        warnings=list(image.warnings),
        burned_in_risk=image.burned_in_why[:200],
        source_digest=image.source_digest,
        pixel_digest=header.pixel_digest,
    )


def _tell(batch: Batch, case: Case, image: Image) -> None:
    event_record(
        case,
        "case.import",
        actor=batch.user,
        subject={
            "case": str(case.pk),
            "image": str(image.pk),
            "pixels": image.pixel_digest,
            "import": batch.origin,
            "state": str(case.state),
        },
    )
    publish_on_commit(
        "case",
        {"id": str(case.pk), "state": str(case.state), "head": None},
        project=case.project_id,
        case=case.pk,
    )


def _kind(read: ReadCase) -> str:
    return (read.kind or read.image.kind)[:40]


def _stored_window(image: ReadImage) -> tuple[float, float] | None:
    """The display window in stored values."""
    if image.window is None:
        return None
    centre, width = image.window
    return (centre - image.intercept) / image.slope, abs(width / image.slope)
