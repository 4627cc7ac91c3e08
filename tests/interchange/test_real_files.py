"""Every file of a folder of real and broken images, held against pydicom, nibabel and Pillow.

The folder is ``MEDSEG_TEST_DATA``, or ``../shared/data`` beside the repository. Without one the
tests are skipped; nothing of the product needs it.
"""

from __future__ import annotations

import gzip
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
import pytest
from pydicom.pixels import apply_modality_lut

from segmentation.interchange.errors import ERRORS
from segmentation.interchange.grids import source_affine
from segmentation.interchange.intake import read_paths
from segmentation.interchange.sandbox import Sandbox
from segmentation.interchange.types import Intake, ReadImage

REPOSITORY = Path(__file__).parents[2]
FOLDER = Path(os.environ.get("MEDSEG_TEST_DATA", REPOSITORY.parent / "shared" / "data"))
NAMES = sorted(path.name for path in FOLDER.glob("*/")) if FOLDER.is_dir() else []
RAS_OF_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
pytestmark = pytest.mark.skipif(
    not NAMES, reason="no real images: set MEDSEG_TEST_DATA to a folder of them"
)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as opened:
        yield opened


@pytest.fixture(scope="module", params=NAMES)
def intake(request: pytest.FixtureRequest, sandbox: Sandbox) -> Intake:
    return read_paths([FOLDER / request.param], sandbox=sandbox)


def values(image: ReadImage) -> np.ndarray:
    return image.pixels.astype(np.float64) * image.slope + image.intercept


def peer_pixels(dataset: pydicom.Dataset) -> np.ndarray | None:
    """What pydicom decodes; None for the few that only the second decoder here can read."""
    try:
        return dataset.pixel_array
    except Exception:
        return None


def test_every_file_is_used_or_refused_in_plain_words(intake: Intake) -> None:
    assert intake.inputs
    refused = {index for refusal in intake.refusals for index in refusal.inputs}
    for refusal in intake.refusals:
        assert refusal.code in ERRORS
        assert refusal.sentence.endswith(".")
        assert "Traceback" not in refusal.sentence
    for file in intake.inputs:
        assert file.role != "refused" or file.index in refused, file.name
    for image in intake.images:
        assert image.pixels.ndim == 5
        assert image.pixels.dtype in (np.uint8, np.uint16, np.int16)
        assert image.source.stored_shape == image.pixels.shape[2:]


def test_nifti_voxels_and_affines_equal_those_of_nibabel(intake: Intake) -> None:
    for image in intake.images:
        if image.source.nifti is None:
            continue
        path = FOLDER / image.name
        raw = path.read_bytes()
        unpacked = gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
        maker = nib.Nifti2Image if unpacked[4:7] == b"n+2" else nib.Nifti1Image
        peer = maker.from_bytes(unpacked)
        expected = np.asanyarray(peer.dataobj)
        if expected.dtype.names:
            expected = np.stack([expected[name] for name in "RGB"])[np.newaxis]
        else:
            expected = np.moveaxis(expected.reshape((*expected.shape, 1, 1)[:4]), 3, 0)
            expected = expected[:, np.newaxis].astype(np.float64)
        found = image.source.to_source(values(image))
        finite = np.isfinite(expected)
        worst = np.abs(found[finite] - expected[finite]).max()
        assert worst <= image.value_error * 1.001 + 1e-9, path.name
        if image.affine_lps is not None:
            own = RAS_OF_LPS @ source_affine(image.affine_lps, image.source)
            assert np.allclose(own, peer.affine, atol=1e-5), path.name
            spacing = np.array(image.spacing_mm)[list(np.argsort(image.source.permutation))]
            assert np.allclose(spacing, nib.affines.voxel_sizes(peer.affine), atol=1e-6)


def test_dicom_pixels_spacing_and_position_equal_those_of_pydicom(
    intake: Intake, sandbox: Sandbox
) -> None:
    for image in intake.images:
        path = FOLDER / image.name
        if "!/" in image.name or path.read_bytes()[128:132] != b"DICM":
            continue
        dataset = pydicom.dcmread(path)
        if "PerFrameFunctionalGroupsSequence" in dataset or "TotalPixelMatrixRows" in dataset:
            continue  # Frames are re-ordered or laid out: ``test_dicom_frames`` holds that.
        peer = peer_pixels(dataset)
        if peer is None:
            continue
        if dataset.PhotometricInterpretation == "PALETTE COLOR":
            peer = pydicom.pixels.apply_color_lut(peer, dataset)[..., :3]
            peer = peer >> 8 if peer.dtype == np.uint16 and image.pixels.dtype == np.uint8 else peer
        elif image.photometric != "RGB":
            peer = apply_modality_lut(peer, dataset)
        colours = 3 if image.photometric == "RGB" else 1
        own = image.source.to_source(values(image))
        frames = peer.reshape(-1, *image.source.shape[1:], colours)
        laid_out = np.moveaxis(
            own.transpose(0, 2, 1, 3, 4).reshape(-1, colours, *image.source.shape[1:]), 1, -1
        )
        worst = np.abs(laid_out - frames).max()
        assert worst <= image.value_error * 1.001 + 1e-6, path.name
        position = dataset.get("ImagePositionPatient")
        if image.affine_lps is not None and position is not None:
            assert np.allclose(image.affine_lps[:3, 3], position, atol=1e-4)
            assert np.allclose(image.spacing_mm[1:], dataset.PixelSpacing, atol=1e-6)


def test_a_series_in_an_archive_equals_its_slices(sandbox: Sandbox, tmp_path: Path) -> None:
    archives = sorted((FOLDER / "ct_chest_lidc").glob("*slices.zip"))
    if not archives:
        pytest.skip("the folder holds no zipped CT series")
    (image,) = read_paths(archives, sandbox=sandbox).images
    with zipfile.ZipFile(archives[0]) as opened:
        slices = [pydicom.dcmread(opened.open(n)) for n in opened.namelist() if n.endswith(".dcm")]
    slices.sort(key=lambda one: float(one.ImagePositionPatient[2]))
    assert image.pixels.shape == (1, 1, len(slices), 512, 512)
    for z in (0, 1, len(slices) // 2, -1):
        expected = apply_modality_lut(slices[z].pixel_array, slices[z])
        assert np.array_equal(image.pixels[0, 0, z], expected)
        k = z % len(slices)
        assert np.allclose(
            (image.affine_lps @ [0, 0, k, 1])[:3], slices[z].ImagePositionPatient, atol=1e-3
        )
    assert np.allclose(image.spacing_mm, (1.0, *slices[0].PixelSpacing), atol=1e-4)
