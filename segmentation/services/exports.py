"""Export: accepted or chosen revisions as files that were read back before they are offered."""

from __future__ import annotations

import json
import re
import tempfile
import uuid
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from segmentation.engine.errors import EngineError
from segmentation.errors import InvalidInputError, MedsegError
from segmentation.interchange.errors import InterchangeError
from segmentation.interchange.types import NiftiGrid, SourceGrid
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
from segmentation.selectors.measurements import standing
from segmentation.selectors.people import display_name
from segmentation.selectors.revisions import state_at
from segmentation.services.export_case import ExportCase, ExportMeasurement
from segmentation.services.export_formats import labels_write, nifti_write
from segmentation.services.export_requests import ACCEPTED, CHOSEN, check_format
from segmentation.services.export_tables import coco_write, csv_write
from segmentation.services.measurements import value_and_unit
from segmentation.services.pictures import spacing_of, values_at
from segmentation.storage.blobs import blob_put
from segmentation.storage.folders import scratch_folder

NEWEST = "newest"
FILES = {"labels": labels_write, "nifti": nifti_write}
TABLES = {"coco": coco_write, "csv": csv_write}
Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class ExportReport:
    """The files written, and for each case that could not be exported a sentence."""

    files: tuple[str, ...]
    exported: int
    refused: tuple[dict[str, Any], ...]


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
    """The cases to export in the order of their numbers; withdrawn ones never leave the site.

    ``accepted`` cases, ``chosen`` ones of these ids, or all whose ``newest`` revision exists.
    """
    found = Case.objects.filter(project=project).exclude(state=Case.State.WITHDRAWN)
    if which == ACCEPTED:
        found = found.exclude(accepted_revision=None).filter(state=Case.State.ACCEPTED)
    else:
        found = found.exclude(head=None)
    if which == CHOSEN:
        found = found.filter(pk__in=cases)
    return list(found.select_related("project", "head", "accepted_revision").order_by("number"))


def export_write(
    cases: Sequence[Case],
    format: str,
    folder: Path,
    progress: Progress = lambda share, message: None,
) -> ExportReport:
    """Write the cases into ``folder``; one that fails is told of, leaves no file, hides no other.

    ``folder`` is empty.
    """
    check_format(format)
    files: list[str] = []
    refused: list[dict[str, Any]] = []
    ready: list[ExportCase] = []
    told: list[dict[str, Any]] = []
    stems = stems_of(cases)
    for place, case in enumerate(cases):
        progress(place / len(cases), f"Case {place + 1} of {len(cases)}")
        try:
            found = export_case(case, stems[case.pk])
            files += _write_one(found, format, folder)
        except (MedsegError, InterchangeError, EngineError) as error:
            refused.append({"case": case.number, "code": error.code, "sentence": str(error)})
            continue
        told.append({"file": found.stem, **found.provenance})
        if format in TABLES:
            ready.append(found)
    if write := TABLES.get(format):
        files += write(ready, folder)
    files.append(_manifest(folder, format, cases, told, refused))
    return ExportReport(tuple(files), len(told), tuple(refused))


def export_case(case: Case, stem: str) -> ExportCase:
    """What the formats need of one case: what was accepted while that stands, else the newest."""
    accepted = case.accepted_revision if case.state == Case.State.ACCEPTED else None
    revision = accepted or case.head
    image = Image.objects.filter(case=case, is_reference=True).first()
    if revision is None or image is None:
        raise InvalidInputError(f"Case {case.number} has no mask yet.")
    state = state_at(revision)
    labels = Label.objects.filter(project_id=case.project_id)
    return ExportCase(
        stem=stem,
        number=case.number,
        title=case.title,
        task=case.project.task,
        findings=state.findings,
        rows=state.slices,
        grid=grid_of(image),
        affine_lps=None if image.affine_lps is None else np.array(image.affine_lps),
        spacing_mm=spacing_of(image),
        spacing_source=image.spacing_source,
        label_names={label.index: label.name for label in labels},
        provenance=_provenance(case, revision),
        values_at=partial(values_at, image),
        moments=image.size_t,
        measurements=_measurements(case),
    )


def _measurements(case: Case) -> tuple[ExportMeasurement, ...]:
    return tuple(
        ExportMeasurement(
            key=str(row.pk),
            kind=row.kind,
            plane=row.plane,
            moment=row.moment,
            points=tuple((x, y, z) for x, y, z in row.points),
            figure=value_and_unit(row),
            note=row.note,
            author=display_name(row.author) or "",
        )
        for row in standing(case.measurements.all())
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


def _write_one(case: ExportCase, format: str, folder: Path) -> list[str]:
    """The files of one case; they enter ``folder`` when all of them have been read back."""
    if (write := FILES.get(format)) is None:
        return []
    with tempfile.TemporaryDirectory(dir=folder.parent) as aside:
        names = write(case, Path(aside))
        for name in names:
            (Path(aside) / name).rename(folder / name)
    return names


def _provenance(case: Case, revision: MaskRevision) -> dict[str, Any]:
    """Who reviewed the revision, and which network and recipe it began with."""
    verdict = (
        Review.objects.filter(case=case, revision=revision)
        .select_related("author")
        .order_by("-pk")
        .first()
    )
    run = _run_behind(case, revision)
    network = run and f"{run.network_version.network.name}@{run.network_version.number}"
    return {
        "case": case.number,
        "title": case.title,
        "revision": revision.sequence,
        "digest": revision.digest,
        "reviewer": verdict.author.get_username() if verdict and verdict.author else None,
        "verdict": verdict.verdict if verdict else None,
        "network": network,
        "network_digest": run.network_version.digest if run else None,
        "recipe": run.recipe.number if run and run.recipe else None,
        "recipe_digest": run.recipe.digest if run and run.recipe else None,
        "drawn": case.is_drawn,
    }


def _run_behind(case: Case, revision: MaskRevision) -> SegmentationRun | None:
    """The last run whose findings are in the revision's history."""
    predicted = (
        MaskRevision.objects.filter(case=case, sequence__lte=revision.sequence, on_head=True)
        .exclude(run=None)
        .select_related("run__network_version__network", "run__recipe")
        .order_by("-sequence")
        .first()
    )
    return predicted.run if predicted else None


def _manifest(
    folder: Path,
    format: str,
    cases: Sequence[Case],
    told: Sequence[Mapping[str, Any]],
    refused: Sequence[Mapping[str, Any]],
) -> str:
    name = "export.json"
    labels = Label.objects.filter(project__in={case.project_id for case in cases})
    text = {
        "format": format,
        "notice": "Not for primary diagnosis.",
        "labels": {str(label.index): label.name for label in labels.order_by("index")},
        "cases": list(told),
        "refused": list(refused),
    }
    (folder / name).write_text(json.dumps(text, indent=1, ensure_ascii=False), encoding="utf-8")
    return name


def stems_of(cases: Sequence[Case]) -> dict[uuid.UUID, str]:
    """A file name for each case, from its title where that makes one, and never twice the same,
    also where large and small letters count as one."""
    stems: dict[uuid.UUID, str] = {}
    used: set[str] = set()
    for case in cases:
        plain = re.sub(r"[^A-Za-z0-9._-]+", "-", _without_suffix(case.title)).strip("-._")[:80]
        stem = plain or f"case-{case.number:05d}"
        while stem.casefold() in used:
            stem = f"{stem}-{case.number}"
        used.add(stem.casefold())
        stems[case.pk] = stem
    return stems


def _without_suffix(title: str) -> str:
    return re.sub(r"\.(nii\.gz|nii|png|jpe?g|tiff?|dcm)$", "", title, flags=re.IGNORECASE)


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
