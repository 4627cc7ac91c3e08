"""Single DICOM files: values, units, windows, spacing, colour, and what is no image."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.pixels import apply_color_lut, apply_modality_lut

from segmentation.interchange.budget import Budget
from segmentation.interchange.dicom_classes import what_it_is
from segmentation.interchange.dicom_headers import read_header
from segmentation.interchange.dicom_volume import read_series
from segmentation.interchange.errors import (
    EmptyFileError,
    EncryptedError,
    InterchangeError,
    NotAnImageError,
    TooLargeError,
    UnreadableError,
    UnsupportedError,
)
from segmentation.interchange.intake import IntakeReader
from segmentation.interchange.types import Limits, ReadCase, ReadImage
from tests.interchange.drawn import asymmetric, save, slice_of, write_plane

RAMP = np.arange(35, dtype=np.uint16).reshape(5, 7) * 100


def read(path: Path, limits: Limits | None = None) -> ReadImage:
    return read_series([[path]], Budget(limits or Limits()))


def drawn(tmp_path: Path, pixels: np.ndarray = RAMP, **elements: Any) -> ReadImage:
    return read(save(slice_of(pixels, **elements), tmp_path / "d.dcm"))


def read_as_the_child_does(path: Path) -> ReadImage:
    read_header(path)
    return read(path)


def packaged(name: str) -> Path:
    return Path(str(get_testdata_file(name, download=False)))


def test_a_whole_rescale_is_applied_and_gives_hounsfield_units(tmp_path: Path) -> None:
    image = drawn(tmp_path, RescaleSlope=1, RescaleIntercept=-1024)
    assert image.pixels.dtype == np.int16
    assert np.array_equal(image.pixels[0, 0, 0], RAMP.astype(int) - 1024)
    assert image.value_unit == "HU"


def test_a_broken_rescale_is_stated_beside_the_measured_numbers(tmp_path: Path) -> None:
    image = drawn(tmp_path, RescaleSlope=0.5, RescaleIntercept=3)
    assert np.array_equal(image.pixels[0, 0, 0], RAMP)
    assert (image.slope, image.intercept, image.value_error) == (0.5, 3.0, 0.0)


def test_a_window_of_width_zero_is_none(tmp_path: Path) -> None:
    assert drawn(tmp_path, WindowCenter=40, WindowWidth=0).window is None
    assert drawn(tmp_path, WindowCenter=[40, 9], WindowWidth=[400, 9]).window == (40.0, 400.0)


def test_padding_is_stated_in_values_and_left_in_the_pixels(tmp_path: Path) -> None:
    image = drawn(
        tmp_path,
        RAMP.astype(np.int16) - 2000,
        RescaleSlope=1,
        RescaleIntercept=-1024,
        PixelPaddingValue=-2000,
    )
    assert image.padding == (-3024.0, -3024.0)
    assert image.pixels[0, 0, 0, 0, 0] == -3024


def test_low_is_bright_is_flagged_and_not_inverted(tmp_path: Path) -> None:
    image = drawn(tmp_path, PhotometricInterpretation="MONOCHROME1")
    assert image.inverted_display
    assert np.array_equal(image.pixels[0, 0, 0], RAMP)


@pytest.mark.parametrize(
    ("elements", "spacing", "source"),
    [
        ({}, (2.0, 0.5, 0.25), "patient"),
        ({"PixelSpacing": [0, 0]}, None, None),
        ({"PixelSpacing": None}, None, None),
        ({"PixelSpacing": None, "ImagerPixelSpacing": [0.1, 0.2]}, (2.0, 0.1, 0.2), "detector"),
        ({"Modality": "DX"}, (2.0, 0.5, 0.25), "detector"),
        ({"Modality": "DX", "ImagerPixelSpacing": [0.6, 0.3]}, (2.0, 0.5, 0.25), "patient"),
        ({"SliceThickness": None}, (1.0, 0.5, 0.25), "patient"),
    ],
)
def test_spacing_says_where_it_was_measured(
    tmp_path: Path, elements: dict[str, Any], spacing: Any, source: Any
) -> None:
    image = drawn(tmp_path, **elements)
    assert image.spacing_mm == spacing
    assert image.spacing_source == source


def test_one_slice_keeps_its_rows_and_columns(tmp_path: Path) -> None:
    image = drawn(
        tmp_path, ImageOrientationPatient=[-1, 0, 0, 0, -1, 0], ImagePositionPatient=[9, 8, 7]
    )
    assert np.array_equal(image.pixels[0, 0, 0], RAMP)
    assert np.allclose(image.affine_lps @ [1, 0, 0, 1], [8.75, 8, 7, 1])
    assert np.allclose(image.affine_lps @ [0, 1, 0, 1], [9, 7.5, 7, 1])


def test_identity_is_kept_apart_from_attributes(tmp_path: Path) -> None:
    image = drawn(tmp_path)
    assert image.patient_key == "4711|"
    assert (image.study_key, image.series_key) == ("1.2", "1.2.3")
    assert "Zebrafink" not in str(image.attributes)
    assert drawn(tmp_path, PatientID=None).patient_key == "Zebrafink^Zoe"
    assert drawn(tmp_path, PatientID=None, PatientName=None).patient_key == ""


def test_a_captured_screen_is_suspected_of_text(tmp_path: Path) -> None:
    image = drawn(tmp_path, SOPClassUID="1.2.840.10008.5.1.4.1.1.7")
    assert image.burned_in_risk
    assert image.burned_in_why
    assert not drawn(tmp_path).burned_in_risk


@pytest.mark.parametrize(
    "name",
    [
        "CT_small.dcm", "MR_small.dcm", "MR_small_RLE.dcm", "MR_small_bigendian.dcm",
        "MR_small_jp2klossless.dcm", "MR_small_jpeg_ls_lossless.dcm", "JPEG2000.dcm",
        "image_dfl.dcm", "examples_palette.dcm", "examples_rgb_color.dcm", "examples_ybr_color.dcm",
        "SC_rgb_rle_2frame.dcm", "SC_rgb_small_odd.dcm", "SC_rgb_jpeg_dcmtk.dcm",
        "SC_ybr_full_422_uncompressed.dcm", "ExplVR_BigEnd.dcm", "rtplan.dcm", "liver_1frame.dcm",
    ],
)  # fmt: skip
def test_packaged_files_equal_pydicom_or_are_named(name: str) -> None:
    path = packaged(name)
    dataset = pydicom.dcmread(path)
    if what_it_is(dataset.SOPClassUID, dataset.Modality):
        with pytest.raises(UnsupportedError):
            read_header(path)
        return
    image = read(path)
    peer = dataset.pixel_array
    if dataset.PhotometricInterpretation == "PALETTE COLOR":
        colours = apply_color_lut(peer, dataset)
        peer = colours >> 8 if colours.dtype == np.uint16 else colours
    elif dataset.SamplesPerPixel == 1:
        peer = apply_modality_lut(peer, dataset)
    frames, channels = image.pixels.shape[0], image.pixels.shape[1]
    expected = peer.reshape(frames, *image.pixels.shape[3:], channels)
    found = np.moveaxis(image.pixels[:, :, 0], 1, -1).astype(float) * image.slope + image.intercept
    assert np.allclose(found, expected)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("test-SR.dcm", "a structured report"),
        ("rtstruct.dcm", "radiotherapy contours"),
        ("rtplan.dcm", "radiotherapy plan"),
        ("rtdose.dcm", "radiotherapy dose"),
        ("liver_1frame.dcm", "a segmentation"),
    ],
)
def test_what_is_no_image_is_named(name: str, words: str) -> None:
    with pytest.raises(UnsupportedError, match=words):
        read_header(packaged(name))


def test_a_directory_and_a_video_are_named(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match="DICOM directory"):
        read_header(packaged("DICOMDIR"))
    dataset = slice_of(RAMP)
    dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.102"
    dataset["PixelData"].is_undefined_length = True
    dataset.PixelData = pydicom.encaps.encapsulate([b"\0" * 64])
    with pytest.raises(UnsupportedError, match="video"):
        read_header(save(dataset, tmp_path / "w.dcm"))


def test_an_encrypted_file_is_said_to_be(tmp_path: Path) -> None:
    locked = slice_of(RAMP, EncryptedAttributesSequence=[pydicom.Dataset()])
    del locked.PixelData
    with pytest.raises(EncryptedError, match="encrypted"):
        read_header(save(locked, tmp_path / "e.dcm"))


def test_a_file_without_pixels_is_no_image(tmp_path: Path) -> None:
    with pytest.raises(NotAnImageError):
        read_header(save(slice_of(RAMP, PixelData=None), tmp_path / "n.dcm"))


def test_a_bare_header_is_empty(tmp_path: Path) -> None:
    (tmp_path / "m.dcm").write_bytes(bytes(128) + b"DICM")
    with pytest.raises(EmptyFileError):
        read_header(tmp_path / "m.dcm")


def test_pixels_cut_short_are_refused() -> None:
    with pytest.raises(UnreadableError, match="cut short"):
        read(packaged("MR_truncated.dcm"))


def test_a_header_that_claims_too_much_is_refused_before_decoding(tmp_path: Path) -> None:
    path = save(slice_of(RAMP, Rows=65535, Columns=65535), tmp_path / "h.dcm")
    with pytest.raises(TooLargeError, match="65535 x 65535"):
        read(path)


@pytest.mark.parametrize(
    "element", ["Rows", "Columns", "PixelData", "BitsAllocated", "NumberOfFrames"]
)
def test_a_senseless_header_is_refused_and_never_breaks(tmp_path: Path, element: str) -> None:
    broken = {"NumberOfFrames": 0}.get(element)
    path = save(slice_of(RAMP, **{element: broken}), tmp_path / "b.dcm")
    with pytest.raises(InterchangeError) as caught:
        read_as_the_child_does(path)
    assert str(caught.value).endswith(".")


def test_every_cut_of_a_file_is_read_or_refused(tmp_path: Path) -> None:
    whole = save(
        slice_of(RAMP, RescaleSlope=1, RescaleIntercept=0), tmp_path / "w.dcm"
    ).read_bytes()
    for keep in range(132, len(whole), 7):
        (tmp_path / "c.dcm").write_bytes(whole[:keep])
        with pytest.raises(InterchangeError):
            read_as_the_child_does(tmp_path / "c.dcm")


def test_only_what_has_a_place_in_a_frame_can_be_laid_over(tmp_path: Path) -> None:
    """A single slice is looked at by itself; an overview belongs to the volumes planned on it."""
    frame = {"FrameOfReferenceUID": "1.2.9"}
    overview = {**frame, "ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}
    scout = drawn(tmp_path, **overview)
    assert (scout.frame_key, scout.is_localizer, scout.slices) == ("1.2.9", True, 1)
    assert scout.overlays
    assert not drawn(tmp_path, **frame).overlays
    for missing in ("FrameOfReferenceUID", "StudyInstanceUID", "ImagePositionPatient"):
        assert not drawn(tmp_path, **{**overview, missing: ""}).overlays
    assert not drawn(tmp_path, **overview, Modality="DX").overlays


def test_slices_are_counted_along_the_axis_they_were_acquired_on(tmp_path: Path) -> None:
    write_plane(tmp_path, asymmetric((4, 5, 7)), "sagittal")
    with IntakeReader([tmp_path]) as reader:
        (case,) = (found for found in reader if isinstance(found, ReadCase))
    assert (case.image.slices, case.listed) == (7, False)
