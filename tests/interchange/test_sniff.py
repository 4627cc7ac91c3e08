"""Formats are told from bytes, whatever the name says."""

from __future__ import annotations

import gzip
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from PIL import Image
from pydicom.data import get_testdata_file

from segmentation.interchange.errors import ERRORS
from segmentation.interchange.sniff import DESCRIPTIONS, refusal_of, sniff, sniff_bytes


@pytest.mark.parametrize(
    ("save_as", "kind"),
    [
        ("PNG", "png"),
        ("JPEG", "jpeg"),
        ("TIFF", "tiff"),
        ("BMP", "bmp"),
        ("GIF", "gif"),
        ("PPM", "netpbm"),
        ("WEBP", "webp"),
        ("PDF", "pdf"),
    ],
)
def test_pictures_are_told_by_content(tmp_path: Path, save_as: str, kind: str) -> None:
    path = tmp_path / "scan.nii.gz"
    Image.new("RGB", (8, 8)).save(path, format=save_as)
    assert sniff(path) == kind


def test_nifti_is_told_plain_gzipped_and_as_version_two() -> None:
    one = nib.Nifti1Image(np.zeros((2, 2, 2), np.uint8), np.eye(4)).to_bytes()
    two = nib.Nifti2Image(np.zeros((2, 2, 2), np.uint8), np.eye(4)).to_bytes()
    assert sniff_bytes(one) == sniff_bytes(two) == "nifti"
    assert sniff_bytes(gzip.compress(one)) == sniff_bytes(gzip.compress(two)) == "nifti_gz"
    assert sniff_bytes(gzip.compress(b"something else")) == "gzip"
    assert sniff_bytes(one[:344] + b"ni1\0" + one[348:]) == "nifti_pair"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("CT_small.dcm", "dicom"),
        ("rtstruct.dcm", "dicom_bare"),
        ("ExplVR_BigEndNoMeta.dcm", "dicom_bare"),
        ("ExplVR_LitEndNoMeta.dcm", "dicom_bare"),
    ],
)
def test_dicom_is_told_with_and_without_preamble(name: str, kind: str) -> None:
    assert sniff(Path(str(get_testdata_file(name, download=False)))) == kind


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"", "empty"),
        (b"<svg xmlns=''>", "svg"),
        (b"<?xml version='1.0'?>", "xml"),
        (b'{"a": 1}', "json"),
        (b"id,image\n1,a.png\n", "text"),
        (b"PK\x03\x04", "zip"),
        (b"\x80\x04\x95", "pickle"),
        (b"MZ\x90\x00", "program"),
        (bytes(range(256)), "unknown"),
        (b"\x00", "unknown"),
    ],
)
def test_other_bytes_are_named(head: bytes, kind: str) -> None:
    assert sniff_bytes(head) == kind


@pytest.mark.parametrize("kind", [*DESCRIPTIONS, "empty"])
def test_every_refused_kind_has_a_code_and_says_what_to_do(kind: str) -> None:
    code, sentence = refusal_of(kind)
    assert code in ERRORS
    assert sentence.count(".") >= 2
    assert sentence.startswith("This ")
