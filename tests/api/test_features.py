"""What a finding measures, asked at the door, and in the exported table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rest_framework.test import APIClient

from segmentation.engine.features import FEATURES
from segmentation.models import Case, MaskRevision, Project
from segmentation.services.revisions import revision_record_system
from segmentation.storage.volumes import slice_plane
from tests.builders import a_case, a_finding, a_member, a_project, a_slice
from tests.services.exporting import export, table

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return a_project()


@pytest.fixture
def cine(project: Project) -> Case:
    """Three frames; finding 1 stands at the last one, a square of 4 by 4."""
    case = a_case(project, moments=3)
    case.images.update(spacing_mm=[1.0, 0.5, 0.5], spacing_source="patient", slope=2.0, intercept=7)
    revision_record_system(case, MaskRevision.Kind.IMPORTED, [a_finding(1)], [a_slice(1, z=2, x=5)])
    return case


def ask(case: Case, role: str = "viewer", finding: int = 1, **query: Any) -> Any:
    client = APIClient()
    client.force_login(a_member(case.project, role))
    return client.get(f"/api/v1/cases/{case.pk}/findings/{finding}/features/", query)


def values_at(case: Case, t: int) -> np.ndarray:
    stored = slice_plane(case.images.get().pack_id, 0, t)[0, 0:4, 5:9]
    return stored.astype(float) * 2 + 7


def test_features_are_those_of_the_mask_and_the_values_at_the_moment_asked_for(cine: Case) -> None:
    told = ask(cine, t=2).json()
    features, inside = told["features"], values_at(cine, 2)
    assert list(features) == list(FEATURES)
    assert features["length_unit"] == "mm"
    assert features["equivalent_diameter"] == pytest.approx(2 * np.sqrt(16 * 0.25 / np.pi))
    assert features["intensity_mean"] == pytest.approx(inside.mean(), rel=1e-6)
    assert features["intensity_max"] == pytest.approx(inside.max())
    assert ask(cine, t=1).json()["features"]["intensity_mean"] is None


def test_a_finding_or_a_moment_that_is_not_there_is_not_found(cine: Case) -> None:
    assert ask(cine, finding=7).status_code == 404
    assert ask(cine, t=3).status_code == 404
    assert ask(cine, t="x").status_code == 400


def test_a_held_back_case_is_measured_by_reviewers_only(cine: Case) -> None:
    Case.objects.filter(pk=cine.pk).update(state=Case.State.QUARANTINED)
    assert ask(cine, "annotator", t=2).status_code == 403
    assert ask(cine, "reviewer", t=2).status_code == 200


def test_the_exported_table_has_the_same_figures(cine: Case, tmp_path: Path) -> None:
    features = ask(cine, t=2).json()["features"]
    export(cine.project, "csv", tmp_path / "out")
    (row,) = table(tmp_path / "out" / "findings.csv")
    assert row["moment"] == "2"
    for name, value in features.items():
        known = "" if value is None else value
        assert row[name] == known or float(row[name]) == pytest.approx(value, rel=1e-8), name
