from __future__ import annotations

from typing import Any

import pytest

from segmentation.models import Project
from segmentation.services.holdout import holdout_decide
from tests.builders import a_case, a_project

pytestmark = pytest.mark.django_db


def decide(project: Project, patient: str = "", group: str = "", digest: str = "d") -> bool:
    return holdout_decide(project, patient_key=patient, group=group, source_digest=digest)


def test_about_the_asked_for_share_of_patients_is_held_out() -> None:
    project = a_project(holdout_share=0.2)
    held = sum(decide(project, patient=f"p_{number}") for number in range(2000))
    # 2,000 draws at 0.2: mean 400, standard deviation 18; five of them are no accident.
    assert 310 < held < 490


def test_the_decision_can_be_repeated_but_differs_between_projects_and_sites(
    settings: Any,
) -> None:
    first, second = a_project(holdout_share=0.5), a_project(holdout_share=0.5)
    people = [f"p_{number}" for number in range(64)]
    decided = [decide(first, patient=one) for one in people]
    assert decided == [decide(first, patient=one) for one in people]
    assert decided != [decide(second, patient=one) for one in people]
    settings.SECRET_KEY = "another site"
    assert decided != [decide(first, patient=one) for one in people]


def test_a_larger_share_keeps_what_was_held_out() -> None:
    project = a_project(holdout_share=0.2)
    people = [f"p_{number}" for number in range(200)]
    before = {one for one in people if decide(project, patient=one)}
    project.holdout_share = 0.4
    assert before < {one for one in people if decide(project, patient=one)}


def test_a_known_patient_or_group_stays_on_its_side_whatever_the_share() -> None:
    project = a_project(holdout_share=0.0)
    a_case(project, patient_key="p_known", is_holdout=True)
    a_case(project, group="g_known", is_holdout=True)
    assert decide(project, patient="p_known")
    assert decide(project, group="g_known")
    assert not decide(project, patient="p_other", group="g_known")


def test_a_table_decides_only_about_the_unknown() -> None:
    project = a_project(holdout_share=1.0)
    a_case(project, patient_key="p_known", is_holdout=True)

    def split(word: str, patient: str) -> bool:
        return holdout_decide(project, patient_key=patient, group="", source_digest="d", split=word)

    assert not split("train", "p_new")
    assert split("test", "p_newer")
    assert split("train", "p_known")
