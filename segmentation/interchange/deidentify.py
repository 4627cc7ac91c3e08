"""What may be known of a person beside a pseudonym: a short list of harmless attributes.

Everything not on the list is dropped (PS3.15 Annex E turned round: allowed, not forbidden, fields).
Free text is never kept as it stands: a value is a number, a known word, or it is left out.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from pydicom.uid import UID

_ELDERLY_YEARS = 90
_VENDORS = (
    "Agfa",
    "Canon",
    "Carestream",
    "Fujifilm",
    "GE",
    "Hamamatsu",
    "Hitachi",
    "Hologic",
    "Konica Minolta",
    "Leica",
    "Philips",
    "Samsung",
    "Siemens",
    "Toshiba",
    "United Imaging",
    "Zeiss",
)
_BODY_PART_WORDS = (
    "ABDOMEN ABDOMENPELVIS ANKLE AORTA ARM BRAIN BREAST CERVICALSPINE CHEST CHESTABDOMEN "
    "CHESTABDPELVIS CLAVICLE COLON CSPINE EAR ELBOW EXTREMITY EYE FEMUR FOOT FOREARM HAND HEAD "
    "HEADNECK HEART HIP HUMERUS JAW KIDNEY KNEE LEG LIVER LSPINE LUNG MAXILLA NECK PANCREAS "
    "PELVIS PROSTATE RIB SHOULDER SKULL SPINE SPLEEN STERNUM THIGH THUMB TIBIA TOE TSPINE "
    "UTERUS WHOLEBODY WRIST"
)
_BODY_PARTS = frozenset(_BODY_PART_WORDS.split())
_VIEWS = frozenset({"AP", "PA", "LL", "RL", "LLO", "LAT", "CC", "MLO", "ML", "LM", "RLD", "LLD"})
_POSITIONS = frozenset({"HFP", "HFS", "HFDR", "HFDL", "FFP", "FFS", "FFDR", "FFDL"})
_NUMBERS = (
    "BitsStored",
    "EchoTime",
    "FlipAngle",
    "InversionTime",
    "KVP",
    "MagneticFieldStrength",
    "RepetitionTime",
    "SliceThickness",
    "SpacingBetweenSlices",
    "XRayTubeCurrent",
)
_RISKY_CLASSES = ("Secondary Capture", "Photographic", "Video Endoscopic", "Screening")
_RISKY_MODALITIES = frozenset({"US", "IVUS", "SC", "XC", "OT", "ES", "GM", "RF", "XA", "DMS"})


def allowed_attributes(dataset: Any) -> dict[str, str]:
    """Pick the attributes of a DICOM dataset that may be kept, each in a normal form."""
    found = {name: _number(dataset.get(name)) for name in _NUMBERS}
    for name, normal in _WORDS.items():
        found[name] = normal(_text(dataset.get(name)))
    found["SOPClass"] = _class_name(dataset.get("SOPClassUID"))
    meta = getattr(dataset, "file_meta", None) or {}
    found["TransferSyntax"] = _class_name(meta.get("TransferSyntaxUID"))
    return {name: value for name, value in found.items() if value}


def burned_in_reason(dataset: Any) -> str:
    """Say why text may be burned into the pixels of a DICOM image, or nothing if that is unlikely.

    A missing Burned In Annotation is not a "no": captured screens, photographs, ultrasound and
    images of unstated modality are suspected unless the file itself denies it.
    """
    stated = _text(dataset.get("BurnedInAnnotation")).upper()
    if stated == "NO":
        return ""
    if stated == "YES":
        return "The file says that text is burned into its pixels."
    if any(word in _class_name(dataset.get("SOPClassUID")) for word in _RISKY_CLASSES):
        return "It is a captured screen or photograph; these often show names in the picture."
    modality = _text(dataset.get("Modality")).upper()
    if modality in _RISKY_MODALITIES:
        return f"Images of modality {modality} often show names in the picture."
    return "" if modality else "The modality is not stated, so text in the picture is possible."


def _text(value: Any) -> str:
    try:
        return str(value or "").strip()
    except Exception:
        # A value that cannot even be written down is as good as none.
        return ""


def _number(value: Any) -> str:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return ""
    return f"{number:.6g}" if math.isfinite(number) else ""


def _class_name(uid: Any) -> str:
    known = UID(_text(uid))
    return known.name if known and known.name != known else ""


def _vendor(text: str) -> str:
    words = re.split(r"[^a-z]+", text.lower())
    for vendor in _VENDORS:
        if vendor.lower().split()[0] in words:
            return vendor
    return ""


def _one_of(words: frozenset[str]) -> Callable[[str], str]:
    return lambda text: text.upper() if text.upper() in words else ""


def _first_hand(text: str) -> str:
    """The first word of an Image Type: measured, or derived from other images."""
    return next((word for word in ("ORIGINAL", "DERIVED") if word in text.upper()), "")


def _age(text: str) -> str:
    match = re.fullmatch(r"(\d{3})([DWMY])", text)
    if not match:
        return ""
    years = match.group(2) == "Y" and int(match.group(1)) >= _ELDERLY_YEARS
    return f"{_ELDERLY_YEARS:03d}Y+" if years else text


_WORDS: dict[str, Callable[[str], str]] = {
    "BodyPartExamined": _one_of(_BODY_PARTS),
    "ImageType": _first_hand,
    "ImageLaterality": _one_of(frozenset("LRUB")),
    "Laterality": _one_of(frozenset("LR")),
    "Manufacturer": _vendor,
    "PatientAge": _age,
    "PatientPosition": _one_of(_POSITIONS),
    "PatientSex": _one_of(frozenset("MFO")),
    "ViewPosition": _one_of(_VIEWS),
    "LossyImageCompression": _one_of(frozenset({"00", "01"})),
}
