"""What the viewers are shown: a volume with eleven structures, and a crowd of instances.

Drawn with fixed seeds, so that every run and every contestant has the same pixels. All get
the volume as the same 200 uncompressed DICOM files, whose bytes need no decoding: we import them as
people bring them, with masks as NIfTI; the peers read them from a static server, and their masks as
plain bytes, which is the shortest way that they have.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, generate_uid

from segmentation.demo.folders import Row, write_index, write_nuclei
from segmentation.demo.phantoms import NucleiField, ct_series, nuclei_field
from segmentation.interchange.nifti import write_nifti_mask
from segmentation.interchange.types import SourceGrid

ZYX = (200, 512, 512)
SEGMENTS = 11
CROWD = 2_000
ORIGIN_MM = (-190.0, -180.0, 0.0)
CT_CLASS = UID("1.2.840.10008.5.1.4.1.1.2")
CAPTURE_CLASS = UID("1.2.840.10008.5.1.4.1.1.7")


@dataclass(frozen=True)
class Drawn:
    """``pixels`` int16 and ``labels`` uint8, both ``(z, y, x)``; millimetres ``(z, y, x)``."""

    pixels: NDArray[np.int16]
    labels: NDArray[np.uint8]
    spacing_mm: tuple[float, float, float]


def volume(zyx: tuple[int, int, int] = ZYX) -> Drawn:
    """A drawn abdomen in noise, tissue in the middle of every slice, and eleven ellipsoids."""
    phantom = ct_series(zyx)
    assert phantom.spacing_mm is not None
    labels = np.zeros(zyx, np.uint8)
    z, y, x = (np.arange(n, dtype=np.float32)[:, None, None] / n for n in zyx)
    y, x = y.reshape(1, -1, 1), x.reshape(1, 1, -1)
    rng = np.random.default_rng(11)
    for label in range(1, SEGMENTS + 1):
        turn = 2 * np.pi * label / SEGMENTS
        cz, cy, cx = rng.uniform(0.35, 0.65), 0.5 + 0.2 * np.sin(turn), 0.5 + 0.26 * np.cos(turn)
        rz, ry, rx = rng.uniform(0.4, 0.6), rng.uniform(0.03, 0.06), rng.uniform(0.03, 0.07)
        labels[((z - cz) / rz) ** 2 + ((y - cy) / ry) ** 2 + ((x - cx) / rx) ** 2 <= 1] = label
    return Drawn(np.asarray(phantom.pixels, np.int16), labels, phantom.spacing_mm)


def crowd() -> NucleiField:
    """2,000 ellipses, one end a little blunter, that lie over one another on 2,048 x 2,048."""
    return nuclei_field(CROWD)


def write(folder: Path, drawn: Drawn, field: NucleiField) -> tuple[Path, Path]:
    """Two folders to import, each with its masks; beside them what only the peers read."""
    organs, cells = folder / "volume", folder / "crowd"
    (organs / "ct").mkdir(parents=True)
    cells.mkdir()
    for z, plane in enumerate(drawn.pixels):
        slice_ = _ct_slice(plane, z, drawn.spacing_mm)
        slice_.save_as(organs / "ct" / f"{z:03d}.dcm", enforce_file_format=True)
    affine = np.diag([*drawn.spacing_mm[::-1], 1.0])
    affine[:3, 3] = ORIGIN_MM
    grid = SourceGrid((0, 1, 2), (False, False, False), drawn.labels.shape)
    write_nifti_mask(organs / "organs.nii.gz", drawn.labels, grid, affine)
    row = Row("Drawn volume", "ct", "drawn", "CC0-1.0", mask="organs.nii.gz", kind="ct")
    write_index(organs, [row], instances=False)
    (folder / "organs.bin").write_bytes(drawn.labels.tobytes())

    tifffile.imwrite(cells / "crowd.tif", field.pixels, photometric="minisblack", metadata=None)
    write_nuclei(cells / "crowd.json", field, "crowd.tif")
    row = Row("Drawn crowd", "crowd.tif", "drawn", "CC0-1.0", mask="crowd.json")
    write_index(cells, [row], instances=True)
    alone = _dataset(CAPTURE_CLASS, "OT", field.pixels, "crowd")
    alone.save_as(folder / "crowd.dcm", enforce_file_format=True)
    (folder / "crowd.bin").write_bytes(field.labels().astype("<u2").tobytes())
    return organs, cells


def write_study(folder: Path, drawn: Drawn, url: str) -> None:
    """The list that OHIF's ``dicomjson`` source reads, for files served at ``url``."""
    instances = [
        {
            "metadata": _metadata(_ct_slice(plane, z, drawn.spacing_mm)),
            "url": f"dicomweb:{url}/data/volume/ct/{z:03d}.dcm",
        }
        for z, plane in enumerate(drawn.pixels)
    ]
    (folder / "study.json").write_text(json.dumps(_study(instances)))


def _ct_slice(plane: NDArray[np.int16], z: int, spacing_mm: tuple[float, float, float]) -> Dataset:
    dz, dy, dx = spacing_mm
    told = _dataset(CT_CLASS, "CT", plane, f"slice {z}")
    told.ImagePositionPatient = [*ORIGIN_MM[:2], round(z * dz, 4)]
    told.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    told.PixelSpacing, told.SliceThickness = [round(dy, 6), round(dx, 6)], round(dz, 4)
    told.InstanceNumber = z + 1
    told.WindowCenter, told.WindowWidth = 40, 400
    told.RescaleIntercept, told.RescaleSlope, told.RescaleType = 0, 1, "HU"
    return told


def _dataset(kind: UID, modality: str, plane: NDArray[Any], name: str) -> Dataset:
    told = Dataset()
    told.file_meta = FileMetaDataset()
    told.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    told.file_meta.MediaStorageSOPClassUID = told.SOPClassUID = kind
    instance = generate_uid(entropy_srcs=["viewer", name])
    told.file_meta.MediaStorageSOPInstanceUID = told.SOPInstanceUID = instance
    told.StudyInstanceUID = generate_uid(entropy_srcs=["viewer", modality, "study"])
    told.SeriesInstanceUID = generate_uid(entropy_srcs=["viewer", modality, "series"])
    told.FrameOfReferenceUID = generate_uid(entropy_srcs=["viewer", modality, "frame"])
    told.PatientName, told.PatientID, told.Modality = "Drawn^Phantom", "drawn", modality
    told.StudyDate, told.StudyTime, told.SeriesNumber = "20200101", "000000", 1
    told.Rows, told.Columns = plane.shape
    told.SamplesPerPixel, told.PhotometricInterpretation = 1, "MONOCHROME2"
    bits = 8 * plane.itemsize
    told.BitsAllocated, told.BitsStored, told.HighBit = bits, bits, bits - 1
    told.PixelRepresentation = int(plane.dtype.kind == "i")
    told.add_new("PixelData", "OB" if bits == 8 else "OW", np.ascontiguousarray(plane).tobytes())
    return told


def _metadata(slice_: Dataset) -> dict[str, Any]:
    """An instance in the names that OHIF's list uses: keywords, plain values."""
    told = {}
    for element in slice_:
        if element.keyword != "PixelData":
            value = element.value
            many = element.VM > 1
            told[element.keyword] = [_plain(one) for one in value] if many else _plain(value)
    return told


def _plain(value: Any) -> Any:
    return value if isinstance(value, int) else float(value) if _is_number(value) else str(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, float) or type(value).__name__ in {"DSfloat", "DSdecimal"}


def _study(instances: list[dict[str, Any]]) -> dict[str, Any]:
    first = instances[0]["metadata"]
    series = {
        "SeriesInstanceUID": first["SeriesInstanceUID"],
        "SeriesNumber": 1,
        "SeriesDescription": "Drawn volume",
        "Modality": "CT",
        "instances": instances,
    }
    study = {
        "StudyInstanceUID": first["StudyInstanceUID"],
        "StudyDate": first["StudyDate"],
        "StudyTime": first["StudyTime"],
        "PatientName": "Drawn^Phantom",
        "PatientID": "drawn",
        "NumInstances": len(instances),
        "Modalities": "CT",
        "series": [series],
    }
    return {"studies": [study]}
