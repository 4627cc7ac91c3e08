"""NIfTI in and out, held against nibabel's own numbers in every orientation."""

from __future__ import annotations

import gzip
from itertools import permutations, product
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from segmentation.interchange.budget import Budget
from segmentation.interchange.errors import (
    TooLargeError,
    UnreadableError,
    UnsupportedError,
)
from segmentation.interchange.nifti import read_nifti, read_nifti_labels, write_nifti_mask
from segmentation.interchange.types import Limits, ReadImage

BUDGET = Budget(Limits())
MARKS_ZYX = ((1, 2, 3), (0, 4, 1), (2, 1, 5), (3, 3, 2))
# A gently turned LPS frame with three different voxel sizes: x 0.5, y 0.8 and z 3 mm.
ABOUT_Z = np.array([[np.cos(0.1), -np.sin(0.1), 0], [np.sin(0.1), np.cos(0.1), 0], [0, 0, 1]])
ABOUT_X = np.array([[1, 0, 0], [0, np.cos(0.05), -np.sin(0.05)], [0, np.sin(0.05), np.cos(0.05)]])
LPS = np.eye(4)
LPS[:3, :3] = (ABOUT_Z @ ABOUT_X) * [0.5, 0.8, 3.0]
LPS[:3, 3] = [-12.0, 30.0, 7.5]
RAS_OF_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def orientation_phantom() -> np.ndarray:
    """Every voxel differs, so no flip or exchange of axes goes unseen; the marks stand out."""
    volume = np.arange(4 * 5 * 7, dtype=np.int16).reshape(4, 5, 7)
    for number, mark in enumerate(MARKS_ZYX, start=1):
        volume[mark] = 1000 * number
    return volume


def save(path: Path, array: np.ndarray, affine_ras: np.ndarray | None, **header: object) -> Path:
    image = nib.Nifti1Image(array, affine_ras)
    for name, value in header.items():
        image.header[name] = value
    nib.save(image, path)
    return path


def read(path: Path) -> ReadImage:
    return read_nifti(path, "nifti_gz" if path.suffix == ".gz" else "nifti", BUDGET)


def in_file_order(
    volume: np.ndarray, order: tuple[int, ...], flips: tuple[bool, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Lay a ``(z, y, x)`` LPS volume out as a file with other axes, and its affine in RAS."""
    array, step = volume.transpose(2, 1, 0), np.zeros((4, 4))
    step[3, 3] = 1
    for file_axis, world_axis in enumerate(order):
        step[world_axis, file_axis] = -1 if flips[file_axis] else 1
        if flips[file_axis]:
            step[world_axis, 3] = array.shape[world_axis] - 1
    moved = array.transpose(order)
    reversal = tuple(slice(None, None, -1 if flip else 1) for flip in flips)
    return moved[reversal], RAS_OF_LPS @ LPS @ step


ORIENTATIONS = list(product(permutations(range(3)), product((False, True), repeat=3)))


@pytest.mark.parametrize(("order", "flips"), ORIENTATIONS)
def test_every_orientation_is_stored_in_the_same_lps_order(
    tmp_path: Path, order: tuple[int, ...], flips: tuple[bool, ...]
) -> None:
    volume = orientation_phantom()
    array, affine = in_file_order(volume, order, flips)
    path = save(tmp_path / "v.nii", array, affine)

    image = read(path)

    assert np.array_equal(image.pixels[0, 0], volume)
    assert np.allclose(image.affine_lps, LPS, atol=1e-5)
    assert np.allclose(image.spacing_mm, (3.0, 0.8, 0.5), atol=1e-5)
    peer = nib.load(path)
    values = np.asanyarray(peer.dataobj)
    for number, (z, y, x) in enumerate(MARKS_ZYX, start=1):
        ours = image.affine_lps @ [x, y, z, 1]
        index = np.argwhere(values == 1000 * number)[0]
        theirs = RAS_OF_LPS @ peer.affine @ [*index, 1]
        assert np.allclose(ours, theirs, atol=1e-4)


@pytest.mark.parametrize(("order", "flips"), ORIENTATIONS)
def test_a_mask_goes_back_onto_the_files_own_grid_and_header(
    tmp_path: Path, order: tuple[int, ...], flips: tuple[bool, ...]
) -> None:
    volume = orientation_phantom()
    array, affine = in_file_order(volume, order, flips)
    source = save(tmp_path / "v.nii.gz", array, affine, qform_code=1, sform_code=2)
    image = read(source)
    mask = (image.pixels[0, 0] >= 1000).astype(np.uint16) * 3

    write_nifti_mask(tmp_path / "m.nii.gz", mask, image.source, image.affine_lps)

    ours, theirs = nib.load(tmp_path / "m.nii.gz"), nib.load(source)
    assert np.array_equal(np.asanyarray(ours.dataobj), (array >= 1000) * 3)
    assert ours.shape == theirs.shape
    for transform in ("get_sform", "get_qform"):
        expected, expected_code = getattr(theirs.header, transform)(coded=True)
        found, found_code = getattr(ours.header, transform)(coded=True)
        assert found_code == expected_code
        assert np.array_equal(found, expected)
    assert np.array_equal(ours.header.get_zooms(), theirs.header.get_zooms())
    back, back_affine = read_nifti_labels(tmp_path / "m.nii.gz", "nifti_gz", BUDGET)
    assert np.array_equal(image.source.from_source(back), mask)
    assert np.allclose(RAS_OF_LPS @ back_affine, affine, atol=1e-5)


def test_a_fourth_axis_becomes_time(tmp_path: Path) -> None:
    volume = orientation_phantom().transpose(2, 1, 0)
    frames = np.stack([volume, volume + 1], axis=3)
    image = nib.Nifti1Image(frames, np.eye(4))
    image.header.set_xyzt_units("mm", "msec")
    image.header["pixdim"][4] = 500
    nib.save(image, tmp_path / "f.nii")

    read_back = read(tmp_path / "f.nii")

    # An identity in RAS runs to the right and front, so x and y are flipped into LPS.
    assert read_back.pixels.shape == (2, 1, 4, 5, 7)
    assert np.array_equal(read_back.pixels[1, 0], frames[::-1, ::-1, :, 1].transpose(2, 1, 0))
    assert read_back.frame_seconds == 0.5


def test_disagreeing_transforms_are_said(tmp_path: Path) -> None:
    image = nib.Nifti1Image(orientation_phantom(), None)
    image.set_sform(np.diag([1, 1, 1, 1.0]), 1)
    image.set_qform(np.diag([-1, 1, 1, 1.0]), 1)
    nib.save(image, tmp_path / "v.nii")
    assert any("disagree" in note for note in read(tmp_path / "v.nii").warnings)


def test_agreeing_transforms_are_not_mentioned(tmp_path: Path) -> None:
    path = save(tmp_path / "v.nii", orientation_phantom(), np.eye(4), qform_code=1)
    assert read(path).warnings == ()


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (np.float32([0, 1, 255]), np.uint8),
        (np.float64([-1024, 0, 3071]), np.int16),
        (np.int32([0, 65535, 9]), np.uint16),
        (np.int8([-5, 0, 5]), np.int16),
        (np.uint16([0, 1, 2]), np.uint16),
    ],
)
def test_whole_numbers_are_kept_exactly(tmp_path: Path, values: np.ndarray, kind: type) -> None:
    path = save(tmp_path / "v.nii", values.reshape(3, 1, 1).repeat(2, 1).repeat(2, 2), np.eye(4))
    image = read(path)
    assert image.pixels.dtype == kind
    assert (image.slope, image.intercept, image.value_error) == (1.0, 0.0, 0.0)
    assert np.array_equal(image.pixels[0, 0, 0, 0, ::-1], values)


def test_a_scale_in_the_header_is_kept_or_applied(tmp_path: Path) -> None:
    stored = orientation_phantom()
    for slope, intercept, folded in ((0.5, 10.0, False), (2.0, -1024.0, True)):
        raw = nib.Nifti1Image(stored, np.diag([-1.0, -1.0, 1.0, 1.0]))
        raw.header.set_slope_inter(slope, intercept)
        raw.to_filename(tmp_path / "v.nii")
        image = read(tmp_path / "v.nii")
        expected = np.asanyarray(nib.load(tmp_path / "v.nii").dataobj).transpose(2, 1, 0)
        assert (image.slope == 1.0) is folded
        found = image.pixels[0, 0] * image.slope + image.intercept
        assert np.array_equal(found, expected)


def test_fractions_are_spread_over_16_bits_with_the_stated_error(tmp_path: Path) -> None:
    values = np.random.default_rng(3).normal(0, 1000, (6, 5, 4)).astype(np.float32)
    path = save(tmp_path / "v.nii", values, np.diag([-1.0, -1.0, 1.0, 1.0]))
    image = read(path)
    restored = image.pixels[0, 0].astype(float) * image.slope + image.intercept
    worst = np.abs(restored - values.transpose(2, 1, 0)).max()
    assert 0 < worst <= image.value_error * 1.0001
    # Half of one of 65,535 steps over the range of the values.
    assert image.value_error == pytest.approx(np.ptp(values.astype(float)) / 65535 / 2)


def test_nan_and_infinity_become_the_smallest_value_and_are_counted(tmp_path: Path) -> None:
    values = np.ones((3, 3, 3), np.float32)
    values[0, 0, 0], values[1, 1, 1], values[2, 2, 2] = np.nan, np.inf, -7
    image = read(save(tmp_path / "v.nii", values, np.diag([-1.0, -1.0, 1.0, 1.0])))
    assert image.pixels[0, 0, 0, 0, 0] == image.pixels[0, 0, 1, 1, 1] == -7
    assert any(note.startswith("2 values") for note in image.warnings)


def test_rgb_voxels_become_channels(tmp_path: Path) -> None:
    colours = np.zeros((3, 2, 2), [("R", "u1"), ("G", "u1"), ("B", "u1")])
    colours["R"], colours["B"] = 200, 7
    nib.save(nib.Nifti1Image(colours, np.eye(4)), tmp_path / "c.nii")
    image = read(tmp_path / "c.nii")
    assert image.photometric == "RGB"
    assert image.pixels.shape == (1, 3, 2, 2, 3)
    assert [int(image.pixels[0, c].max()) for c in range(3)] == [200, 0, 7]


@pytest.mark.parametrize("flat", [0, 1, 2])
def test_a_single_slice_lies_in_the_plane_of_reading(tmp_path: Path, flat: int) -> None:
    shape = [4, 5, 6]
    shape[flat] = 1
    values = np.arange(np.prod(shape), dtype=np.int16).reshape(shape)
    image = read(save(tmp_path / "s.nii", values, np.diag([2.0, 3.0, 4.0, 1.0])))
    assert image.pixels.shape[2] == 1
    assert np.array_equal(image.source.to_source(image.pixels[0, 0]), values)
    world = image.affine_lps @ [0, 0, 0, 1]
    top_left = np.argwhere(values == image.pixels[0, 0, 0, 0, 0])[0]
    assert np.allclose(world, RAS_OF_LPS @ np.diag([2.0, 3.0, 4.0, 1.0]) @ [*top_left, 1])
    # Down the rows one moves to the back (axial) or to the feet (coronal, sagittal).
    down = image.affine_lps[:3, 1]
    assert down[1] > 0 if flat == 2 else down[2] < 0


def test_a_volume_without_size_has_no_spacing(tmp_path: Path) -> None:
    image = nib.Nifti1Image(orientation_phantom(), None)
    raw = bytearray(image.to_bytes())
    raw[80:92] = bytes(12)  # pixdim 1 to 3
    (tmp_path / "v.nii").write_bytes(raw)
    found = read(tmp_path / "v.nii")
    assert found.spacing_mm is None
    assert found.affine_lps is None
    assert found.warnings


def test_complex_voxels_are_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "v.nii", np.ones((2, 2, 2), np.complex64), np.eye(4))
    with pytest.raises(UnsupportedError, match="complex"):
        read(path)


def test_a_header_that_claims_too_much_is_refused_before_reading(tmp_path: Path) -> None:
    path = save(tmp_path / "v.nii", np.ones((2, 2, 2), np.uint8), np.eye(4))
    raw = bytearray(path.read_bytes())
    raw[42:48] = np.array([32767] * 3, "<i2").tobytes()
    path.write_bytes(raw)
    with pytest.raises(TooLargeError, match="32767 x 32767 x 32767"):
        read(path)


@pytest.mark.parametrize("keep", [10, 200, 348, 400])
def test_a_file_cut_short_is_refused(tmp_path: Path, keep: int) -> None:
    path = save(tmp_path / "v.nii", orientation_phantom(), np.eye(4))
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(UnreadableError, match="damaged"):
        read(path)


def test_a_gzip_stream_cut_short_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "v.nii", orientation_phantom(), np.eye(4))
    packed = gzip.compress(path.read_bytes())
    (tmp_path / "v.nii.gz").write_bytes(packed[: len(packed) // 2])
    with pytest.raises(UnreadableError, match="damaged"):
        read(tmp_path / "v.nii.gz")
