"""Loose slices become a volume in LPS order, or a sentence that says why not."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pydicom
import pytest

from segmentation.interchange.budget import Budget
from segmentation.interchange.dicom_headers import Place, read_header
from segmentation.interchange.dicom_series import SeriesPlan, arrange, plan_series
from segmentation.interchange.dicom_volume import read_series
from segmentation.interchange.errors import (
    GantryTiltError,
    InterchangeError,
    MissingSlicesError,
    MixedOrientationError,
    MixedSizesError,
    UnevenSpacingError,
    UnreadableError,
)
from segmentation.interchange.types import Limits, ReadImage
from tests.interchange.drawn import (
    PLANES,
    SAGITTAL,
    asymmetric,
    save,
    slice_of,
    write_axial,
    write_plane,
)

ABOUT_X = np.array([[1, 0, 0], [0, np.cos(0.2), -np.sin(0.2)], [0, np.sin(0.2), np.cos(0.2)]])


def plans(paths: list[Path], **options: bool) -> tuple[list[SeriesPlan], list[InterchangeError]]:
    digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths]
    found, refused = plan_series([read_header(path) for path in paths], digests, **options)
    return found, [series.error for series in refused]


def read_folder(folder: Path) -> ReadImage:
    paths = sorted(folder.iterdir())
    (plan,), errors = plans(paths)
    assert not errors
    return read_series([[paths[i] for i in row] for row in plan.order], Budget(Limits()))


def refusal_of(paths: list[Path]) -> InterchangeError:
    found, (error,) = plans(paths)
    assert not found
    return error


@pytest.mark.parametrize("plane", PLANES)
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("turn", [None, ABOUT_X])
def test_every_plane_is_stored_in_the_same_lps_order(
    tmp_path: Path, plane: str, reverse: bool, turn: np.ndarray | None
) -> None:
    volume = asymmetric()
    affine = write_plane(tmp_path, volume, plane, reverse=reverse, turn=turn)

    image = read_folder(tmp_path)

    assert np.array_equal(image.pixels[0, 0], volume)
    assert np.allclose(image.affine_lps, affine, atol=1e-6)
    assert np.allclose(image.spacing_mm, (3.0, 0.5, 0.25), atol=1e-6)
    assert image.spacing_source == "patient"
    assert image.acquisition_axis == {"axial": "z", "coronal": "y", "sagittal": "x"}[plane]
    for path in tmp_path.iterdir():
        peer = pydicom.dcmread(path)
        across, down = np.reshape(peer.ImageOrientationPatient, (2, 3))
        # A corner pixel of each file stands where PS3.3 C.7.6.2.1.1 puts it.
        row, column = 3, 2
        step = peer.PixelSpacing
        theirs = (
            np.array(peer.ImagePositionPatient) + across * column * step[1] + down * row * step[0]
        )
        z, y, x = np.argwhere(volume == peer.pixel_array[row, column])[0]
        assert np.allclose((image.affine_lps @ [x, y, z, 1])[:3], theirs, atol=1e-4)


def test_a_mask_goes_back_to_the_files_own_slices(tmp_path: Path) -> None:
    volume = asymmetric()
    write_plane(tmp_path, volume, "sagittal")
    image = read_folder(tmp_path)
    own = image.source.to_source(image.pixels[0, 0])
    order = sorted(tmp_path.iterdir(), key=lambda p: pydicom.dcmread(p).ImagePositionPatient[0])
    # The normal of a sagittal plane with rows to the feet points to the right.
    for found, path in zip(own[::-1], order, strict=True):
        assert np.array_equal(found, pydicom.dcmread(path).pixel_array)


def test_missing_slices_are_counted_and_named(tmp_path: Path) -> None:
    depths = [float(z) for z in range(20) if z not in (13, 14, 15)]
    error = refusal_of(write_axial(tmp_path, depths))
    assert isinstance(error, MissingSlicesError)
    assert str(error).startswith(
        "Slices 14 to 16 of this series are missing (spacing jumps from 1.0 to 4.0 mm)."
    )
    one = refusal_of(write_axial(tmp_path / "one", [0, 5, 15, 20, 25]))
    assert str(one).startswith("Slice 3 of this series is missing")


def test_uneven_spacing_is_refused(tmp_path: Path) -> None:
    error = refusal_of(write_axial(tmp_path, [0, 5, 10, 15, 22, 29]))
    assert isinstance(error, UnevenSpacingError)
    assert "7.00 mm after slice 4" in str(error)


def test_rounded_positions_are_no_uneven_spacing(tmp_path: Path) -> None:
    write_axial(tmp_path, [round(z * 1.3333, 2) for z in range(12)])
    assert read_folder(tmp_path).spacing_mm[0] == pytest.approx(1.3333, abs=2e-3)


def test_a_tilted_gantry_is_refused_with_its_angle(tmp_path: Path) -> None:
    # Each slice lies 1 mm further and 0.268 mm further down: the shear of 15 degrees.
    paths = [
        save(
            slice_of(np.zeros((5, 7), np.int16), ImagePositionPatient=[0, z * 0.268, z]),
            tmp_path / f"{z}",
        )
        for z in range(10)
    ]
    error = refusal_of(paths)
    assert isinstance(error, GantryTiltError)
    assert "15.0 degrees" in str(error)


def test_slices_that_are_shifted_one_by_one_are_refused(tmp_path: Path) -> None:
    paths = [
        save(
            slice_of(np.zeros((5, 7), np.int16), ImagePositionPatient=[3 * (z == 2), 0, z]),
            tmp_path / f"{z}",
        )
        for z in range(5)
    ]
    assert "one line" in str(refusal_of(paths))


def test_slices_that_are_not_parallel_are_refused(tmp_path: Path) -> None:
    paths = write_axial(tmp_path, [0, 1, 2])
    other = slice_of(
        np.zeros((5, 7), np.int16), ImageOrientationPatient=[*SAGITTAL[0], *SAGITTAL[1]]
    )
    error = refusal_of([*paths, save(other, tmp_path / "s.dcm")])
    assert isinstance(error, MixedOrientationError)


def test_slices_of_two_sizes_are_refused(tmp_path: Path) -> None:
    paths = write_axial(tmp_path, [0, 1]) + write_axial(tmp_path / "b", [2], (6, 7))
    error = refusal_of(paths)
    assert isinstance(error, MixedSizesError)
    assert "7 x 5 and 7 x 6" in str(error)


def test_a_slice_without_position_is_refused_with_its_series(tmp_path: Path) -> None:
    lost = save(slice_of(np.zeros((5, 7), np.int16), ImagePositionPatient=None), tmp_path / "x.dcm")
    error = refusal_of([*write_axial(tmp_path / "s", [0, 1]), lost])
    assert isinstance(error, UnreadableError)
    assert "1 of the 3 slices" in str(error)


def test_a_copy_of_a_slice_is_left_out(tmp_path: Path) -> None:
    paths = write_axial(tmp_path, [0, 1, 2])
    copy = tmp_path / "copy.dcm"
    copy.write_bytes(paths[1].read_bytes())
    (plan,), errors = plans([*paths, copy])
    assert not errors
    assert plan.order == ((0, 1, 2),)
    assert plan.spare == (3,)
    assert plan.members == (0, 1, 2, 3)


def test_a_slice_that_was_sent_again_with_another_header_counts_once(tmp_path: Path) -> None:
    paths = write_axial(tmp_path, [0, 1, 2])
    again = pydicom.dcmread(paths[1])
    again.InstitutionName = "Elsewhere"
    (plan,), errors = plans([*paths, save(again, tmp_path / "again.dcm")])
    assert not errors
    assert plan.order == ((0, 1, 2),)
    assert plan.spare == (3,)


def test_images_that_share_an_identifier_by_mistake_stay_apart(tmp_path: Path) -> None:
    paths = [
        save(
            slice_of(np.full((4, 4), n, np.int16), ImagePositionPatient=None, SOPInstanceUID="1.9"),
            tmp_path / f"{n}",
        )
        for n in range(3)
    ]
    assert [plan.members for plan in plans(paths)[0]] == [(0,), (1,), (2,)]
    slices = write_axial(tmp_path / "s", [0, 1, 2], SOPInstanceUID="1.9")
    assert [plan.order for plan in plans(slices)[0]] == [((0, 1, 2),)]


def test_other_slices_at_one_place_are_refused(tmp_path: Path) -> None:
    paths = write_axial(tmp_path, [0, 1, 2]) + write_axial(tmp_path / "b", [1])
    error = refusal_of(paths)
    assert isinstance(error, UnevenSpacingError)
    assert "2 different slices lie at the place of slice 2" in str(error)


def test_equal_counts_at_every_place_become_time_steps(tmp_path: Path) -> None:
    # Written so that neither names nor the order of files says which moment comes first.
    for t, moment in enumerate((3, 1, 2)):
        for z in range(4):
            pixels = np.full((5, 7), 10 * moment + z, np.int16)
            save(
                slice_of(pixels, ImagePositionPatient=[0, 0, z], TemporalPositionIdentifier=moment),
                tmp_path / f"{t}{z}.dcm",
            )
    image = read_folder(tmp_path)
    assert image.pixels.shape == (3, 1, 4, 5, 7)
    assert image.pixels[:, 0, :, 0, 0].tolist() == [
        [10, 11, 12, 13],
        [20, 21, 22, 23],
        [30, 31, 32, 33],
    ]
    assert any("time steps" in note for note in image.warnings)


def test_localizers_and_slices_without_place_are_images_of_their_own(tmp_path: Path) -> None:
    scout = slice_of(np.zeros((9, 9), np.int16), ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    paths = [save(scout, tmp_path / "a.dcm"), *write_axial(tmp_path / "s", [0, 1, 2])]
    found, errors = plans(paths)
    assert not errors
    assert [plan.order for plan in found] == [((1, 2, 3),), ((0,),)]
    stills = [
        save(slice_of(np.zeros((4, 4), np.int16), ImagePositionPatient=None), tmp_path / f"u{n}")
        for n in range(3)
    ]
    assert [plan.order for plan in plans(stills)[0]] == [((0,),), ((1,),), ((2,),)]


def test_slices_can_be_taken_one_by_one(tmp_path: Path) -> None:
    paths = write_axial(tmp_path, [0, 5, 6])
    found, errors = plans(paths, separate=True)
    assert not errors
    assert len(found) == 3


def test_two_series_are_two_images(tmp_path: Path) -> None:
    paths = write_axial(tmp_path / "a", [0, 1]) + write_axial(
        tmp_path / "b", [0, 2, 4], SeriesInstanceUID="1.2.4"
    )
    assert [plan.order for plan in plans(paths)[0]] == [((2, 3, 4),), ((0, 1),)]


@pytest.mark.parametrize("seed", range(20))
def test_any_order_of_files_gives_the_same_volume(seed: int) -> None:
    rng = np.random.default_rng(seed)
    orientation = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
    count = int(rng.integers(2, 30))
    shuffled = rng.permutation(count)
    places = [Place((0.0, 0.0, float(z) * 2.5), orientation, (1.0, 1.0)) for z in shuffled]
    (row,) = arrange(places)
    assert [shuffled[index] for index in row] == list(range(count))


def test_a_slice_that_cannot_be_decoded_is_named(tmp_path: Path) -> None:
    paths = write_axial(tmp_path, [0, 1, 2, 3])
    paths[2].write_bytes(paths[2].read_bytes()[:-20])
    with pytest.raises(UnreadableError, match="Slice 3 of 4: The pixels"):
        read_series([paths], Budget(Limits()))


def test_each_slice_is_scaled_by_its_own_rescale(tmp_path: Path) -> None:
    for z, intercept in enumerate((-1000, -24, 0)):
        save(
            slice_of(
                np.full((5, 7), 100 - intercept, np.uint16),
                ImagePositionPatient=[0, 0, z],
                RescaleSlope=1,
                RescaleIntercept=intercept,
            ),
            tmp_path / f"{z}",
        )
    image = read_folder(tmp_path)
    assert (image.pixels == 100).all()
    assert (image.slope, image.intercept, image.value_unit) == (1.0, 0.0, "HU")
    assert any("rescale" in note for note in image.warnings)


def test_of_one_study_the_largest_series_comes_first_and_overviews_last(tmp_path: Path) -> None:
    scout = slice_of(
        np.zeros((9, 9), np.int16), series="1.2.5", ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"]
    )
    other = slice_of(np.ones((9, 9), np.int16), series="1.2.6", StudyInstanceUID="1.1")
    paths = [
        save(scout, tmp_path / "a.dcm"),
        save(other, tmp_path / "b.dcm"),
        *write_axial(tmp_path / "c", [0, 1], SeriesInstanceUID="1.2.7"),
        *write_axial(tmp_path / "d", [0, 1, 2], SeriesInstanceUID="1.2.8"),
    ]
    assert [plan.members for plan in plans(paths)[0]] == [(4, 5, 6), (2, 3), (0,), (1,)]
