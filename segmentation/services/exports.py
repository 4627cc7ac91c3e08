"""Export: accepted or chosen revisions as files that were read back before they are offered."""

from __future__ import annotations

import json
import re
import tempfile
import uuid
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from django.contrib.auth.models import User
from django.db import transaction
from numpy.typing import NDArray

from segmentation import access
from segmentation.engine.masks import paint
from segmentation.errors import InvalidInputError, MedsegError
from segmentation.interchange.types import NiftiGrid, SourceGrid
from segmentation.jobs.queue import job_enqueue
from segmentation.jobs.work import Work
from segmentation.models import (
    Blob,
    Case,
    Image,
    Job,
    Label,
    MaskRevision,
    Project,
    Review,
    SegmentationRun,
)
from segmentation.selectors.revisions import state_at
from segmentation.services.audit import event_record
from segmentation.services.export_formats import (
    ExportCase,
    coco_write,
    csv_write,
    labels_write,
    nifti_write,
)
from segmentation.services.pictures import spacing_of
from segmentation.storage.blobs import blob_put
from segmentation.storage.folders import scratch_folder

FORMATS = ("labels", "nifti", "coco", "csv")
ACCEPTED, CHOSEN = "accepted", "chosen"
Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class ExportReport:
    """The files written, and for each case that could not be exported a sentence."""

    files: tuple[str, ...]
    exported: int
    refused: tuple[dict[str, Any], ...]


def export_start(
    *, user: User, project: Project, format: str, which: str, cases: Sequence[uuid.UUID] = ()
) -> Job:
    """Queue an export of the accepted revisions, or of the newest ones of chosen cases."""
    access.require(user, "export.create", project)
    _check_format(format)
    if which not in (ACCEPTED, CHOSEN):
        raise InvalidInputError("Export either the accepted cases or chosen ones.")
    if which == CHOSEN and not cases:
        raise InvalidInputError("Choose at least one case to export.", fields={"cases": "required"})
    payload = {"format": format, "which": which, "cases": [str(case) for case in cases]}
    with transaction.atomic():
        event_record(project, "export.create", actor=user, subject=payload)
        return job_enqueue(kind="export", project=project, payload=payload, user=user)


def export_execute(work: Work) -> None:
    """Write the files into one archive and keep it as a blob for the job's download."""
    project = Job.objects.select_related("project").get(pk=work.job_id).project
    if project is None:
        raise InvalidInputError("This export belongs to no project.")
    cases = export_cases_of(project, work.payload["which"], work.payload["cases"])

    def progress(share: float, message: str) -> None:
        work.check()
        work.progress(share * 0.95, message)

    with tempfile.TemporaryDirectory(dir=scratch_folder()) as scratch:
        folder = Path(scratch) / "export"
        folder.mkdir()
        report = export_write(cases, work.payload["format"], folder, progress)
        archive = Path(scratch) / "export.zip"
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
            for path in sorted(folder.iterdir()):
                file.write(path, path.name)
        blob = blob_put(archive, Blob.Kind.EXPORT)
    with work.recording() as result:
        result.update(
            blob=blob.sha256,
            length_bytes=blob.length_bytes,
            files=len(report.files),
            exported=report.exported,
            refused=list(report.refused),
        )


def export_cases_of(project: Project, which: str, cases: Sequence[str] = ()) -> list[Case]:
    """The cases to export in the order of their numbers; withdrawn ones never leave the site."""
    found = Case.objects.filter(project=project).exclude(state=Case.State.WITHDRAWN)
    if which == CHOSEN:
        found = found.filter(pk__in=cases).exclude(head=None)
    else:
        found = found.exclude(accepted_revision=None).filter(state=Case.State.ACCEPTED)
    return list(found.select_related("project", "head", "accepted_revision").order_by("number"))


def export_write(
    cases: Sequence[Case],
    format: str,
    folder: Path,
    progress: Progress = lambda share, message: None,
) -> ExportReport:
    """Write the cases into ``folder``; one that fails is told of and hides no other."""
    _check_format(format)
    files: list[str] = []
    refused: list[dict[str, Any]] = []
    ready: list[ExportCase] = []
    stems = _stems(cases)
    for place, case in enumerate(cases):
        progress(place / len(cases), f"Case {place + 1} of {len(cases)}")
        try:
            ready.append(export_case(case, stems[case.pk]))
            files += _write_one(ready[-1], format, folder)
        except MedsegError as error:
            refused.append({"case": case.number, "code": error.code, "sentence": error.message})
    if format == "coco":
        files += coco_write(ready, folder)
    elif format == "csv":
        files += csv_write(ready, folder)
    files.append(_manifest(folder, format, ready))
    return ExportReport(tuple(files), len(ready), tuple(refused))


def export_case(case: Case, stem: str) -> ExportCase:
    """What the formats need of one case: its accepted revision, else the newest."""
    revision = case.accepted_revision or case.head
    image = Image.objects.filter(case=case, is_reference=True).first()
    if revision is None or image is None:
        raise InvalidInputError(f"Case {case.number} has no mask yet.")
    state = state_at(revision)
    labels = Label.objects.filter(project_id=case.project_id)
    return ExportCase(
        stem=stem,
        number=case.number,
        task=case.project.task,
        findings=state.findings,
        rows=state.slices,
        grid=grid_of(image),
        affine_lps=None if image.affine_lps is None else np.array(image.affine_lps),
        spacing_mm=spacing_of(image),
        label_names={label.index: label.name for label in labels},
        provenance=_provenance(case, revision),
    )


def grid_of(image: Image) -> SourceGrid:
    """The way back to the file's own grid, as it was stored at import."""
    told = image.source_grid
    kept = told.get("nifti")
    return SourceGrid(
        permutation=tuple(told["permutation"]),
        flips=tuple(told["flips"]),
        shape=tuple(told["shape"]),
        nifti=kept and NiftiGrid(**{k: _frozen(value) for k, value in kept.items()}),
    )


def case_labels(case: ExportCase) -> NDArray[np.uint16]:
    """Labels ``(z, y, x)`` on the stored grid: objects numbered as findings where instances are
    asked for, label indices otherwise. The higher score is on top, a person's own above all."""
    labels = np.zeros(case.grid.stored_shape, np.uint16)
    for number, fields in sorted(case.kept(), key=lambda pair: (_rank(pair[1]), pair[0])):
        value = number if case.task == Project.Task.INSTANCES else int(fields["label"])
        for z, runs in case.rows_of(number):
            paint(labels[z], runs, value)
    return labels


def _rank(fields: Any) -> float:
    score = fields.get("score")
    return 2.0 if score is None or fields.get("source") != "network" else float(score)


def _write_one(case: ExportCase, format: str, folder: Path) -> list[str]:
    if format == "labels":
        return labels_write(case, case_labels(case), folder)
    if format == "nifti":
        return nifti_write(case, case_labels(case), folder)
    return []


def _provenance(case: Case, revision: MaskRevision) -> dict[str, Any]:
    verdict = Review.objects.filter(case=case, revision=revision).order_by("-pk").first()
    run = (
        SegmentationRun.objects.filter(case=case)
        .select_related("network_version__network", "recipe")
        .order_by("-created_at")
        .first()
    )
    network = run and f"{run.network_version.network.name}@{run.network_version.number}"
    return {
        "case": case.number,
        "title": case.title,
        "revision": revision.sequence,
        "digest": revision.digest,
        "reviewer": verdict.author.get_username() if verdict and verdict.author else None,
        "verdict": verdict.verdict if verdict else None,
        "network": network,
        "recipe": run.recipe.number if run and run.recipe else None,
        "drawn": case.is_drawn,
    }


def _manifest(folder: Path, format: str, cases: Sequence[ExportCase]) -> str:
    name = "export.json"
    labels = dict(cases[0].label_names) if cases else {}
    told = {
        "format": format,
        "notice": "Not for primary diagnosis.",
        "labels": {str(index): label for index, label in sorted(labels.items())},
        "cases": [{"file": case.stem, **case.provenance} for case in cases],
    }
    (folder / name).write_text(json.dumps(told, indent=1, ensure_ascii=False), encoding="utf-8")
    return name


def _stems(cases: Sequence[Case]) -> dict[uuid.UUID, str]:
    """A file name for each case, from its title where that makes one, and never twice the same."""
    stems: dict[uuid.UUID, str] = {}
    for case in cases:
        plain = re.sub(r"[^A-Za-z0-9._-]+", "-", _without_suffix(case.title)).strip("-._")[:80]
        stem = plain or f"case-{case.number:05d}"
        stems[case.pk] = stem if stem not in stems.values() else f"{stem}-{case.number}"
    return stems


def _without_suffix(title: str) -> str:
    return re.sub(r"\.(nii\.gz|nii|png|jpe?g|tiff?|dcm)$", "", title, flags=re.IGNORECASE)


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _check_format(format: str) -> None:
    if format not in FORMATS:
        raise InvalidInputError(
            f"There is no export format {format!r}. Choose one of {', '.join(FORMATS)}.",
            fields={"format": "unknown"},
        )
