"""COCO and the table: every finding of every case in one file, on the file's own grid."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from segmentation.demo.folders import Row, write_index
from segmentation.interchange.intake import read_paths
from segmentation.models import Case
from segmentation.services.imports import import_paths
from tests.builders import a_case, a_finding, a_project, a_slice
from tests.services.exporting import draw, export, overlapping_case, square, table

pytestmark = pytest.mark.django_db


@pytest.fixture
def overlapping() -> Case:
    return overlapping_case()


# COCO ----------------------------------------------------------------------------------------


def test_coco_is_read_by_its_own_tools_with_overlaps_whole(
    overlapping: Case, tmp_path: Path
) -> None:
    export(overlapping.project, "coco", tmp_path / "out")
    peer = pytest.importorskip("pycocotools.coco")
    coco = peer.COCO(str(tmp_path / "out" / "annotations.json"))
    first, second = coco.loadAnns(coco.getAnnIds())
    assert np.array_equal(coco.annToMask(first), square(0, 0, 10, 10))
    assert np.array_equal(coco.annToMask(second), square(5, 5, 20, 12))
    assert second["bbox"] == [5, 5, 15, 7]
    assert second["area"] == 15 * 7
    assert coco.loadCats(second["category_id"])[0]["name"] == "debris"


def test_exported_coco_comes_in_again_as_the_same_findings(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    pixels = np.random.default_rng(0).integers(0, 255, (48, 64), np.uint8)
    Pillow.fromarray(pixels).save(folder / "cells.png")
    project = a_project(predict_on_import=False, keep_file_names=True)
    import_paths([folder / "cells.png"], project, None)
    draw(Case.objects.get(), [a_finding(1), a_finding(2)], [a_slice(1), a_slice(2, x=2)])
    export(project, "coco", tmp_path / "out")
    (tmp_path / "out" / "annotations.json").rename(folder / "masks.json")
    write_index(folder, [Row("a", "cells.png", "", "", mask="masks.json")], instances=True)
    (case,) = read_paths([folder]).cases
    assert [finding.box for finding in case.truths[0].findings] == [(0, 0, 4, 4), (2, 0, 6, 4)]


def test_boxes_and_labels_of_a_whole_image_are_in_coco_too(tmp_path: Path) -> None:
    boxes = a_case(a_project(task="boxes"))
    draw(boxes, [a_finding(1, box=[3, 4, 10, 20], z=0)], [])
    export(boxes.project, "coco", tmp_path / "boxes")
    (told,) = json.loads((tmp_path / "boxes" / "annotations.json").read_text())["annotations"]
    assert (told["bbox"], told["area"]) == ([3, 4, 7, 16], 112)
    words = a_case(a_project(task="labels", labels=("healthy", "ill")))
    draw(words, [a_finding(1, label=2)], [])
    export(words.project, "coco", tmp_path / "words")
    document = json.loads((tmp_path / "words" / "annotations.json").read_text())
    assert document["images"][0]["labels"] == ["ill"]
    assert document["annotations"] == []


def test_a_volume_s_findings_are_in_coco_slice_by_slice(tmp_path: Path) -> None:
    case = a_case(a_project(), zyx=(4, 48, 64))
    draw(case, [a_finding(1)], [a_slice(1, z=1), a_slice(1, z=3, x=9)])
    export(case.project, "coco", tmp_path / "out")
    document = json.loads((tmp_path / "out" / "annotations.json").read_text())
    assert [(image["z"], image["file_name"]) for image in document["images"]] == [
        (1, "case-1.0001"),
        (3, "case-1.0003"),
    ]
    assert [told["finding"] for told in document["annotations"]] == [1, 1]


# The table -----------------------------------------------------------------------------------


def test_the_table_has_a_row_per_finding_with_its_size_where_a_spacing_is_known(
    overlapping: Case, tmp_path: Path
) -> None:
    overlapping.images.update(spacing_mm=[1.0, 0.5, 0.25], spacing_source="pixel_size")
    export(overlapping.project, "csv", tmp_path / "out")
    first, second = table(tmp_path / "out" / "findings.csv")
    assert (first["finding"], first["pixels"], first["label"]) == ("1", "100", "nucleus")
    assert float(first["area_mm2"]) == 100 * 0.5 * 0.25
    assert first["spacing"] == "pixel_size"
    assert [second[side] for side in ("x1", "y1", "x2", "y2")] == ["5", "5", "20", "12"]


def test_without_a_spacing_the_table_invents_none(overlapping: Case, tmp_path: Path) -> None:
    export(overlapping.project, "csv", tmp_path / "out")
    first, _ = table(tmp_path / "out" / "findings.csv")
    assert (first["area_mm2"], first["volume_mm3"], first["spacing"]) == ("", "", "")


def test_a_volume_s_findings_have_volumes(tmp_path: Path) -> None:
    case = a_case(a_project(), zyx=(4, 48, 64))
    case.images.update(spacing_mm=[2.0, 0.5, 0.5], spacing_source="patient")
    draw(case, [a_finding(1)], [a_slice(1, z=1), a_slice(1, z=3)])
    export(case.project, "csv", tmp_path / "out")
    (row,) = table(tmp_path / "out" / "findings.csv")
    assert (float(row["volume_mm3"]), row["area_mm2"]) == (32 * 2.0 * 0.5 * 0.5, "")
    assert (row["slice1"], row["slice2"]) == ("1", "4")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t"])
def test_text_that_a_spreadsheet_would_run_is_disarmed(start: str, tmp_path: Path) -> None:
    case = a_case(a_project(labels=(f"{start}HYPERLINK(1)",)))
    Case.objects.update(title=f"{start}1+1")
    draw(case, [a_finding(1)], [a_slice(1)])
    export(case.project, "csv", tmp_path / "out")
    (row,) = table(tmp_path / "out" / "findings.csv")
    assert row["label"] == f"'{start}HYPERLINK(1)"
    assert row["title"] == f"'{start}1+1"
