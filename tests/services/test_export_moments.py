"""Images of several moments leave with all of them, on the file's own grid."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel
import numpy as np
import pytest
import tifffile

from segmentation.models import Case, Project
from segmentation.services.changes import SliceRows
from tests.builders import a_case, a_finding, a_project, rows_of
from tests.services.exporting import decode, draw, export, square, table

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return a_project(predict_on_import=False)


@pytest.fixture
def cine(project: Project) -> Case:
    """Two objects in a cine of four frames: one at frames 1 and 3, the other at frame 3."""
    case = a_case(project, moments=4)
    draw(
        case,
        [a_finding(1), a_finding(2)],
        [
            SliceRows(1, 1, rows_of(0, 0, 10, 10)),
            SliceRows(1, 3, rows_of(2, 0, 12, 10)),
            SliceRows(2, 3, rows_of(20, 20, 24, 24)),
        ],
    )
    return case


def test_a_cine_is_a_tiff_with_a_page_for_each_frame(
    project: Project, cine: Case, tmp_path: Path
) -> None:
    export(project, "labels", tmp_path / "out")
    with tifffile.TiffFile(tmp_path / "out" / "case-1.labels.tif") as tiff:
        assert tiff.series[0].axes == "TYX"
        labels = tiff.asarray()
    assert labels.shape == (4, 48, 64)
    assert not labels[[0, 2]].any()
    assert np.array_equal(labels[1], square(0, 0, 10, 10))
    assert np.array_equal(labels[3], square(2, 0, 12, 10) + 2 * square(20, 20, 24, 24))
    told = json.loads((tmp_path / "out" / "case-1.findings.json").read_text())
    first, second = told["findings"]
    assert (told["moments"], first["moments"], second["moments"]) == (4, [1, 3], [3])
    assert first["box"] == [0, 0, 12, 10]
    rows = {row["moment"]: decode(row) for row in first["slices"].values()}
    assert np.array_equal(rows[3], square(2, 0, 12, 10))


def test_coco_names_the_frame_of_every_mask(project: Project, cine: Case, tmp_path: Path) -> None:
    export(project, "coco", tmp_path / "out")
    told = json.loads((tmp_path / "out" / "annotations.json").read_text())
    images = {image["id"]: image for image in told["images"]}
    assert [(image["moment"], image["z"]) for image in told["images"]] == [(1, 0), (3, 0)]
    assert len({image["file_name"] for image in told["images"]}) == 2
    found = {(one["finding"], images[one["image_id"]]["moment"]) for one in told["annotations"]}
    assert found == {(1, 1), (1, 3), (2, 3)}


def test_a_table_has_a_row_for_each_frame_of_a_finding(
    project: Project, cine: Case, tmp_path: Path
) -> None:
    cine.images.update(spacing_mm=[1.0, 0.5, 0.5], spacing_source="patient")
    export(project, "csv", tmp_path / "out")
    rows = table(tmp_path / "out" / "findings.csv")
    said = [(row["finding"], row["moment"], row["pixels"], row["area_mm2"]) for row in rows]
    assert said == [("1", "1", "100", "25.0"), ("1", "3", "100", "25.0"), ("2", "3", "16", "4.0")]
    assert [rows[1]["x1"], rows[1]["x2"]] == ["2", "12"]


def test_a_volume_with_moments_is_a_nifti_of_four_axes(project: Project, tmp_path: Path) -> None:
    """Planes 1 and 5 of three slices a moment: slice 1 of moment 0, slice 2 of moment 1."""
    case = a_case(project, zyx=(3, 48, 64), moments=2)
    masks = [SliceRows(1, 1, rows_of(0, 0, 8, 8)), SliceRows(1, 5, rows_of(8, 8, 9, 12))]
    draw(case, [a_finding(1)], masks)
    for format, name in (("nifti", "case-1.nii.gz"), ("labels", "case-1.labels.nii.gz")):
        export(project, format, tmp_path / format)
        labels = np.asarray(nibabel.load(tmp_path / format / name).dataobj)
        assert labels.shape == (64, 48, 3, 2)
        assert np.array_equal(labels[:, :, 1, 0].T, square(0, 0, 8, 8))
        assert np.array_equal(labels[:, :, 2, 1].T, square(8, 8, 9, 12))
        assert labels.sum() == 64 + 4
    told = json.loads((tmp_path / "labels" / "case-1.findings.json").read_text())
    places = {(row["moment"], row["slice"]) for row in told["findings"][0]["slices"].values()}
    assert places == {(0, 1), (1, 2)}


def test_a_box_of_a_cine_leaves_with_its_frame(tmp_path: Path) -> None:
    project = a_project(task="boxes", predict_on_import=False)
    case = a_case(project, moments=3)
    draw(case, [a_finding(1, box=[1, 2, 9, 8], z=2)], [])
    export(project, "coco", tmp_path / "out")
    told = json.loads((tmp_path / "out" / "annotations.json").read_text())
    assert [image["moment"] for image in told["images"]] == [2]
    assert told["annotations"][0]["bbox"] == [1, 2, 8, 6]
