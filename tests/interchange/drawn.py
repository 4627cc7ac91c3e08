"""Small drawn DICOM files for tests: any plane, any fault."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

# The directions (LPS) in which columns and rows run on the usual three planes.
AXIAL = ((1, 0, 0), (0, 1, 0))
CORONAL = ((1, 0, 0), (0, 0, -1))
SAGITTAL = ((0, 1, 0), (0, 0, -1))
PLANES = {"axial": AXIAL, "coronal": CORONAL, "sagittal": SAGITTAL}


def asymmetric(zyx: tuple[int, int, int] = (4, 5, 7)) -> np.ndarray:
    """Every voxel has its own number, so that no flip or exchange of axes goes unseen."""
    return np.arange(np.prod(zyx), dtype=np.int16).reshape(zyx)


def slice_of(pixels: np.ndarray, series: str = "1.2.3", **elements: Any) -> Dataset:
    """Make one CT slice; any element can be given or replaced, None removes it."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID, dataset.SOPInstanceUID = CTImageStorage, generate_uid()
    dataset.SeriesInstanceUID, dataset.StudyInstanceUID = series, "1.2"
    dataset.PatientID, dataset.PatientName = "4711", "Zebrafink^Zoe"
    dataset.Modality, dataset.SliceThickness = "CT", "2"
    dataset.PixelSpacing = [0.5, 0.25]
    dataset.ImageOrientationPatient = [*AXIAL[0], *AXIAL[1]]
    dataset.ImagePositionPatient = [0, 0, 0]
    dataset.Rows, dataset.Columns = pixels.shape[:2]
    dataset.SamplesPerPixel = 1 if pixels.ndim == 2 else 3
    dataset.PhotometricInterpretation = "MONOCHROME2" if pixels.ndim == 2 else "RGB"
    dataset.BitsAllocated = dataset.BitsStored = pixels.itemsize * 8
    dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelRepresentation = int(pixels.dtype.kind == "i")
    if pixels.ndim == 3:
        dataset.PlanarConfiguration = 0
    dataset.PixelData = np.ascontiguousarray(pixels).tobytes()
    # Stated, so that a file without Bits Allocated can be written too.
    dataset["PixelData"].VR = "OW" if pixels.itemsize == 2 else "OB"
    for name, value in elements.items():
        if value is None:
            del dataset[name]
        else:
            setattr(dataset, name, value)
    return dataset


def save(dataset: Dataset, path: Path) -> Path:
    """Write a dataset as a file with preamble."""
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset.save_as(path, enforce_file_format=True)
    return path


def write_axial(
    folder: Path, depths: list[float], shape: tuple[int, int] = (5, 7), **elements: Any
) -> list[Path]:
    """Write axial slices at some depths; slice n is filled with n."""
    return [
        save(
            slice_of(
                np.full(shape, number, np.int16),
                **{"ImagePositionPatient": [-3, 4, depth], **elements},
            ),
            folder / f"{number:03d}.dcm",
        )
        for number, depth in enumerate(depths)
    ]


def write_plane(
    folder: Path,
    volume: np.ndarray,
    plane: str,
    *,
    spacing_zyx: tuple[float, float, float] = (3.0, 0.5, 0.25),
    reverse: bool = False,
    turn: np.ndarray | None = None,
) -> np.ndarray:
    """Cut an LPS volume ``(z, y, x)`` into slices of a plane; gives its affine ``(x, y, z, 1)``.

    ``turn`` rotates the whole patient; ``reverse`` names the files against the slice direction.
    """
    affine = np.eye(4)
    affine[:3, :3] = (np.eye(3) if turn is None else turn) * np.array(spacing_zyx[::-1])
    affine[:3, 3] = (-20.0, 15.0, -7.0)
    across, down = (np.array(direction) for direction in PLANES[plane])
    normal_axis = 2 - int(np.flatnonzero((across == 0) & (down == 0))[0])
    depth = volume.shape[normal_axis]
    rotation = np.eye(3) if turn is None else turn
    for number in range(depth):
        flat = np.take(volume, number, axis=normal_axis)
        first = np.zeros(3)
        first[2 - normal_axis] = number
        # Rows that run against LPS begin at the far end.
        if plane != "axial":
            flat = flat[::-1]
            first[2] = volume.shape[0] - 1
        rows_mm = spacing_zyx[1 if plane == "axial" else 0]
        columns_mm = spacing_zyx[1 if plane == "sagittal" else 2]
        dataset = slice_of(
            flat,
            ImageOrientationPatient=_decimals((*rotation @ across, *rotation @ down)),
            ImagePositionPatient=_decimals((affine @ [*first, 1])[:3]),
            PixelSpacing=[rows_mm, columns_mm],
            InstanceNumber=depth - number if reverse else number + 1,
        )
        save(dataset, folder / f"{depth - number if reverse else number:03d}.dcm")
    return affine


def _decimals(numbers: Iterable[float]) -> list[float]:
    """Round to what a decimal string of 16 characters holds."""
    return [float(f"{number:.9f}") for number in numbers]
