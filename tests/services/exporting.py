"""Cases to export, and what is read of the files by something that did not write them."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np

from segmentation.interchange.coco import decompress, mask_of_counts
from segmentation.models import Case, Project
from segmentation.services.changes import FindingRow, SliceRows
from segmentation.services.exports import NEWEST, ExportReport, export_cases_of, export_write
from segmentation.services.revisions import revision_record_system
from tests.builders import a_case, a_finding, a_project, rows_of


def square(x1: int, y1: int, x2: int, y2: int) -> np.ndarray:
    mask = np.zeros((48, 64), bool)
    mask[y1:y2, x1:x2] = True
    return mask


def draw(case: Case, findings: list[FindingRow], slices: list[SliceRows]) -> None:
    revision_record_system(case, "imported", findings, slices, operation="import")
    case.refresh_from_db()


def export(project: Project, format: str, folder: Path, which: str = NEWEST) -> ExportReport:
    folder.mkdir()
    report = export_write(export_cases_of(project, which), format, folder)
    assert sorted(path.name for path in folder.iterdir()) == sorted(report.files)
    return report


def decode(told: dict[str, Any]) -> np.ndarray:
    """By the reader of the import, which shares no line with what wrote them."""
    return mask_of_counts(decompress(told["counts"]), told["size"])


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def overlapping_case() -> Case:
    """Two objects that share pixels, one that was rejected, and a region marked as reviewed."""
    case = a_case(a_project(labels=("nucleus", "debris"), predict_on_import=False))
    draw(
        case,
        [
            a_finding(1, score=0.5, source="network", state="proposed"),
            a_finding(2, label=2, score=0.9, source="network", state="proposed"),
            a_finding(3, state="rejected"),
        ],
        [
            SliceRows(1, 0, rows_of(0, 0, 10, 10)),
            SliceRows(2, 0, rows_of(5, 5, 20, 12)),
            SliceRows(3, 0, rows_of(30, 30, 40, 40)),
            SliceRows(0, 0, rows_of(0, 0, 32, 48)),
        ],
    )
    return case
