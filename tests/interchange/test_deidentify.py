"""Nothing of a person passes but a keyed pseudonym and known words."""

from __future__ import annotations

import pytest
from pydicom.dataset import Dataset

from segmentation.interchange.deidentify import allowed_attributes, burned_in_reason
from segmentation.interchange.pseudonyms import pseudonym

CANARY = "Zebrafink"


def test_a_pseudonym_is_stable_keyed_and_separated_by_kind() -> None:
    first = pseudonym(b"key", "patient", "4711")
    assert first == pseudonym(b"key", "patient", "4711")
    assert first.startswith("p_")
    assert len(first) == 22
    assert int(first[2:], 16) >= 0
    others = {
        pseudonym(b"other", "patient", "4711"),
        pseudonym(b"key", "study", "4711"),
        pseudonym(b"key", "patient", "4712"),
    }
    assert len(others | {first}) == 4


def test_nobody_has_no_pseudonym() -> None:
    assert pseudonym(b"key", "patient", "") == ""


def test_no_free_text_passes() -> None:
    dataset = Dataset()
    for name in (
        "PatientName",
        "PatientID",
        "StudyDescription",
        "SeriesDescription",
        "Manufacturer",
        "ManufacturerModelName",
        "BodyPartExamined",
        "ViewPosition",
        "InstitutionName",
        "ProtocolName",
        "ConvolutionKernel",
        "PatientPosition",
        "PatientSex",
        "Laterality",
    ):
        setattr(dataset, name, CANARY)
    assert CANARY not in str(allowed_attributes(dataset))


def test_known_words_and_numbers_pass_in_a_normal_form() -> None:
    dataset = Dataset()
    dataset.Manufacturer = "SIEMENS Healthineers of " + CANARY
    dataset.BodyPartExamined = "chest"
    dataset.SliceThickness = "1.250000"
    dataset.PatientAge = "044Y"
    dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    assert allowed_attributes(dataset) == {
        "Manufacturer": "Siemens",
        "BodyPartExamined": "CHEST",
        "SliceThickness": "1.25",
        "PatientAge": "044Y",
        "SOPClass": "CT Image Storage",
    }


@pytest.mark.parametrize(
    ("age", "kept"),
    [("089Y", "089Y"), ("090Y", "090Y+"), ("101Y", "090Y+"), ("012M", "012M"), ("old", "")],
)
def test_great_age_is_not_told_apart(age: str, kept: str) -> None:
    dataset = Dataset()
    dataset.PatientAge = age
    assert allowed_attributes(dataset).get("PatientAge", "") == kept


@pytest.mark.parametrize(
    ("stated", "modality", "risk"),
    [
        ("NO", "US", False),
        ("YES", "CT", True),
        ("", "CT", False),
        ("", "US", True),
        ("", "OT", True),
        ("", "", True),
        ("", "MR", False),
    ],
)
def test_text_in_the_picture_is_suspected(stated: str, modality: str, risk: bool) -> None:
    dataset = Dataset()
    dataset.BurnedInAnnotation, dataset.Modality = stated, modality
    assert bool(burned_in_reason(dataset)) is risk
