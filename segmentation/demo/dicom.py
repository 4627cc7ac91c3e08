"""Drawn images as DICOM files, as a scanner would send them; the same drawing, the same bytes."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian

from segmentation.demo.phantoms import Phantom
from segmentation.interchange.types import Matrix

CT_CLASS = UID("1.2.840.10008.5.1.4.1.1.2")
RADIOGRAPH_CLASS = UID("1.2.840.10008.5.1.4.1.1.1.1")
CT_OFFSET = 1024
DETECTOR_MM = 0.4
BITS = 12
NAMESPACE = uuid.UUID("5e0f3a52-9f43-5d6c-8f5e-3a1d3b6f0c11")


def write_ct_series(folder: Path, phantom: Phantom, name: str) -> Matrix:
    """Write one file per slice of a volume in HU, and return its affine (LPS, ``x, y, z, 1``)."""
    if phantom.spacing_mm is None:
        raise ValueError("a series needs a spacing")
    z_mm, y_mm, x_mm = phantom.spacing_mm
    depth, height, width = phantom.pixels.shape
    origin = np.array([-x_mm * (width - 1) / 2, -y_mm * (height - 1) / 2, -z_mm * (depth - 1) / 2])
    for z in range(depth):
        told = _common(name, CT_CLASS, "CT", f"slice {z}")
        told.SeriesInstanceUID = _uid(f"{name} series")
        told.FrameOfReferenceUID = _uid(f"{name} frame")
        told.InstanceNumber = z + 1
        told.ImagePositionPatient = [f"{v:.6g}" for v in (*origin[:2], origin[2] + z * z_mm)]
        told.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        told.PixelSpacing = [f"{y_mm:.6g}", f"{x_mm:.6g}"]
        told.SliceThickness = f"{z_mm:.6g}"
        told.RescaleIntercept, told.RescaleSlope = -CT_OFFSET, 1
        told.RescaleType = "HU"
        told.WindowCenter, told.WindowWidth = 40, 400
        _put_pixels(told, phantom.pixels[z].astype(np.int32) + CT_OFFSET)
        told.save_as(folder / f"{z:04d}.dcm", enforce_file_format=True)
    affine = np.diag([x_mm, y_mm, z_mm, 1.0])
    affine[:3, 3] = origin
    return affine


def write_radiograph(path: Path, phantom: Phantom, name: str) -> None:
    """Write a projection; its pixel size is known at the detector only."""
    told = _common(name, RADIOGRAPH_CLASS, "DX", "image")
    told.SeriesInstanceUID = _uid(f"{name} series")
    told.InstanceNumber = 1
    told.BodyPartExamined = "CHEST"
    told.ViewPosition = "PA"
    told.ImagerPixelSpacing = [DETECTOR_MM, DETECTOR_MM]
    told.WindowCenter, told.WindowWidth = 2000, 3200
    _put_pixels(told, phantom.pixels[0])
    told.save_as(path, enforce_file_format=True)


def _common(name: str, sop_class: UID, modality: str, instance: str) -> Dataset:
    told = Dataset()
    told.file_meta = FileMetaDataset()
    told.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    told.file_meta.MediaStorageSOPClassUID = told.SOPClassUID = sop_class
    told.file_meta.MediaStorageSOPInstanceUID = told.SOPInstanceUID = _uid(f"{name} {instance}")
    told.StudyInstanceUID = _uid(f"{name} study")
    told.PatientID = name
    told.PatientName = "Drawn^Phantom"
    told.Modality = modality
    told.BurnedInAnnotation = "NO"
    return told


def _put_pixels(told: Dataset, plane: NDArray[Any]) -> None:
    told.Rows, told.Columns = plane.shape
    told.SamplesPerPixel = 1
    told.PhotometricInterpretation = "MONOCHROME2"
    told.BitsAllocated, told.BitsStored, told.HighBit = 16, BITS, BITS - 1
    told.PixelRepresentation = 0
    told.PixelData = np.ascontiguousarray(plane, "<u2").tobytes()


def _uid(word: str) -> UID:
    """A UID that is the same each time: under 2.25 any UUID is one (DICOM PS3.5, B.2)."""
    return UID(f"2.25.{uuid.uuid5(NAMESPACE, word).int}")
