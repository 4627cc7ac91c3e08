"""Import: files become cases or plain refusals, each by itself, and all is told in one report."""

from __future__ import annotations

import uuid
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import structlog
from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction

from segmentation.errors import FenceLostError, MedsegError, Retry
from segmentation.interchange.intake import IntakeReader
from segmentation.interchange.tree import INSIDE
from segmentation.interchange.types import Limits, NamedPath, ReadCase
from segmentation.jobs.work import JobStoppedError, Work
from segmentation.models import Blob, Image, Label, Project, UploadSession
from segmentation.services.import_cases import Arrival, Batch, case_import
from segmentation.services.networks import shipped_networks_sync
from segmentation.services.uploads import staged_path, upload_forget
from segmentation.storage.blobs import blob_put
from segmentation.storage.folders import scratch_folder

SERIES = "series"
"""The code of files that joined a case as a further series."""

Progress = Callable[[float, str], None]

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class FileOutcome:
    """What became of one input. ``given`` is the rank of the uploaded file it came in (all files
    of one zip share it); ``name`` is told to the caller and stored only where the project keeps
    names; ``case`` is the number of its case."""

    input: int
    name: str | None
    outcome: str
    code: str = ""
    sentence: str = ""
    case: int | None = None
    case_id: str | None = None
    given: int | None = None


@dataclass(frozen=True)
class Report:
    """All inputs with their outcomes, and what became of the images: how many opened a case
    (``imported``), joined one as a further series (``added``), were refused, or here already."""

    imported: int
    refused: int
    duplicate: int
    files: tuple[FileOutcome, ...]
    added: int = 0

    def told(self, with_names: bool) -> dict[str, Any]:
        """The report as JSON."""
        shown = self if with_names else self.without_names()
        return asdict(shown) | {"files": [asdict(file) for file in shown.files]}

    def without_names(self) -> Report:
        return replace(self, files=tuple(replace(file, name=None) for file in self.files))

    def ranked(self, ranks: Mapping[str, int]) -> Report:
        """The same with ``given`` filled in from the names of the uploaded files."""
        return replace(
            self,
            files=tuple(
                replace(file, given=ranks.get((file.name or "").partition(INSIDE)[0]))
                for file in self.files
            ),
        )


def import_execute(work: Work) -> None:
    """Do the import job of an upload."""
    session = UploadSession.objects.select_related("project", "user").get(pk=work.payload["upload"])
    files = [
        NamedPath(staged_path(file), file.relative_path)
        for file in session.files.order_by("position")
    ]

    def progress(share: float, message: str) -> None:
        work.check()
        work.progress(share, message)

    report = _import(
        files,
        session.project,
        session.user,
        origin=str(session.pk),
        opened=work.fenced,
        progress=progress,
    )
    ranks = {file.relative_path: file.position for file in session.files.all()}
    told = report.ranked(ranks).told(with_names=session.project.keep_file_names)
    with work.recording() as result:
        result.update(
            imported=report.imported,
            added=report.added,
            refused=report.refused,
            duplicate=report.duplicate,
        )
        UploadSession.objects.filter(pk=session.pk).update(
            report=told, state=UploadSession.State.DONE
        )
        session.files.update(relative_path="")
    upload_forget(session)


def import_paths(
    paths: Sequence[Path],
    project: Project,
    user: User | None,
    *,
    progress: Progress = lambda share, message: None,
    is_drawn: bool = False,
    limits: Limits | None = None,
) -> Report:
    """Import files and folders of this machine at once, without a worker."""
    return _import(
        paths,
        project,
        user,
        origin=str(uuid.uuid4()),
        opened=transaction.atomic,
        progress=progress,
        is_drawn=is_drawn,
        limits=limits,
    )


def _import(
    paths: Sequence[Path | NamedPath],
    project: Project,
    user: User | None,
    *,
    origin: str,
    opened: Callable[[], AbstractContextManager[Any]],
    progress: Progress,
    is_drawn: bool = False,
    limits: Limits | None = None,
) -> Report:
    shipped_networks_sync()
    labels = tuple(Label.objects.filter(project=project, retired_at=None))
    batch = Batch(project, user, origin, opened, labels, is_drawn)
    outcomes: dict[int, FileOutcome] = {}
    arrivals: list[Arrival] = []

    def tell(done: int, of: int, name: str) -> None:
        progress(done / max(of, 1), f"File {done} of {of}; {_count(arrivals, 'case')} cases so far")

    with IntakeReader(paths, limits or Limits(), tell, folder=scratch_folder()) as reader:
        for found in reader:
            if not isinstance(found, ReadCase):
                continue
            arrival, told = _one(batch, found)
            outcomes.update((outcome.input, outcome) for outcome in told)
            if arrival is not None:
                arrivals.append(arrival)
    if project.keep_originals or settings.MEDSEG_KEEP_ORIGINALS:
        _keep_originals(paths, arrivals)
    return _report(reader, outcomes, arrivals)


def _one(batch: Batch, read: ReadCase) -> tuple[Arrival | None, list[FileOutcome]]:
    """One image; whatever is wrong with it stays with it."""
    try:
        arrival = case_import(batch, read)
    except (FenceLostError, JobStoppedError):
        raise
    except MedsegError as error:
        if error.retry == Retry.LATER:
            raise  # a full disk is not this image's fault: the whole import is tried again
        return None, _refused(read, error.code, error.message)
    except (ValueError, ArithmeticError, LookupError, TypeError) as error:
        log.error("import_failed", code="bug", exc_info=error)
        sentence = "Something unexpected went wrong with this image. The log has the place."
        return None, _refused(read, "bug", sentence)
    return arrival, list(_arrived(read, arrival))


def _arrived(read: ReadCase, arrival: Arrival) -> Iterable[FileOutcome]:
    outcome, code, sentence = "imported", "", " ".join(arrival.notes)
    if arrival.became == "series":
        code, sentence = SERIES, f"Added to case {arrival.number} as a further series."
    elif arrival.became == "known":
        outcome, code = "duplicate", "already_here"
        sentence = f"Already here: case {arrival.number}."
    for place in read.image.inputs:
        yield FileOutcome(
            input=place,
            name=None,
            outcome=outcome,
            code=code,
            sentence=sentence,
            case=arrival.number,
            case_id=str(arrival.case_id),
        )
    for place in {place for truth in read.truths for place in truth.inputs}:
        if place not in read.image.inputs:
            yield FileOutcome(
                place, None, "mask", case=arrival.number, case_id=str(arrival.case_id)
            )


def _refused(read: ReadCase, code: str, sentence: str) -> list[FileOutcome]:
    return [FileOutcome(place, None, "refused", code, sentence) for place in read.image.inputs]


def _report(
    reader: IntakeReader, outcomes: dict[int, FileOutcome], arrivals: Sequence[Arrival]
) -> Report:
    refused_images = Counter(outcome.outcome for outcome in outcomes.values())["refused"]
    for refusal in reader.refusals:
        for place in {refusal.input, *refusal.inputs}:
            outcomes.setdefault(
                place, FileOutcome(place, None, "refused", refusal.code, refusal.sentence)
            )
    files = [
        replace(
            outcomes.get(one.index, FileOutcome(one.index, None, one.role)),
            name=one.name,
        )
        for one in reader.inputs
    ]
    return Report(
        imported=_count(arrivals, "case"),
        added=_count(arrivals, "series"),
        refused=len(reader.refusals) + refused_images,
        duplicate=_count(arrivals, "known"),
        files=tuple(files),
    )


def _count(arrivals: Iterable[Arrival], became: str) -> int:
    return sum(arrival.became == became for arrival in arrivals)


def _keep_originals(paths: Sequence[Path | NamedPath], arrivals: Sequence[Arrival]) -> None:
    """The bytes as they came, in one archive whose entries are numbered, for sites that ask."""
    new = [arrival.image_id for arrival in arrivals if arrival.became != "known"]
    if not new:
        return
    with TemporaryDirectory(dir=scratch_folder()) as folder:
        path = Path(folder) / "originals.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
            for place, file in enumerate(_plain_files(paths), start=1):
                archive.write(file, f"{place:06d}")
        blob = blob_put(path, Blob.Kind.ORIGINAL)
    Image.objects.filter(pk__in=new, original=None).update(original=blob)


def _plain_files(paths: Sequence[Path | NamedPath]) -> Iterable[Path]:
    for given in paths:
        path = given.path if isinstance(given, NamedPath) else given
        if path.is_dir():
            yield from sorted(file for file in path.rglob("*") if file.is_file())
        elif path.is_file():
            yield path
