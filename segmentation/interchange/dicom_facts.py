"""The attributes of a DICOM image that travel with its pixels: identity, units, window, spacing."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray
from pydicom.dataset import Dataset

from segmentation.interchange.deidentify import allowed_attributes, burned_in_reason
from segmentation.interchange.dicom_headers import is_localizer, number, numbers, word
from segmentation.interchange.dicom_pixels import Scale
from segmentation.interchange.kinds import kind_of_modality, kind_of_pixels
from segmentation.interchange.types import SpacingSource

_PROJECTIONS = frozenset({"CR", "DX", "DR", "MG", "RG", "XA", "RF", "PX", "IO"})
_PET_UNITS = frozenset({"BQML", "CNTS", "SUVBW", "GML", "NONE"})
_CENTIMETRES = 3
PlaneSpacing = tuple[tuple[float, float], SpacingSource]


def identity_of(dataset: Dataset) -> dict[str, str]:
    """Give the raw keys of patient, study, series and frame; they are for pseudonyms only.

    A patient without an ID is told apart by name and birth date; one with neither has no key.
    """
    patient = word(dataset, "PatientID")
    issuer = word(dataset, "IssuerOfPatientID")
    unnamed = "|".join((word(dataset, "PatientName"), word(dataset, "PatientBirthDate")))
    return {
        "patient_key": f"{patient}|{issuer}" if patient else unnamed.strip("|"),
        "study_key": word(dataset, "StudyInstanceUID"),
        "series_key": word(dataset, "SeriesInstanceUID"),
        "frame_key": word(dataset, "FrameOfReferenceUID"),
    }


def description_of(dataset: Dataset, scale: Scale, pixels: NDArray[Any]) -> dict[str, Any]:
    """Give the fields of a ``ReadImage`` that follow from the header; pixels only tell the kind."""
    channels = pixels.shape[1]
    modality = word(dataset, "Modality").upper()
    why = burned_in_reason(dataset)
    inverted = word(dataset, "PhotometricInterpretation") == "MONOCHROME1"
    grey = "MONOCHROME1" if inverted else "MONOCHROME2"
    return {
        **identity_of(dataset),
        "modality": modality if modality.isalnum() and len(modality) <= 16 else "",
        "kind": kind_of_modality(modality) or kind_of_pixels(pixels),
        "photometric": grey if channels == 1 else "RGB",
        "window": window_of(dataset) if channels == 1 else None,
        "padding": _padding(dataset, scale) if channels == 1 else None,
        "value_unit": _unit(dataset, modality),
        "attributes": allowed_attributes(dataset),
        "is_localizer": is_localizer(dataset),
        "burned_in_risk": bool(why),
        "burned_in_why": why,
    }


def window_of(dataset: Any) -> tuple[float, float] | None:
    """Read the first window as centre and width in values; a width of 0 or less is none."""
    centre, width = number(dataset, "WindowCenter"), number(dataset, "WindowWidth")
    return None if centre is None or width is None or width <= 0 else (centre, width)


def plane_spacing(dataset: Dataset) -> PlaneSpacing | None:
    """Read the spacing between rows and between columns in mm, and where it is measured.

    On a projection the pixel size is the detector's unless the file gives another, calibrated,
    one. Ultrasound states it for one region in centimetres.
    """
    stated = _positive(numbers(dataset, "PixelSpacing", 2))
    detector = _positive(numbers(dataset, "ImagerPixelSpacing", 2)) or _positive(
        numbers(dataset, "NominalScannedPixelSpacing", 2)
    )
    if stated is not None:
        projection = word(dataset, "Modality").upper() in _PROJECTIONS
        uncalibrated = projection and (detector is None or detector == stated)
        return stated, "detector" if uncalibrated else "patient"
    if detector is not None:
        return detector, "detector"
    region = _ultrasound_region(dataset)
    return None if region is None else (region, "patient")


def thickness_of(dataset: Any) -> float | None:
    """Read how far one slice reaches: the distance between slices, else their thickness."""
    for name in ("SpacingBetweenSlices", "SliceThickness"):
        found = number(dataset, name)
        if found is not None and found > 0:
            return found
    return None


def frame_seconds_of(dataset: Dataset) -> float | None:
    """Read the time between the frames of a cine loop."""
    milliseconds = number(dataset, "FrameTime")
    if milliseconds is not None and milliseconds > 0:
        return milliseconds / 1000
    rate = number(dataset, "CineRate") or number(dataset, "RecommendedDisplayFrameRate")
    return 1 / rate if rate is not None and rate > 0 else None


def _padding(dataset: Dataset, scale: Scale) -> tuple[float, float] | None:
    first = number(dataset, "PixelPaddingValue")
    if first is None:
        return None
    last = number(dataset, "PixelPaddingRangeLimit")
    ends = sorted(
        end * scale.slope + scale.intercept for end in (first, first if last is None else last)
    )
    return (ends[0], ends[1])


def _unit(dataset: Dataset, modality: str) -> str:
    kind = word(dataset, "RescaleType").upper()
    if kind == "HU" or (modality == "CT" and not kind and "RescaleSlope" in dataset):
        return "HU"
    units = word(dataset, "Units").upper()
    return units if modality == "PT" and units in _PET_UNITS else ""


def _positive(pair: tuple[float, ...] | None) -> tuple[float, float] | None:
    return (pair[0], pair[1]) if pair and min(pair) > 0 else None


def _ultrasound_region(dataset: Dataset) -> tuple[float, float] | None:
    regions = dataset.get("SequenceOfUltrasoundRegions") or []
    if len(regions) != 1:
        return None
    units = [number(regions[0], f"PhysicalUnits{axis}Direction") for axis in "YX"]
    deltas = [number(regions[0], f"PhysicalDelta{axis}") for axis in "YX"]
    if units != [_CENTIMETRES, _CENTIMETRES] or any(not delta for delta in deltas):
        return None
    down, across = (abs(delta or 0.0) * 10 for delta in deltas)
    return (down, across)
