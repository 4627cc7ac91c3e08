"""DICOM objects that are no images to segment, in the words a person uses for them."""

from __future__ import annotations

from pydicom.uid import UID

_BY_NAME: tuple[tuple[str, str], ...] = (
    ("Media Storage Directory", "a DICOM directory (only a table of contents)"),
    ("SR Storage", "a structured report"),
    ("SR ", "a structured report"),
    ("Procedure Log", "a procedure log"),
    ("RT Structure Set", "a set of radiotherapy contours"),
    ("RT Dose", "a radiotherapy dose grid"),
    ("RT ", "a radiotherapy plan or treatment record"),
    ("Surface Segmentation", "a surface mesh"),
    ("Segmentation", "a segmentation (a mask without its image)"),
    ("Presentation State", "a presentation state"),
    ("Key Object", "a list of key images"),
    ("Encapsulated", "an encapsulated document"),
    ("Waveform", "a waveform (such as an ECG)"),
    ("ECG", "a waveform (such as an ECG)"),
    ("Real World Value Mapping", "a table of real-world values"),
    ("Annotations", "a list of microscopy annotations"),
    ("Registration", "a spatial registration"),
    ("Fiducials", "a list of fiducials"),
    ("Parametric Map", "a parametric map (computed values, not an image)"),
    ("Raw Data", "raw scanner measurements"),
    ("Spectroscopy", "a spectroscopy measurement"),
    ("Tractography", "a tractography result"),
    ("Measurements", "a list of measurements"),
    ("Video", "a video"),
    ("Hanging Protocol", "a hanging protocol"),
    ("Worklist", "a worklist"),
)
_BY_MODALITY = {
    "SR": "a structured report",
    "RTSTRUCT": "a set of radiotherapy contours",
    "RTPLAN": "a radiotherapy plan or treatment record",
    "RTDOSE": "a radiotherapy dose grid",
    "SEG": "a segmentation (a mask without its image)",
    "PR": "a presentation state",
    "KO": "a list of key images",
    "REG": "a spatial registration",
    "ECG": "a waveform (such as an ECG)",
}
_LABEL_MAPS = frozenset({"1.2.840.10008.5.1.4.1.1.66.7"})
_VIDEO_SYNTAXES = tuple(f"1.2.840.10008.1.2.4.10{digit}" for digit in range(9))


def what_it_is(sop_class: str, modality: str) -> str:
    """Name an object that holds no image, in a few plain words; empty for an image."""
    if sop_class in _LABEL_MAPS:
        return _BY_MODALITY["SEG"]
    name = UID(sop_class).name if sop_class else ""
    for part, words in _BY_NAME:
        if part in name:
            return words
    return _BY_MODALITY.get(modality, "")


def is_video(transfer_syntax: str) -> bool:
    """Tell the MPEG and HEVC transfer syntaxes, whose frames no still decoder reads."""
    return transfer_syntax.startswith(_VIDEO_SYNTAXES)
