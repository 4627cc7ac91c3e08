"""What a DICOM file says about itself, read without its pixels and without trusting it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydicom import config, dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from segmentation.interchange.dicom_classes import is_video, what_it_is
from segmentation.interchange.errors import (
    EmptyFileError,
    EncryptedError,
    NotAnImageError,
    UnreadableError,
    UnsupportedError,
    reading,
)

_DEFERRED = "4 KB"
_BARE_HEADER_BYTES = 144
_SENTENCE = "This DICOM file is damaged or cut short. Export it again."
_PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
_TIMES = (
    "TemporalPositionIdentifier",
    "AcquisitionNumber",
    "EchoNumbers",
    "TriggerTime",
    "AcquisitionTime",
    "ContentTime",
    "InstanceNumber",
)
Numbers = tuple[float, ...]


@dataclass(frozen=True)
class Place:
    """Where one frame lies: position and row and column cosines (LPS mm), and its moment.

    ``spacing`` is between rows, then between columns. ``moment`` orders frames at one position.
    """

    position: Numbers | None
    orientation: Numbers | None
    spacing: tuple[float, float] | None
    moment: Numbers = ()


@dataclass(frozen=True)
class DicomHeader:
    """The facts by which files are grouped into series and series are judged."""

    series_key: str
    instance_key: str
    modality: str
    size: tuple[int, int, int]
    frames: int
    localizer: bool
    place: Place
    study_key: str = ""


def open_dicom(path: Path, *, whole: bool) -> Dataset:
    """Parse a DICOM file, with or without preamble and meta group; pixels are left where they are.

    ``whole`` also loads large elements, as decoding needs. A missing transfer syntax is filled in
    from the encoding that was met.
    """
    with reading(_SENTENCE), config.disable_value_validation():
        dataset = dcmread(path, defer_size=None if whole else _DEFERRED, force=True)
        if not len(dataset):
            if path.stat().st_size > _BARE_HEADER_BYTES:
                raise UnreadableError(_SENTENCE)
            raise EmptyFileError("This DICOM file holds nothing but a header. Export it again.")
        if not hasattr(dataset, "file_meta"):
            dataset.file_meta = FileMetaDataset()
        if "TransferSyntaxUID" not in dataset.file_meta:
            implicit, little = dataset.original_encoding
            explicit = ExplicitVRLittleEndian if little else ExplicitVRBigEndian
            dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else explicit
        return dataset


def read_header(path: Path) -> DicomHeader:
    """Read the header of one file, or raise the refusal of a file that holds no image."""
    dataset = open_dicom(path, whole=False)
    with reading(_SENTENCE), config.disable_value_validation():
        check_is_image(dataset)
        size = (whole(dataset, "Rows"), whole(dataset, "Columns"), samples_of(dataset))
        modality = word(dataset, "Modality").upper()
        return DicomHeader(
            series_key=word(dataset, "SeriesInstanceUID"),
            instance_key=word(dataset, "SOPInstanceUID"),
            modality=modality,
            size=size,
            frames=frames_of(dataset),
            localizer=is_localizer(dataset),
            study_key=word(dataset, "StudyInstanceUID"),
            place=place_of(dataset, dataset, dataset),
        )


def check_is_image(dataset: Dataset) -> None:
    """Raise the refusal of an object that is locked, is no image, or has no pixels."""
    what = what_it_is(_class_of(dataset), word(dataset, "Modality").upper())
    if what:
        raise UnsupportedError(f"This DICOM file is {what}. Import the images it belongs to.")
    if "EncryptedAttributesSequence" in dataset and "PixelData" not in dataset:
        raise EncryptedError("This DICOM file is encrypted. Export it without protection.")
    if is_video(str(dataset.file_meta.TransferSyntaxUID)):
        raise UnsupportedError("This DICOM file is a video. Export its frames as images.")
    if not any(name in dataset for name in _PIXELS):
        raise NotAnImageError(
            "This DICOM file holds no pixels, or it is cut short. Export the image itself."
        )


def is_localizer(dataset: Dataset) -> bool:
    """Tell whether a file is an overview that was taken to plan a scan, by its Image Type."""
    return "LOCALIZER" in word(dataset, "ImageType").upper()


def frames_of(dataset: Dataset) -> int:
    """Read the number of frames; a missing one is 1, a senseless one is damage."""
    if dataset.get("NumberOfFrames") in (None, ""):
        return 1
    return whole(dataset, "NumberOfFrames")


def samples_of(dataset: Dataset) -> int:
    """Read the samples per pixel; a missing one is 1."""
    return int(number(dataset, "SamplesPerPixel") or 1)


def place_of(position: Any, orientation: Any, measures: Any) -> Place:
    """Collect the place of a frame from the groups that hold its parts (None where absent)."""
    spacing = numbers(measures, "PixelSpacing", 2)
    return Place(
        position=numbers(position, "ImagePositionPatient", 3),
        orientation=numbers(orientation, "ImageOrientationPatient", 6),
        spacing=(spacing[0], spacing[1]) if spacing and min(spacing) > 0 else None,
        moment=tuple(number(position, name) or 0.0 for name in _TIMES),
    )


def word(dataset: Any, name: str) -> str:
    """Read an element as text; absent or impossible values are empty."""
    try:
        return str(dataset.get(name) or "").strip()
    except Exception:
        # One unreadable element must not hide an image whose pixels are good.
        return ""


def number(dataset: Any, name: str) -> float | None:
    """Read the first number of an element; absent, empty or impossible values are None."""
    found = numbers(dataset, name, None)
    return found[0] if found else None


def numbers(dataset: Any, name: str, count: int | None) -> Numbers | None:
    """Read an element as finite numbers, exactly ``count`` of them (None: at least one)."""
    try:
        value: Any = None if dataset is None else dataset.get(name)
        several = not isinstance(value, str | bytes | float | int) and hasattr(value, "__iter__")
        parts: list[Any] = list(value) if several else [value]
        found = tuple(float(part) for part in parts)
    except Exception:
        # As in ``word``: an impossible value is an absent one.
        return None
    if not found or (count is not None and len(found) != count):
        return None
    return found if all(math.isfinite(part) for part in found) else None


def whole(dataset: Dataset, name: str) -> int:
    """Read a whole number that an image cannot do without."""
    found = number(dataset, name)
    if found is None or found < 1 or not found.is_integer():
        raise UnreadableError(f"The DICOM header states no valid {name}. Export the image again.")
    return int(found)


def _class_of(dataset: Dataset) -> str:
    stated = word(dataset, "SOPClassUID")
    return stated or word(dataset.file_meta, "MediaStorageSOPClassUID")
