"""``verify`` as a person and as a program runs it."""

from __future__ import annotations

import pytest

from segmentation.models import AuditEvent
from segmentation.services.revisions import revision_record_system
from tests.builders import a_case, a_finding, a_project, a_slice
from tests.commands.folders import run

pytestmark = pytest.mark.django_db


def test_an_untouched_site_ends_with_0_and_says_what_was_checked() -> None:
    case = a_case(a_project())
    revision_record_system(case, "imported", [a_finding(1)], [a_slice(1)])
    code, told, said = run("verify")
    assert code == 0
    assert told["clean"] is True
    assert told["problems"] == []
    assert told["checked"]["revisions"] == 1
    assert said.splitlines() == [said.strip()]
    assert "1 revisions" in said


def test_each_problem_is_one_line_and_the_end_is_1() -> None:
    case = a_case(a_project())
    revision_record_system(case, "imported", [a_finding(1)], [a_slice(1)])
    AuditEvent.objects.filter(chain=str(case.pk), sequence=1).update(action="nothing")
    code, told, said = run("verify")
    assert code == 1
    assert [problem["area"] for problem in told["problems"]] == ["audit"]
    assert said.splitlines()[0] == f"audit: {case.pk}: Event 1 was changed."
