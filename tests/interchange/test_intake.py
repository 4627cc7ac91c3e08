"""The door as a whole: folders, zips and indices, one bad file never hiding nine good ones."""

from __future__ import annotations

import csv
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from segmentation.interchange.intake import IntakeReader, read_paths
from segmentation.interchange.labels import write_labels
from segmentation.interchange.nifti import write_nifti_mask
from segmentation.interchange.sandbox import Sandbox
from segmentation.interchange.types import Intake, Limits, NamedPath, ReadCase, Refusal
from tests.interchange.drawn import asymmetric, save, slice_of, write_axial

GREY = np.arange(20 * 30, dtype=np.uint16).reshape(20, 30)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as opened:
        yield opened


def png(path: Path, pixels: np.ndarray = GREY) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, format="PNG")
    return path


def index(folder: Path, rows: list[dict[str, Any]]) -> None:
    with (folder / "index.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def zipped(folder: Path, archive: Path) -> Path:
    with zipfile.ZipFile(archive, "w") as target:
        for path in sorted(folder.rglob("*")):
            target.write(path, path.relative_to(folder))
    return archive


def codes(intake: Intake) -> dict[str, str]:
    return {Path(refusal.name).name: refusal.code for refusal in intake.refusals}


def roles(intake: Intake) -> dict[str, str]:
    return {Path(file.name).name: file.role for file in intake.inputs}


def test_one_bad_file_hides_no_good_one(sandbox: Sandbox, tmp_path: Path) -> None:
    for number in range(9):
        png(tmp_path / f"{number}.png")
    (tmp_path / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\nnonsense")
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / "nothing.dcm").write_bytes(b"")
    intake = read_paths([tmp_path], sandbox=sandbox)
    assert len(intake.images) == 9
    assert codes(intake) == {
        "bad.png": "unreadable",
        "notes.txt": "not_an_image",
        "nothing.dcm": "empty",
    }
    assert sum(role == "image" for role in roles(intake).values()) == 9


def test_a_name_is_not_believed(sandbox: Sandbox, tmp_path: Path) -> None:
    png(tmp_path / "scan.dcm")
    (image,) = read_paths([tmp_path / "scan.dcm"], sandbox=sandbox).images
    assert image.pixels.shape == (1, 1, 1, 20, 30)
    assert image.name == "scan.dcm"
    assert image.inputs == (0,)


def test_what_is_not_there_or_no_file_is_refused(sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "link.png").symlink_to("/etc/passwd")
    paths = [tmp_path / "gone.png", tmp_path / "empty", tmp_path / "link.png", Path("/dev/zero")]
    intake = read_paths(paths, sandbox=sandbox)
    assert codes(intake) == {
        "gone.png": "not_found",
        "empty": "empty",
        "link.png": "unsafe_path",
        "zero": "unsafe_path",
    }
    assert [refusal.input for refusal in intake.refusals] == [0, 1, 2, 3]


def test_a_series_in_a_zip_is_one_image_and_its_files_are_told(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    write_axial(tmp_path / "s", [0, 1, 2, 3])
    png(tmp_path / "s" / "extra.png")
    (tmp_path / "s" / ".DS_Store").write_bytes(b"x")
    archive = zipped(tmp_path / "s", tmp_path / "study.zip")
    intake = read_paths([archive], sandbox=sandbox)
    assert sorted(image.pixels.shape[2] for image in intake.images) == [1, 4]
    volume = next(image for image in intake.images if image.pixels.shape[2] == 4)
    names = {file.index: file.name for file in intake.inputs}
    assert sorted(names[n] for n in volume.inputs) == [f"study.zip!/00{n}.dcm" for n in range(4)]
    assert roles(intake)[".DS_Store"] == "note"
    assert roles(intake)["study.zip"] == "archive"
    assert not intake.refusals


def test_a_refused_series_is_one_refusal_over_all_its_files(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    write_axial(tmp_path, [0, 1, 2, 6, 7])
    intake = read_paths([tmp_path], sandbox=sandbox)
    (refusal,) = intake.refusals
    assert refusal.code == "missing_slices"
    assert len(refusal.inputs) == 5
    separate = read_paths([tmp_path], sandbox=sandbox, separate_slices=True)
    assert len(separate.images) == 5
    assert not separate.refusals


def test_the_digest_depends_on_bytes_not_on_names_or_order(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    paths = write_axial(tmp_path / "a", [0, 1, 2])
    renamed = []
    for number, path in enumerate(reversed(paths)):
        renamed.append(tmp_path / f"{number}.x")
        renamed[-1].write_bytes(path.read_bytes())
    first = read_paths(paths, sandbox=sandbox).images[0]
    second = read_paths(renamed, sandbox=sandbox).images[0]
    assert first.source_digest == second.source_digest
    assert len(first.source_digest) == 64
    paths[0].write_bytes(paths[0].read_bytes() + b"\0\0")
    assert read_paths(paths, sandbox=sandbox).images[0].source_digest != first.source_digest


def test_a_zip_inside_a_zip_is_refused(sandbox: Sandbox, tmp_path: Path) -> None:
    png(tmp_path / "in" / "a.png")
    zipped(tmp_path / "in", tmp_path / "in" / "inner.zip")
    outer = zipped(tmp_path / "in", tmp_path / "outer.zip")
    intake = read_paths([outer], sandbox=sandbox)
    assert codes(intake) == {"inner.zip": "unsupported"}
    assert len(intake.images) == 1


def test_an_archive_beyond_its_cap_is_refused_as_a_whole(tmp_path: Path) -> None:
    for number in range(5):
        png(tmp_path / "in" / f"{number}.png")
    archive = zipped(tmp_path / "in", tmp_path / "z.zip")
    intake = read_paths([archive], Limits(entries=4))
    assert codes(intake) == {"z.zip": "too_large"}
    assert [file.name for file in intake.inputs] == ["z.zip"]


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


def test_progress_reaches_every_file(sandbox: Sandbox, tmp_path: Path) -> None:
    write_axial(tmp_path / "s", [0, 1, 2])
    png(tmp_path / "a.png")
    (tmp_path / "t.txt").write_text("x")
    told: list[tuple[int, int, str]] = []
    read_paths([tmp_path], on_progress=lambda *step: told.append(step), sandbox=sandbox)
    assert [done for done, _, _ in told] == sorted(done for done, _, _ in told)
    assert told[-1][:2] == (5, 5)


def test_results_come_one_at_a_time(tmp_path: Path) -> None:
    png(tmp_path / "a.png")
    (tmp_path / "b.txt").write_text("x")
    png(tmp_path / "c.png")
    passing = tmp_path / "passing"
    passing.mkdir()
    paths = [tmp_path / name for name in ("a.png", "b.txt", "c.png")]
    with IntakeReader(paths, folder=passing) as reader:
        assert list(passing.iterdir())
        kinds = [type(found) for found in reader]
        assert sorted(kind.__name__ for kind in kinds) == ["ReadCase", "ReadCase", "Refusal"]
        assert {ReadCase, Refusal} == set(kinds)
        assert len(reader.inputs) == 3
    assert not list(passing.iterdir())


def test_a_damaged_slice_is_refused_and_the_rest_of_its_series_says_what_is_missing(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    paths = write_axial(tmp_path, [0, 1, 2, 3, 4])
    paths[2].write_bytes(paths[2].read_bytes()[:300])
    intake = read_paths([tmp_path], sandbox=sandbox)
    assert not intake.images
    assert sorted(refusal.code for refusal in intake.refusals) == ["missing_slices", "unreadable"]


def test_a_patients_name_is_in_no_refusal_and_no_attribute(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    save(slice_of(GREY), tmp_path / "a.dcm")
    save(slice_of(GREY, PixelData=None), tmp_path / "b.dcm")
    intake = read_paths([tmp_path], sandbox=sandbox)
    (image,) = intake.images
    assert "Zebrafink" not in str([refusal.sentence for refusal in intake.refusals])
    assert "Zebrafink" not in str(image.attributes) + str(image.warnings) + image.burned_in_why
