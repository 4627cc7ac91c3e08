"""``export_cases``: a folder that is whole or not there, and an exit code that says which."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from segmentation.models import Case, Project
from segmentation.services import export_formats
from segmentation.services.revisions import revision_record_system
from tests.builders import a_case, a_finding, a_project, a_slice
from tests.commands.folders import run

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    """Two cases with a mask, the first of them accepted."""
    project = a_project("Cells")
    for number in (1, 2):
        case = a_case(project)
        revision = revision_record_system(case, "imported", [a_finding(1)], [a_slice(1, x=number)])
        if number == 1:
            Case.objects.filter(pk=case.pk).update(state="accepted", accepted_revision=revision)
    return project


def export(out: Path, *words: str, format: str = "labels") -> tuple[int, dict[str, Any], str]:
    return run("export_cases", "--project", "Cells", "--format", format, "--out", out, *words)


def test_accepted_cases_are_written_and_named(project: Project, tmp_path: Path) -> None:
    code, told, said = export(tmp_path / "deep" / "out")
    assert code == 0
    assert (told["exported"], told["refused"]) == (1, [])
    folder = Path(told["folder"])
    assert sorted(path.name for path in folder.iterdir()) == sorted(told["files"])
    labels = tifffile.imread(folder / "case-1.labels.tif")
    assert np.array_equal(np.flatnonzero(labels[0]), [1, 2, 3, 4])
    assert "1 exported, 0 refused" in said
    assert list((tmp_path / "deep").iterdir()) == [folder]


def test_the_newest_of_every_case_can_be_asked_for(project: Project, tmp_path: Path) -> None:
    code, told, _ = export(tmp_path / "out", "--which", "newest", format="csv")
    assert (code, told["exported"]) == (0, 2)
    with (tmp_path / "out" / "findings.csv").open(newline="") as file:
        assert [row["case"] for row in csv.DictReader(file)] == ["1", "2"]


def test_a_refused_case_ends_with_1_and_the_others_are_there(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = export_formats.write_labels

    def damaging(path: Path, labels: Any, axes: str) -> None:
        whole(path, np.zeros_like(labels) if path.name.startswith("case-1") else labels)

    monkeypatch.setattr(export_formats, "write_labels", damaging)
    code, told, said = export(tmp_path / "out", "--which", "newest")
    assert code == 1
    assert [refused["case"] for refused in told["refused"]] == [1]
    assert said.startswith("case 1: case-1.labels.tif does not read back")
    assert (tmp_path / "out" / "case-2.labels.tif").exists()
    assert not (tmp_path / "out" / "case-1.labels.tif").exists()


def test_where_every_case_is_refused_nothing_is_written(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = export_formats.write_labels
    monkeypatch.setattr(
        export_formats,
        "write_labels",
        lambda path, labels, axes: whole(path, labels * 0),
    )
    code, told, _ = export(tmp_path / "out")
    assert (code, told["folder"], told["files"]) == (1, None, [])
    assert list(tmp_path.iterdir()) == []


def test_an_export_that_breaks_off_leaves_nothing(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, labels: Any, axes: str) -> None:
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(export_formats, "write_labels", full)
    code, told, _ = export(tmp_path / "out")
    assert (code, told["error"]["code"]) == (1, "file_error")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_empty_is_left_alone(project: Project, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    code, told, said = export(tmp_path)
    assert (code, told["error"]["code"]) == (2, "usage")
    assert "not empty" in said
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_an_empty_folder_is_taken(project: Project, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    assert export(out)[0] == 0


def test_a_project_that_is_not_there_is_misuse(tmp_path: Path) -> None:
    code, _, said = export(tmp_path / "out")
    assert (code, said.strip()) == (2, "There is no project named 'Cells'.")


def test_a_project_without_accepted_cases_is_told_so(tmp_path: Path) -> None:
    a_case(a_project("Cells"))
    code, _, said = export(tmp_path / "out")
    assert code == 2
    assert "no accepted case yet" in said
