"""What is exported is what was reviewed, on the grid that the file came on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import tifffile
from PIL import Image as Pillow

from segmentation.demo.dicom import write_ct_series
from segmentation.demo.folders import Row, write_index
from segmentation.demo.phantoms import orientation_phantom
from segmentation.engine import masks
from segmentation.interchange.nifti import write_nifti_mask
from segmentation.interchange.types import SourceGrid
from segmentation.models import Case, Project, Review
from segmentation.services import export_formats, exports
from segmentation.services.changes import SliceRows
from segmentation.services.export_requests import ACCEPTED, CHOSEN
from segmentation.services.exports import (
    NEWEST,
    export_cases_of,
    export_write,
    stems_of,
)
from segmentation.services.imports import import_paths
from tests.builders import a_case, a_finding, a_person, a_project, a_slice
from tests.services.exporting import decode, draw, export, overlapping_case, square, table

pytestmark = pytest.mark.django_db
SHAPE = (5, 7, 6)
"""An odd block, ``(z, y, x)``: no two sides are equal, so a swapped axis shows."""


def bring(folder: Path, rows: list[Row], project: Project, *, instances: bool = False) -> None:
    write_index(folder, rows, instances=instances)
    report = import_paths([folder], project, None)
    assert report.refused == 0, report.files
    assert report.imported == len(rows)


@pytest.fixture
def overlapping() -> Case:
    return overlapping_case()


# Label maps ----------------------------------------------------------------------------------


def test_a_picture_s_labels_are_a_tiff_with_the_higher_score_on_top(
    overlapping: Case, tmp_path: Path
) -> None:
    export(overlapping.project, "labels", tmp_path / "out")
    labels = tifffile.imread(tmp_path / "out" / "case-1.labels.tif")
    expected = np.where(square(5, 5, 20, 12), 2, np.where(square(0, 0, 10, 10), 1, 0))
    assert np.array_equal(labels, expected)


def test_overlaps_are_whole_in_the_findings_and_rejected_ones_are_not_there(
    overlapping: Case, tmp_path: Path
) -> None:
    export(overlapping.project, "labels", tmp_path / "out")
    told = json.loads((tmp_path / "out" / "case-1.findings.json").read_text())
    first, second = told["findings"]
    assert (first["finding"], first["value"], first["label"]) == (1, 1, "nucleus")
    assert (second["finding"], second["value"], second["label"]) == (2, 2, "debris")
    assert first["box"] == [0, 0, 10, 10]
    assert first["slices"]["0"]["size"] == [48, 64]
    decoded = decode(first["slices"]["0"])
    assert np.array_equal(decoded, square(0, 0, 10, 10))
    assert np.array_equal(decode(told["reviewed"]["0"]), square(0, 0, 32, 48))


def test_objects_are_numbered_from_1_however_high_their_numbers_are(tmp_path: Path) -> None:
    case = a_case(a_project())
    draw(case, [a_finding(n) for n in (70_001, 90_000)], [a_slice(70_001), a_slice(90_000, x=8)])
    export(case.project, "labels", tmp_path / "out")
    labels = tifffile.imread(tmp_path / "out" / "case-1.labels.tif")
    assert (labels[0, 0], labels[0, 8], labels.max()) == (1, 2, 2)


ORIENTATIONS = {
    "LPS": np.diag([-1.5, -2.0, 3.0, 1.0]),
    "RAS": np.diag([1.5, 2.0, 3.0, 1.0]),
    "PIR": np.array([[0, 0, 3.0, 4], [-1.5, 0, 0, 5], [0, -2.0, 0, 6], [0, 0, 0, 1]]),
    "oblique SAL": np.array(
        [[0.1, 0.2, -2.9, 4], [0.1, 1.9, 0.2, 5], [1.4, -0.1, 0.1, 6], [0, 0, 0, 1]]
    ),
}


@pytest.mark.parametrize("name", ORIENTATIONS)
@pytest.mark.parametrize("format", ["nifti", "labels"])
def test_a_nifti_volume_gets_its_mask_back_on_its_own_grid(
    name: str, format: str, tmp_path: Path
) -> None:
    """The phantom's truth goes in as a mask beside the image and must come out bit for bit."""
    affine = ORIENTATIONS[name]
    labels = np.random.default_rng(0).integers(0, 4, SHAPE[::-1], np.uint8)
    image = np.arange(labels.size, dtype=np.int16).reshape(labels.shape)
    folder = tmp_path / "in"
    folder.mkdir()
    source = nib.Nifti1Image(image, affine)
    source.set_qform(affine, 2)
    source.set_sform(affine, 3)
    nib.save(source, folder / "image.nii.gz")
    nib.save(nib.Nifti1Image(labels, affine), folder / "mask.nii.gz")
    project = a_project(labels=("left", "back", "head"), task="semantic")
    bring(folder, [Row("a", "image.nii.gz", "", "", mask="mask.nii.gz")], project)
    export(project, format, tmp_path / "out")
    (path,) = (tmp_path / "out").glob("*.nii.gz")
    written = nib.load(path)
    assert np.array_equal(np.asanyarray(written.dataobj), labels)
    kept = nib.load(folder / "image.nii.gz").header
    for field in ("srow_x", "srow_y", "srow_z", "sform_code", "qform_code", "quatern_b"):
        assert np.array_equal(written.header[field], kept[field]), field


def test_a_dicom_series_gets_its_mask_back_at_its_place_in_the_patient(tmp_path: Path) -> None:
    phantom = orientation_phantom()
    folder = tmp_path / "in"
    (folder / "ct").mkdir(parents=True)
    affine = write_ct_series(folder / "ct", with_room(phantom), "phantom")
    grid = SourceGrid((0, 1, 2), (False, False, False), phantom.labels.shape)
    write_nifti_mask(folder / "mask.nii.gz", phantom.labels, grid, affine)
    project = a_project(labels=phantom.label_names, task="semantic")
    bring(folder, [Row("a", "ct", "", "", mask="mask.nii.gz")], project)
    export(project, "nifti", tmp_path / "out")
    (path,) = (tmp_path / "out").glob("*.nii.gz")
    written = nib.load(path)
    assert np.array_equal(np.asanyarray(written.dataobj).T, phantom.labels)
    # NIfTI's world is RAS: the first two rows of LPS change their sign.
    assert written.affine == pytest.approx(np.diag([-1, -1, 1, 1]) @ affine, abs=1e-4)


def with_room(phantom: Any) -> Any:
    """The phantom in HU that 12 bits can hold."""
    return type(phantom)(phantom.pixels % 3000, phantom.labels, phantom.label_names,
                         phantom.spacing_mm)  # fmt: skip


def test_a_turned_photograph_gets_its_masks_back_as_the_file_lies(tmp_path: Path) -> None:
    """Orientation 6: shown upright after a quarter turn, stored lying; COCO speaks of the file."""
    folder = tmp_path / "in"
    folder.mkdir()
    pixels = np.random.default_rng(0).integers(0, 255, (8, 20, 3), np.uint8)
    exif = Pillow.Exif()
    exif[0x0112] = 6
    Pillow.fromarray(pixels).save(folder / "photo.png", exif=exif)
    project = a_project(predict_on_import=False)
    import_paths([folder], project, None)
    case = Case.objects.get()
    upright = np.zeros((20, 8), bool)
    upright[2:6, 1:3] = True
    runs = masks.to_bytes(masks.encode(upright))
    draw(case, [a_finding(1)], [SliceRows(1, 0, runs)])
    export(project, "coco", tmp_path / "out")
    (annotation,) = json.loads((tmp_path / "out" / "annotations.json").read_text())["annotations"]
    lying = np.rot90(upright)
    assert np.array_equal(decode(annotation["segmentation"]), lying)
    y, x = np.nonzero(lying)
    assert annotation["bbox"] == [x.min(), y.min(), np.ptp(x) + 1, np.ptp(y) + 1]


# Which cases, and what goes wrong ------------------------------------------------------------


def test_accepted_is_what_was_accepted_even_if_more_was_drawn(tmp_path: Path) -> None:
    project = a_project()
    accepted, open_one, withdrawn = (a_case(project) for _ in range(3))
    for case in (accepted, open_one, withdrawn):
        draw(case, [a_finding(1)], [a_slice(1)])
    reviewer = a_person("rita")
    Review.objects.create(
        case=accepted, revision=accepted.head, author=reviewer, verdict="accepted"
    )
    Case.objects.filter(pk=accepted.pk).update(state="accepted", accepted_revision=accepted.head)
    Case.objects.filter(pk=withdrawn.pk).update(state="withdrawn")
    assert [case.number for case in export_cases_of(project, ACCEPTED)] == [1]
    assert [case.number for case in export_cases_of(project, NEWEST)] == [1, 2]
    chosen = [str(open_one.pk), str(withdrawn.pk)]
    assert [case.number for case in export_cases_of(project, CHOSEN, chosen)] == [2]
    export(project, "csv", tmp_path / "out", ACCEPTED)
    (row,) = table(tmp_path / "out" / "findings.csv")
    assert row["reviewer"] == "rita"
    manifest = json.loads((tmp_path / "out" / "export.json").read_text())
    assert manifest["cases"][0]["digest"] == accepted.head.digest


def test_a_case_that_was_reopened_leaves_as_it_is_now(tmp_path: Path) -> None:
    case = a_case(a_project())
    draw(case, [a_finding(1)], [a_slice(1)])
    Case.objects.filter(pk=case.pk).update(state="in_progress", accepted_revision=case.head)
    case.refresh_from_db()
    draw(case, [a_finding(2)], [a_slice(2, x=8)])
    export(case.project, "csv", tmp_path / "out")
    assert len(table(tmp_path / "out" / "findings.csv")) == 2


def test_a_file_that_does_not_read_back_is_not_offered_and_hides_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = a_project()
    for _ in range(3):
        draw(a_case(project), [a_finding(1)], [a_slice(1)])
    written: list[Path] = []
    whole = export_formats.write_labels

    def damaging(path: Path, labels: Any, axes: str) -> None:
        whole(path, labels, axes)
        written.append(path)
        if len(written) == 2:
            whole(path, np.zeros_like(labels))

    monkeypatch.setattr(export_formats, "write_labels", damaging)
    report = export(project, "labels", tmp_path / "out")
    assert report.exported == 2
    assert [(told["case"], told["code"]) for told in report.refused] == [(2, "export_damaged")]
    assert not list((tmp_path / "out").glob("case-2*"))
    manifest = json.loads((tmp_path / "out" / "export.json").read_text())
    assert [told["case"] for told in manifest["cases"]] == [1, 3]
    assert manifest["refused"][0]["case"] == 2


def test_more_objects_than_a_label_map_can_number_are_refused_with_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = a_case(a_project())
    draw(case, [a_finding(1), a_finding(2)], [a_slice(1), a_slice(2, x=8)])
    monkeypatch.setattr("segmentation.services.export_case.HIGHEST_VALUE", 1)
    report = export(case.project, "labels", tmp_path / "out")
    assert "as COCO" in report.refused[0]["sentence"]


def test_file_names_are_plain_and_never_twice_the_same() -> None:
    project = a_project()
    titles = ["a b/c.nii.gz", "A B/C", "../..", "a-b-c-4", "a b c"]
    for title in titles:
        a_case(project)
        Case.objects.filter(project=project, title__startswith="case ").update(title=title)
    cases = list(Case.objects.order_by("number"))
    stems = [stems_of(cases)[case.pk] for case in cases]
    assert stems[:2] == ["a-b-c", "A-B-C-2"]
    assert stems[2] == "case-00003"
    assert len({stem.casefold() for stem in stems}) == len(titles)


def test_a_format_that_does_not_exist_is_refused(overlapping: Case, tmp_path: Path) -> None:
    with pytest.raises(exports.InvalidInputError, match="labels, nifti, coco, csv"):
        export_write([overlapping], "mesh", tmp_path)
