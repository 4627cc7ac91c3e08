"""COCO run lengths, polygons and documents, held against pycocotools."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from segmentation.interchange.annotations import read_boxes
from segmentation.interchange.budget import Budget
from segmentation.interchange.coco import (
    coco_document,
    compress,
    counts_of,
    cut_out,
    decompress,
    findings_of,
    mask_of_counts,
    read_coco,
)
from segmentation.interchange.errors import UnreadableError
from segmentation.interchange.types import Limits, ReadFinding

BUDGET = Budget(Limits())
peer = pytest.importorskip("pycocotools.mask", reason="pycocotools comes with the dev extra only")


@pytest.mark.parametrize("seed", range(25))
def test_run_lengths_equal_those_of_pycocotools(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shape = tuple(rng.integers(1, 60, 2))
    mask = rng.random(shape) < rng.choice([0.0, 0.02, 0.5, 0.98, 1.0])
    theirs = peer.encode(np.asfortranarray(mask.astype(np.uint8)))["counts"].decode()
    counts = counts_of(mask)
    assert compress(counts) == theirs
    assert decompress(theirs) == counts
    assert np.array_equal(mask_of_counts(counts, shape), mask)


@pytest.mark.parametrize("counts", [[3], [5, -1], [2, 3]])
def test_run_lengths_that_do_not_fill_the_picture_are_refused(counts: list[int]) -> None:
    with pytest.raises(UnreadableError, match="fill"):
        mask_of_counts(counts, (2, 2))


@pytest.mark.parametrize("text", ["P", "\x00", "~~", "o" * 40])
def test_damaged_strings_are_refused(text: str) -> None:
    with pytest.raises(UnreadableError):
        decompress(text)


def test_a_polygon_covers_the_pixels_whose_centres_it_holds() -> None:
    # From 1 to 4 across and 2 to 4 down: three columns and two rows of whole pixels.
    entry = {"label": "a", "box": [], "segmentation": [[1, 2, 4, 2, 4, 4, 1, 4]]}
    (found,) = findings_of([entry], (6, 8))
    assert found.box == (1, 2, 4, 4)
    assert found.crop.all()


def test_parts_of_one_object_are_united_and_empty_ones_left_out() -> None:
    parts = [[0, 0, 2, 0, 2, 2, 0, 2], [4, 4, 6, 4, 6, 6, 4, 6]]
    tiny = {"label": "b", "box": [], "segmentation": [[0.1, 0.1, 0.2, 0.1, 0.2, 0.2]]}
    (found,) = findings_of([{"label": "a", "box": [], "segmentation": parts}, tiny], (8, 8))
    assert found.box == (0, 0, 6, 6)
    assert int(found.crop.sum()) == 8


def test_a_document_comes_back_with_overlaps_apart(tmp_path: Path) -> None:
    first, second = np.zeros((9, 7), bool), np.zeros((9, 7), bool)
    first[1:5, 1:4], second[3:8, 2:7] = True, True
    second[5, 4] = False
    findings = [
        cut_out("lung", first),
        cut_out("heart", second),
        ReadFinding("heart", (0, 1, 3, 4)),
    ]
    document = coco_document(
        [("a.png", (9, 7), findings), ("b.png", (4, 4), [])], ["heart", "lung"]
    )
    (tmp_path / "c.json").write_text(json.dumps(document))
    table = read_coco(tmp_path / "c.json", BUDGET)
    assert table["labels"] == {1: "heart", 2: "lung"}
    assert table["images"]["b.png"] == {"size": [4, 4], "objects": []}
    back = findings_of(table["images"]["a.png"]["objects"], (9, 7))
    assert [one.label for one in back] == ["lung", "heart", "heart"]
    assert [one.box for one in back] == [one.box for one in findings]
    assert np.array_equal(back[0].crop, findings[0].crop)
    assert np.array_equal(back[1].crop, findings[1].crop)
    assert back[2].crop is None
    areas = [entry["area"] for entry in document["annotations"]]
    assert areas == [int(first.sum()), int(second.sum()), 9]
    theirs = peer.decode(document["annotations"][1]["segmentation"])
    assert np.array_equal(theirs.astype(bool), second)


@pytest.mark.parametrize("text", ["[]", "{}", "{", '{"categories": [], "images": 3}', "\xff"])
def test_other_json_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "c.json").write_text(text, encoding="latin-1")
    with pytest.raises(UnreadableError, match="COCO"):
        read_coco(tmp_path / "c.json", BUDGET)


VOC = """<annotation><size><width>20</width><height>10</height></size>
<object><name>RBC</name><part><name>no</name></part>
<bndbox><xmin>1</xmin><ymin>3</ymin><xmax>20</xmax><ymax>3</ymax></bndbox></object>
<object><bndbox><xmin>0</xmin><ymin>0</ymin><xmax>5</xmax><ymax>4</ymax></bndbox>
<name>WBC</name></object></annotation>"""


def test_voc_boxes_become_half_open(tmp_path: Path) -> None:
    (tmp_path / "v.xml").write_text(VOC)
    assert read_boxes(tmp_path / "v.xml", BUDGET) == {
        "size": [10, 20],
        "boxes": [
            {"label": "RBC", "box": [0, 2, 20, 3]},
            {"label": "WBC", "box": [0, 0, 5, 4]},
        ],
    }


@pytest.mark.parametrize(
    "text",
    [
        '<!DOCTYPE a [<!ENTITY b "c">]><annotation>&b;</annotation>',
        "<annotation><object><name>a</name></object></annotation>",
        "<annotation>",
        "",
        VOC.replace("<xmax>20<", "<xmax>x<"),
        VOC.replace("<xmax>5<", "<xmax>-5<"),
    ],
)
def test_other_xml_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "v.xml").write_text(text)
    with pytest.raises(UnreadableError):
        read_boxes(tmp_path / "v.xml", BUDGET)
