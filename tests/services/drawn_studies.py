"""Drawn series of one CT study, and what became of them."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

from segmentation.models import Case, MaskRevision, Project
from segmentation.services.changes import SliceRows
from segmentation.services.imports import Report, import_paths
from segmentation.services.presence import presence_beat
from segmentation.services.revisions import Asked, revision_append
from tests.builders import a_finding, a_key, a_member, rows_of
from tests.interchange.drawn import write_axial

DAB = rows_of(0, 0, 2, 2, width=7, height=5)
THICK = [0.0, 5.0, 10.0, 15.0]
THIN = [float(depth) for depth in range(0, 18, 2)]


def a_series(folder: Path, name: str, depths: list[float], **elements: Any) -> Path:
    """A CT series of the one study, its UID made from its name."""
    uid = f"1.2.3.{sum(map(ord, name))}"
    write_axial(
        folder / name,
        depths,
        **{"SeriesInstanceUID": uid, "FrameOfReferenceUID": "1.2.9", **elements},
    )
    return folder / name


def a_scout(folder: Path, name: str = "scout") -> Path:
    return a_series(folder, name, [7.0], ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])


def bring(project: Project, *paths: Path) -> Report:
    return import_paths(list(paths), project, None)


def counted(report: Report) -> tuple[int, int, int, int]:
    return report.imported, report.added, report.duplicate, report.refused


def the_case(project: Project) -> Case:
    return Case.objects.get(project=project)


def depth_of_reference(case: Case) -> int:
    return case.images.get(is_reference=True).size_z


def draw(case: Case) -> MaskRevision:
    """A stroke on the case by a person of its project, who leaves again."""
    person, tab = a_member(case.project, "annotator"), uuid.uuid4()
    saved = revision_append(
        user=person,
        case=case,
        parent_id=case.head_id,
        key=a_key(),
        asked=Asked("brush", [SliceRows(1, 0, DAB)], [a_finding(1)]),
        tab=tab,
    )
    presence_beat(user=person, case=case, tab=tab, seconds=0, want="leave")
    return saved.revision
