"""One read image becomes a case, or a further series of its study's case: its bytes first, then all
its rows in one short transaction."""

from __future__ import annotations

import dataclasses
import tempfile
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from django.contrib.auth.models import User

from segmentation.interchange.pseudonyms import pseudonym
from segmentation.interchange.types import ReadCase, ReadImage
from segmentation.models import Blob, Case, Image, Label, MaskRevision, Project
from segmentation.services.audit import event_record
from segmentation.services.cases import case_tell
from segmentation.services.first_runs import first_run_queue, origin_noted
from segmentation.services.holdout import holdout_decide, site_key
from segmentation.services.import_truths import FirstRevision, first_revision
from segmentation.services.network_choice import Suggestion, network_suggest
from segmentation.services.pictures import picture_read
from segmentation.services.revisions import revision_record_system
from segmentation.services.studies import (
    Rank,
    StudyKeys,
    frame_claim,
    is_derived,
    reference_improve,
    study_case,
    study_keys,
)
from segmentation.storage.blobs import blob_put
from segmentation.storage.folders import scratch_folder
from segmentation.storage.pictures import thumbnail_jpeg
from segmentation.storage.tiles import is_tiled, tiles_write
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


Became = Literal["case", "series", "known"]


@dataclass(frozen=True)
class Arrival:
    """What became of one image: a case of its own, a further series of one, or nothing new."""

    case_id: uuid.UUID
    number: int
    image_id: uuid.UUID
    became: Became
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

    @property
    def patient_key(self) -> str:
        patient = self.read.patient or self.read.image.patient_key
        return pseudonym(site_key(), "patient", patient) if patient else ""

    @property
    def rank(self) -> Rank:
        image = self.read.image
        return Rank(image.slices, self.suggestion.version is not None, is_derived(image.attributes))


def case_import(batch: Batch, read: ReadCase) -> Arrival:
    """Store the image and what the index says of it, once per project and source digest."""
    if (known := _already_here(batch, read.image.source_digest)) is not None:
        return known
    stored = _store(batch, read)
    keys = study_keys(read, stored.patient_key)
    with batch.transaction():
        # Imports take turns at the project's row, so that a study becomes one case only.
        project = Project.objects.select_for_update().get(pk=batch.project.pk)
        if (known := _already_here(batch, read.image.source_digest)) is not None:
            return known
        if keys is not None:
            is_held = read.image.burned_in_risk
            home = study_case(project, keys, stored.rank, is_held=is_held)
            if home is not None:
                return _join(batch, home, stored)
        return _begin(batch, project, stored, keys)


def _begin(batch: Batch, project: Project, stored: _Stored, keys: StudyKeys | None) -> Arrival:
    case = _case(batch, stored, _next_number(project), frame_claim(project, keys))
    image = _image(batch, case, stored, is_reference=True)
    if stored.has_truth:
        revision_record_system(
            case,
            MaskRevision.Kind.IMPORTED,
            stored.first.findings,
            stored.first.slices,
            operation="import",
            author=batch.user,
        )
    _tell(batch, case, image, "case.import")
    first_run_queue(case, image, stored.suggestion, batch.user)
    return Arrival(case.pk, case.number, image.pk, "case", tuple(stored.first.left_out))


def _join(batch: Batch, case: Case, stored: _Stored) -> Arrival:
    """Add a series to its study's case. A picture that may show a name holds the whole case."""
    image = _image(batch, case, stored, is_reference=False)
    if stored.read.image.burned_in_risk:
        case.state = Case.State.QUARANTINED
    case.save(update_fields=["state", "updated_at"])
    is_better = reference_improve(case, image, stored.rank, stored.suggestion)
    _tell(batch, case, image, "case.image_add")
    if is_better:
        first_run_queue(case, image, stored.suggestion, batch.user)
    return Arrival(case.pk, case.number, image.pk, "series")


def _already_here(batch: Batch, source_digest: str) -> Arrival | None:
    """The image of these very bytes; one that this same import brought is told as it was, so that
    an import that was cut short and done again reports what it brought."""
    found = (
        Image.objects.filter(case__project=batch.project, source_digest=source_digest)
        .exclude(case__state=Case.State.WITHDRAWN)
        .select_related("case")
        .order_by("case__number")
        .first()
    )
    if found is None:
        return None
    became: Became = "known"
    if found.import_key == batch.origin:
        began = not found.case.images.filter(created_at__lt=found.created_at).exists()
        became = "case" if began else "series"
    return Arrival(found.case.pk, found.case.number, found.pk, became)


def _store(batch: Batch, read: ReadCase) -> _Stored:
    image = read.image
    with tempfile.TemporaryDirectory(dir=scratch_folder()) as folder:
        path = Path(folder) / "pack"
        header = pack_write(image.pixels, path)
        pack = blob_put(path, Blob.Kind.IMAGE)
    if is_tiled(header.shape):
        tiles_write(pack.sha256, image.pixels[0, :, 0])
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


def _next_number(project: Project) -> int:
    """Count up under the project's row lock, so that numbers have no gaps."""
    project.case_counter += 1
    project.save(update_fields=["case_counter"])
    return project.case_counter


def _case(batch: Batch, stored: _Stored, number: int, frame_key: str) -> Case:
    read, image = stored.read, stored.read.image
    group = read.group[:80]
    held = image.burned_in_risk
    origin: dict[str, Any] = {"import": batch.origin}
    origin |= {name: read.facts[name] for name in ORIGIN_FACTS if name in read.facts}
    return Case.objects.create(
        project=batch.project,
        number=number,
        title=_title(batch, read, number),
        state=Case.State.QUARANTINED if held else Case.State.READY,
        patient_key=stored.patient_key,
        study_key=pseudonym(site_key(), "study", image.study_key) if image.study_key else "",
        frame_key=frame_key,
        group=group,
        kind=_kind(read),
        is_holdout=holdout_decide(
            batch.project,
            patient_key=stored.patient_key,
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


def _image(batch: Batch, case: Case, stored: _Stored, *, is_reference: bool) -> Image:
    image, header = stored.read.image, stored.header
    t, c, z, y, x = header.shape
    affine = None if image.affine_lps is None else image.affine_lps.tolist()
    return Image.objects.create(
        case=case,
        is_reference=is_reference,
        import_key=batch.origin[:40],
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


def _tell(batch: Batch, case: Case, image: Image, action: str) -> None:
    event_record(
        case,
        action,
        actor=batch.user,
        subject={
            "case": str(case.pk),
            "image": str(image.pk),
            "pixels": image.pixel_digest,
            "import": batch.origin,
            "state": str(case.state),
            "reference": image.is_reference,
        },
    )
    case_tell(case, series=case.images.count())


def _kind(read: ReadCase) -> str:
    return (read.kind or read.image.kind)[:40]


def _stored_window(image: ReadImage) -> tuple[float, float] | None:
    """The display window in stored values."""
    if image.window is None:
        return None
    centre, width = image.window
    return (centre - image.intercept) / image.slope, abs(width / image.slope)
