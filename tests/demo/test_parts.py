"""Each part of the demo writes a folder that the import reads as a person's: nothing refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import tifffile
from PIL import Image

from segmentation.demo import drawn_parts, package_parts
from segmentation.demo.catalogue import PARTS, PROJECTS
from segmentation.demo.folders import column_counts, write_nuclei
from segmentation.demo.packages import PACKAGES
from segmentation.demo.phantoms import ct_series, nuclei_field, radiograph
from segmentation.interchange.coco import counts_of
from segmentation.interchange.intake import read_paths
from segmentation.interchange.types import Intake

SMALL_CT = (20, 48, 40)


def read_part(write: Callable[..., None], folder: Path, files: dict[str, Path]) -> Intake:
    target = folder / "part"
    target.mkdir()
    write(target, files)
    intake = read_paths([target])
    assert not intake.refusals, intake.refusals
    assert all(case.facts["source"] and case.facts["licence"] for case in intake.cases)
    assert all(case.split in ("train", "test") for case in intake.cases)
    return intake


def test_the_drawn_ct_comes_back_as_dicom_with_its_values_spacing_and_truth(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drawn_parts, "CT_ZYX", SMALL_CT)
    (case,) = read_part(drawn_parts.ct_phantom, tmp_path, {}).cases
    phantom = ct_series(SMALL_CT)
    values = case.image.pixels[0, 0] * case.image.slope + case.image.intercept
    assert np.array_equal(values, phantom.pixels)
    assert case.image.spacing_mm == pytest.approx(phantom.spacing_mm, rel=1e-4)
    (truth,) = case.truths
    assert truth.kind == "classes"
    assert truth.array is not None
    assert np.array_equal(truth.array, phantom.labels)
    assert (case.image.modality, case.kind) == ("CT", "ct")


def test_the_same_ct_is_the_same_import(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that was cut short and done again must not bring a case twice."""
    monkeypatch.setattr(drawn_parts, "CT_ZYX", SMALL_CT)
    digests = set()
    for word in ("first", "second"):
        (tmp_path / word).mkdir()
        (case,) = read_part(drawn_parts.ct_phantom, tmp_path / word, {}).cases
        digests.add(case.image.source_digest)
    assert len(digests) == 1


def test_one_drawn_radiograph_brings_its_lungs_and_both_their_pixel_size_at_the_detector(
    tmp_path: Path,
) -> None:
    first, second = read_part(drawn_parts.radiograph_phantoms, tmp_path, {}).cases
    phantom = radiograph(seed=1)
    assert np.array_equal(first.image.pixels[0, 0], phantom.pixels)
    assert first.truths[0].array is not None
    assert np.array_equal(first.truths[0].array, phantom.labels)
    assert not second.truths
    assert {first.image.spacing_source, second.image.spacing_source} == {"detector"}


def test_the_crowd_keeps_every_nucleus_whole_where_they_overlap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drawn_parts, "CROWD_NUCLEI", 40)
    (case,) = read_part(drawn_parts.nuclei_crowd, tmp_path, {}).cases
    field = nuclei_field(40)
    found = case.truths[0].findings
    assert len(found) == len(field.nuclei) == 40
    for finding, nucleus in zip(found, field.nuclei, strict=True):
        assert finding.crop is not None
        assert finding.crop.sum() == nucleus.mask.sum()
        top, left = nucleus.top_left
        assert finding.box[0] >= left
        assert finding.box[1] >= top


def test_small_fields_come_without_masks_and_one_is_held_out(tmp_path: Path) -> None:
    cases = read_part(drawn_parts.nuclei_fields, tmp_path, {}).cases
    assert [case.split for case in cases] == ["train", "train", "test"]
    assert not any(case.truths for case in cases)
    assert {case.kind for case in cases} == {"fluorescence"}


def test_pictures_of_an_installed_package_need_no_network(tmp_path: Path) -> None:
    cases = read_part(package_parts.installed_microscopy, tmp_path, {}).cases
    assert [case.kind for case in cases] == ["histology_colour", "brightfield_gray"]


@pytest.mark.parametrize("seed", range(20))
def test_column_counts_of_a_crop_are_those_of_the_whole_mask(seed: int) -> None:
    rng = np.random.default_rng(seed)
    crop = rng.random((rng.integers(1, 6), rng.integers(1, 6))) > 0.4
    height, width = 7, 9
    top = int(rng.integers(0, height - crop.shape[0] + 1))
    left = int(rng.integers(0, width - crop.shape[1] + 1))
    mask = np.zeros((height, width), bool)
    mask[top : top + crop.shape[0], left : left + crop.shape[1]] = crop
    counts = column_counts(crop, (top, left), (height, width))
    slow = counts_of(mask)
    assert sum(counts) == height * width
    # A mask that fills the last pixel ends with a run of no zeros, which COCO may leave out.
    assert (counts[:-1] if counts[-1] == 0 else counts) == slow


def test_a_box_of_a_drawn_nucleus_is_where_its_pixels_are(tmp_path: Path) -> None:
    field = nuclei_field(3, (96, 96), 4)
    write_nuclei(tmp_path / "a.json", field, "a.tif")
    assert '"area": ' + str(int(field.nuclei[0].mask.sum())) in (tmp_path / "a.json").read_text()


# Parts from packages, on small files of the same names and formats ---------------------------


def test_a_fluorescence_field_brings_its_objects_and_its_tiles_stay_on_its_side(
    tmp_path: Path,
) -> None:
    pixels = np.random.default_rng(0).integers(0, 60, (512, 512), np.uint16)
    mask = np.zeros((512, 512), np.uint16)
    mask[10:20, 10:20], mask[30:50, 300:330] = 7, 183
    tifffile.imwrite(tmp_path / "img2d.tif", pixels)
    tifffile.imwrite(tmp_path / "mask2d.tif", mask)
    Image.new("RGB", (50, 30), (180, 90, 160)).save(tmp_path / "histo.jpg")
    files = {path.name: path for path in tmp_path.iterdir()}
    whole, upper, lower, histology = read_part(package_parts.fluorescence, tmp_path, files).cases
    assert whole.truths[0].kind == "instances"
    assert np.array_equal(whole.truths[0].array[0], mask)
    assert np.array_equal(upper.image.pixels[0, 0, 0], pixels[:256, :256])
    assert np.array_equal(lower.image.pixels[0, 0, 0], pixels[256:, 256:])
    assert len({whole.group, upper.group, lower.group}) == 1
    assert (histology.split, histology.kind) == ("test", "histology_colour")


def test_vertebrae_discs_and_endplates_become_two_labels_in_place(tmp_path: Path) -> None:
    """The source runs posterior, inferior, right, as TPTBox's files do."""
    affine = np.array([[0, 0, 1.5, 3], [-1.5, 0, 0, 9], [0, -1.5, 0, 7], [0, 0, 0, 1.0]])
    numbers = np.zeros((9, 7, 8), np.uint8)
    numbers[1, 2, 3], numbers[2, 3, 4], numbers[5, 6, 1] = 22, 122, 222
    for name in ("sub-ct_label-22_ct", "sub-mri_label-6_T2w"):
        image = nib.Nifti1Image(np.arange(9 * 7 * 8, dtype=np.int16).reshape(9, 7, 8), affine)
        nib.save(image, tmp_path / f"{name}.nii.gz")
    for name in ("sub-ct_seg-vert_label-22_msk", "sub-mri_seg-vert_label-6_msk"):
        nib.save(nib.Nifti1Image(numbers, affine), tmp_path / f"{name}.nii.gz")
    files = {path.name: path for path in tmp_path.iterdir()}
    cases = read_part(package_parts.vertebrae, tmp_path, files).cases
    assert [case.kind for case in cases] == ["ct", "mr"]
    for case in cases:
        back = case.image.source.to_source(case.truths[0].array)
        assert (back[1, 2, 3], back[2, 3, 4], back[5, 6, 1]) == (9, 10, 9)
        assert np.count_nonzero(back) == 3


def test_brain_tissue_is_the_likelier_of_two_and_nothing_where_both_are_unlikely(
    tmp_path: Path,
) -> None:
    grey = np.zeros((4, 5, 6), np.uint8)
    white = np.zeros((4, 5, 6), np.uint8)
    grey[0, 0, 0], white[0, 0, 0] = 200, 100
    grey[1, 1, 1], white[1, 1, 1] = 130, 140
    grey[2, 2, 2], white[2, 2, 2] = 127, 127
    for kind, values in (("t1", grey + white), ("gm", grey), ("wm", white)):
        path = tmp_path / f"mni_icbm152_{kind}_tal_nlin_sym_09a_converted.nii.gz"
        nib.save(nib.Nifti1Image(values, np.diag([1.0, 1, 1, 1])), path)
    files = {path.name: path for path in tmp_path.iterdir()}
    (case,) = read_part(package_parts.brain, tmp_path, files).cases
    back = case.image.source.to_source(case.truths[0].array)
    assert (back[0, 0, 0], back[1, 1, 1], back[2, 2, 2]) == (7, 8, 0)


def test_nuclei_of_a_stack_are_one_label(tmp_path: Path) -> None:
    pixels = np.arange(5 * 8 * 8, dtype=np.uint16).reshape(5, 8, 8)
    mask = np.zeros((5, 8, 8), np.uint16)
    mask[1, 2, 3], mask[2, 5, 5] = 4, 160
    tifffile.imwrite(tmp_path / "img3d.tif", pixels, photometric="minisblack")
    tifffile.imwrite(tmp_path / "mask3d.tif", mask, photometric="minisblack")
    files = {path.name: path for path in tmp_path.iterdir()}
    (case,) = read_part(package_parts.fluorescence_volume, tmp_path, files).cases
    assert np.array_equal(case.truths[0].array, np.where(mask > 0, 11, 0))


def test_the_numbers_of_masks_are_the_places_of_labels() -> None:
    names = [label.name for label in PROJECTS["volumes"].labels]
    assert names[package_parts.GREY_MATTER - 1] == "grey matter"
    assert names[package_parts.WHITE_MATTER - 1] == "white matter"
    assert names[package_parts.VERTEBRA - 1] == "vertebra"
    assert names[package_parts.DISC - 1] == "intervertebral disc"
    assert names[package_parts.NUCLEUS - 1] == "nucleus"


def test_every_part_belongs_to_a_project_and_comes_from_a_known_package() -> None:
    packages = {package.name for package in PACKAGES}
    assert {part.project for part in PARTS} == set(PROJECTS)
    assert {part.package for part in PARTS} <= packages | {""}
    assert len({part.name for part in PARTS}) == len(PARTS)
    assert not any(part.is_drawn and part.package for part in PARTS)


def test_what_is_at_hand_comes_before_what_is_fetched() -> None:
    assert not any(part.package for part in PARTS[:3])
