"""``index.csv``: masks, annotations and facts find their image, whatever holds the folder."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import tifffile
from PIL import Image

from segmentation.interchange.intake import read_paths
from segmentation.interchange.labels import write_labels
from segmentation.interchange.nifti import write_nifti_mask
from segmentation.interchange.sandbox import Sandbox
from segmentation.interchange.types import NamedPath
from tests.interchange.drawn import asymmetric, write_axial
from tests.interchange.folders import codes, index, png, roles, zipped


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as opened:
        yield opened


def test_an_index_gives_masks_splits_and_facts(sandbox: Sandbox, tmp_path: Path) -> None:
    png(tmp_path / "images" / "a.png")
    png(tmp_path / "images" / "b.png")
    mask = np.zeros((20, 30), np.uint16)
    mask[2:5, 3:9], mask[10:12, 3:9] = 1, 2
    (tmp_path / "masks").mkdir()
    write_labels(tmp_path / "masks" / "a.png", mask)
    (tmp_path / "README.md").write_text("about")
    index(tmp_path, [
        {"id": "A", "image": "images/a.png", "mask": "masks/a.png", "split": "train",
         "group": "g1", "patient": "p7", "kind": "fluorescence", "n_instances": 2, "x": "y"},
        {"id": "B", "image": "images/b.png", "mask": "", "split": "test",
         "group": "g2", "patient": "", "kind": "", "n_instances": 0, "x": ""},
    ])  # fmt: skip
    intake = read_paths([tmp_path], sandbox=sandbox)
    first, second = intake.cases
    assert (first.identifier, first.split, first.group) == ("A", "train", "g1")
    assert (first.patient, first.kind) == ("p7", "fluorescence")
    (truth,) = first.truths
    assert truth.kind == "instances"
    assert np.array_equal(truth.array[0], mask)
    assert second.truths == ()
    assert len(intake.images) == 2
    assert not intake.refusals
    assert roles(intake) == {
        "a.png": "mask", "b.png": "image", "index.csv": "table", "README.md": "note",
    }  # fmt: skip


def test_an_index_inside_a_zip_and_among_uploaded_names_is_read_too(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    png(tmp_path / "d" / "a.png")
    (tmp_path / "d" / "m").mkdir()
    write_labels(tmp_path / "d" / "m" / "a.png", np.ones((20, 30), np.uint16))
    index(tmp_path / "d", [{"id": "A", "image": "a.png", "label": "m/a.png"}])
    archive = zipped(tmp_path / "d", tmp_path / "d.zip")
    named = [
        NamedPath(tmp_path / "d" / name, f"up/{name}") for name in ("index.csv", "m/a.png", "a.png")
    ]
    for given in ([archive], named):
        (case,) = read_paths(given, sandbox=sandbox).cases
        assert case.identifier == "A"
        assert case.truths[0].kind == "classes"


def test_a_mask_of_another_size_is_refused_and_its_image_kept(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    png(tmp_path / "a.png")
    write_labels(tmp_path / "m.png", np.ones((20, 29), np.uint16))
    index(tmp_path, [{"image": "a.png", "mask": "m.png"}, {"image": "b.png", "mask": ""}])
    intake = read_paths([tmp_path], sandbox=sandbox)
    assert len(intake.images) == 1
    assert intake.cases[0].truths == ()
    assert codes(intake) == {"m.png": "mask_size_differs", "index.csv": "not_found"}
    (size,) = [r for r in intake.refusals if r.code == "mask_size_differs"]
    assert "1 x 20 x 29" in size.sentence
    assert "1 x 20 x 30" in size.sentence


def test_a_mask_on_a_turned_photograph_turns_with_it(sandbox: Sandbox, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.arange(600, dtype=np.uint16).reshape(20, 30)).save(
        tmp_path / "a.png", exif=exif
    )
    mask = np.zeros((20, 30), np.uint16)
    mask[0, 5] = 1
    write_labels(tmp_path / "m.png", mask)
    index(tmp_path, [{"image": "a.png", "mask": "m.png"}])
    (case,) = read_paths([tmp_path], sandbox=sandbox).cases
    (where,) = np.argwhere(case.truths[0].array[0])
    assert case.image.pixels[0, 0, 0][tuple(where)] == 5


def test_a_nifti_label_is_matched_in_space(sandbox: Sandbox, tmp_path: Path) -> None:
    volume = asymmetric()
    affine = np.diag([-0.5, -0.7, 3.0, 1.0])
    affine[:3, 3] = (10, 20, -5)
    nib.save(nib.Nifti1Image(volume.transpose(2, 1, 0), affine), tmp_path / "v.nii.gz")
    # The same places, written by a program that runs its first axis the other way.
    labels = (volume.transpose(2, 1, 0) % 5 == 0).astype(np.uint8)
    turned = affine @ np.diag([-1.0, 1, 1, 1])
    turned[:3, 3] = (affine @ [6, 0, 0, 1])[:3]
    nib.save(nib.Nifti1Image(labels[::-1], turned), tmp_path / "l.nii.gz")
    moved = turned.copy()
    moved[2, 3] += 6
    nib.save(nib.Nifti1Image(labels[::-1], moved), tmp_path / "moved.nii.gz")
    index(tmp_path, [
        {"image": "v.nii.gz", "label": "l.nii.gz", "modality": "CT"},
        {"image": "v.nii.gz", "label": "moved.nii.gz", "modality": "CT"},
    ])  # fmt: skip
    intake = read_paths([tmp_path], sandbox=sandbox)
    right, wrong = intake.cases
    assert np.array_equal(right.truths[0].array, volume % 5 == 0)
    assert right.kind == "ct"
    assert right.image.modality == "CT"
    assert wrong.truths == ()
    assert codes(intake) == {"moved.nii.gz": "mask_size_differs"}


def test_an_exported_mask_comes_back_onto_its_series(sandbox: Sandbox, tmp_path: Path) -> None:
    write_axial(tmp_path / "s", [0, 2, 4])
    (image,) = read_paths([tmp_path / "s"], sandbox=sandbox).images
    mask = np.zeros((3, 5, 7), np.uint16)
    mask[1, 2, 3], mask[2, 0, 6] = 4, 9
    write_nifti_mask(tmp_path / "m.nii.gz", mask, image.source, image.affine_lps)
    index(tmp_path, [{"image": "s", "mask": "m.nii.gz"}])
    (case,) = read_paths([tmp_path], sandbox=sandbox).cases
    assert np.array_equal(case.truths[0].array, mask)


def test_masks_of_an_image_with_moments_have_as_many(sandbox: Sandbox, tmp_path: Path) -> None:
    """Turned along x and y, four slices, three moments; planes run on through the moments."""
    values = np.random.default_rng(1).integers(0, 9, (7, 5, 4, 3)).astype(np.int16)
    affine = np.diag([1.0, 2.0, 3.0, 1.0])
    nib.save(nib.Nifti1Image(values, affine), tmp_path / "v.nii.gz")
    labels = (values > 6).astype(np.uint8)
    nib.save(nib.Nifti1Image(labels, affine), tmp_path / "l.nii.gz")
    nib.save(nib.Nifti1Image(labels[..., 0], affine), tmp_path / "one.nii.gz")
    frames = values[:, :, 0].T.astype(np.uint8)
    tifffile.imwrite(tmp_path / "c.tif", frames, imagej=True, metadata={"axes": "TYX"})
    write_labels(tmp_path / "p.tif", labels[:, :, 0].T)
    index(tmp_path, [
        {"image": "v.nii.gz", "label": "l.nii.gz"},
        {"image": "v.nii.gz", "label": "one.nii.gz"},
        {"image": "c.tif", "label": "p.tif"},
    ])  # fmt: skip
    intake = read_paths([tmp_path], sandbox=sandbox)
    whole, wrong, cine = intake.cases
    stored = whole.image.source.from_source(np.moveaxis(labels, 3, 0)).reshape(12, 5, 7)
    assert np.array_equal(whole.truths[0].array, stored)
    assert wrong.truths == ()
    assert codes(intake) == {"one.nii.gz": "mask_size_differs"}
    assert cine.image.pixels.shape == (3, 1, 1, 5, 7)
    assert np.array_equal(cine.truths[0].array, labels[:, :, 0].T)


def test_classes_are_named_by_the_coco_file_beside_the_index(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    png(tmp_path / "a.png")
    mask = np.zeros((20, 30), np.uint16)
    mask[2:5, 2:5], mask[2:5, 9:12], mask[9:12] = 1, 1, 2
    write_labels(tmp_path / "m.png", mask)
    names = [{"id": 1, "name": "Lung"}, {"id": 2, "name": "Ignore"}]
    document = {"categories": names, "images": [], "annotations": []}
    (tmp_path / "c.json").write_text(json.dumps(document))
    index(tmp_path, [{"image": "a.png", "mask": "m.png"}])
    (case,) = read_paths([tmp_path], sandbox=sandbox).cases
    (truth,) = case.truths
    assert truth.kind == "classes"
    assert truth.names == {1: "Lung", 2: "Ignore"}
    assert truth.ignore_value == 2


def test_annotations_in_coco_and_voc_become_findings(sandbox: Sandbox, tmp_path: Path) -> None:
    png(tmp_path / "i" / "a.png")
    document = {
        "categories": [{"id": 3, "name": "cell"}],
        "images": [{"id": 1, "file_name": "a.png", "height": 20, "width": 30}],
        "annotations": [
            {"image_id": 1, "category_id": 3, "bbox": [1, 1, 2, 2],
             "segmentation": [[1, 1, 3, 1, 3, 3, 1, 3]]},
            {"image_id": 1, "category_id": 3, "bbox": [5, 6, 7, 8]},
        ],
    }  # fmt: skip
    (tmp_path / "c.json").write_text(json.dumps(document))
    (tmp_path / "v.xml").write_text(
        "<annotation><object><name>RBC</name><bndbox><xmin>2</xmin><ymin>3</ymin>"
        "<xmax>99</xmax><ymax>4</ymax></bndbox></object></annotation>"
    )
    index(
        tmp_path, [{"image": "i/a.png", "annotation": "c.json", "mask": "v.xml", "class": "sick"}]
    )
    (case,) = read_paths([tmp_path], sandbox=sandbox).cases
    boxes, drawn, labels = case.truths
    assert [(one.label, one.box) for one in boxes.findings] == [("RBC", (1, 2, 30, 4))]
    assert [one.box for one in drawn.findings] == [(1, 1, 3, 3), (5, 6, 12, 14)]
    assert drawn.findings[1].crop is None
    assert labels.labels == ("sick",)


def test_an_index_that_names_files_only_keeps_them_apart(sandbox: Sandbox, tmp_path: Path) -> None:
    write_axial(tmp_path / "f", [0, 1, 2])
    index(tmp_path, [{"file": f"f/00{n}.dcm", "split": "test"} for n in range(3)])
    intake = read_paths([tmp_path], sandbox=sandbox)
    assert [case.image.pixels.shape[2] for case in intake.cases] == [1, 1, 1]


def test_an_index_of_an_archives_slices_gives_one_image(sandbox: Sandbox, tmp_path: Path) -> None:
    write_axial(tmp_path / "s", [0, 1, 2])
    zipped(tmp_path / "s", tmp_path / "s.zip")
    for path in (tmp_path / "s").iterdir():
        path.unlink()
    (tmp_path / "s").rmdir()
    rows = [{"archive": "s.zip", "file": f"00{n}.dcm", "split": "test"} for n in range(3)]
    index(tmp_path, rows)
    (case,) = read_paths([tmp_path], sandbox=sandbox).cases
    assert case.image.pixels.shape[2] == 3
    assert case.split == "test"


@pytest.mark.parametrize("text", ["a,b\n1,2\n", "\xff\xfe", 'image\n"unclosed\n'])
def test_a_bad_index_is_refused_and_the_images_are_read_plainly(
    sandbox: Sandbox, tmp_path: Path, text: str
) -> None:
    png(tmp_path / "a.png")
    (tmp_path / "index.csv").write_text(text, encoding="latin-1")
    intake = read_paths([tmp_path], sandbox=sandbox)
    assert len(intake.images) == 1
    assert set(codes(intake)) == {"index.csv"}


def test_an_index_cannot_reach_outside_its_folder(sandbox: Sandbox, tmp_path: Path) -> None:
    png(tmp_path / "secret.png")
    (tmp_path / "d").mkdir()
    index(tmp_path / "d", [{"image": "../secret.png"}, {"image": str(tmp_path / "secret.png")}])
    intake = read_paths([tmp_path / "d"], sandbox=sandbox)
    assert not intake.images
    assert [refusal.code for refusal in intake.refusals] == ["not_found", "not_found"]
