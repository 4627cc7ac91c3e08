"""Lengths and angles kept with a case: at the door, under the pen, and in the export."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

import pytest
from rest_framework.test import APIClient

from segmentation.models import AuditEvent, Case, Measurement
from tests.builders import a_case, a_finding, a_member, a_project, a_slice
from tests.services.exporting import draw, export, table

pytestmark = pytest.mark.django_db
LINE = {"kind": "length", "plane": "axial", "points": [[0, 0, 0.5], [6, 8, 0.5]]}
CORNER = {
    "kind": "angle",
    "plane": "axial",
    "points": [[9, 0, 0.5], [0, 0, 0.5], [0, 9, 0.5]],
    "note": "=neck",
}


@pytest.fixture
def case() -> Case:
    made = a_case(a_project())
    made.images.update(spacing_mm=[1.0, 0.5, 0.5], spacing_source="patient")
    return made


class Measurer:
    """A person with a tab at the door."""

    def __init__(self, case: Case, role: str = "annotator") -> None:
        self.client, self.case, self.tab = APIClient(), case, str(uuid.uuid4())
        self.client.force_login(a_member(case.project, role))

    def put(self, content: dict[str, Any], key: uuid.UUID | None = None) -> Any:
        address = f"{self._address()}{key or uuid.uuid4()}/"
        return self.client.put(address, content | {"tab": self.tab}, format="json")

    def remove(self, key: str) -> Any:
        return self.client.delete(f"{self._address()}{key}/?tab={self.tab}")

    def list(self) -> Any:
        return self.client.get(self._address()).json()["results"]

    def _address(self) -> str:
        return f"/api/v1/cases/{self.case.pk}/measurements/"


def test_a_length_is_in_millimetres_where_the_file_has_a_spacing_else_in_pixels(case: Case) -> None:
    person = Measurer(case)
    told = person.put(LINE).json()
    assert (told["value"], told["unit"]) == (pytest.approx(5.0), "mm")
    case.images.update(spacing_mm=None)
    (told,) = person.list()
    assert (told["value"], told["unit"]) == (pytest.approx(10.0), "px")


def test_a_measurement_sent_twice_is_one_and_changes_under_its_id(case: Case) -> None:
    person, key = Measurer(case), uuid.uuid4()
    assert person.put(CORNER, key).status_code == 200
    person.put(CORNER | {"points": [[9, 0, 0.5], [0, 0, 0.5], [9, 9, 0.5]]}, key)
    (told,) = person.list()
    assert told["value"] == pytest.approx(45.0)
    assert told["note"] == "=neck"


def test_what_was_removed_comes_back_as_itself_and_the_chain_tells_all_of_it(case: Case) -> None:
    person, key = Measurer(case), uuid.uuid4()
    person.put(LINE, key)
    assert person.remove(str(key)).status_code == 204
    assert person.remove(str(key)).status_code == 204
    assert person.list() == []
    person.put(LINE, key)
    assert [told["id"] for told in person.list()] == [str(key)]
    events = AuditEvent.objects.filter(action__startswith="measurement.").order_by("sequence")
    assert [event.action.split(".")[1] for event in events] == ["kept", "removed", "changed"]
    assert all(event.subject["points"] == LINE["points"] for event in events)


def test_only_who_may_edit_and_holds_the_pen_measures(case: Case) -> None:
    person, other = Measurer(case), Measurer(case)
    key = person.put(LINE).json()["id"]
    refused = other.put(LINE)
    assert (refused.status_code, refused.json()["code"]) == (409, "not_holder")
    assert other.remove(key).status_code == 409
    viewer = Measurer(case, "viewer")
    assert viewer.put(LINE).status_code == 403
    assert [told["id"] for told in viewer.list()] == [key]
    stranger = Measurer(a_case(a_project()))
    stranger.case = case
    assert stranger.put(LINE).status_code == 404


def test_a_case_that_is_closed_for_work_keeps_what_it_has(case: Case) -> None:
    person = Measurer(case)
    key = person.put(LINE).json()["id"]
    Case.objects.filter(pk=case.pk).update(state=Case.State.SUBMITTED)
    assert person.put(LINE, uuid.UUID(key)).json()["code"] == "state_refused"
    assert person.remove(key).status_code == 409
    assert Measurement.objects.get().removed_at is None


def test_an_id_of_another_case_is_not_found(case: Case) -> None:
    key = uuid.UUID(Measurer(case).put(LINE).json()["id"])
    elsewhere = a_case(case.project)
    assert Measurer(elsewhere).put(LINE, key).status_code == 404
    assert Measurement.objects.get().case_id == case.pk


@pytest.mark.parametrize(
    "change",
    [
        {"points": [[0, 0, 0.5], [64.1, 8, 0.5]]},
        {"points": [[0, 0, 0.5], [1, 1, -1]]},
        {"points": [[0, 0, 0.5], [6, 8, 0.5], [7, 7, 0.5]]},
        {"kind": "angle"},
        {"moment": 1},
        {"points": [[0, 0], [1, 1]]},
        {"points": [["nan", 0, 0.5], [1, 1, 0.5]]},
        {"kind": "volume"},
    ],
)
def test_what_lies_outside_the_image_or_is_no_measurement_is_refused(
    case: Case, change: dict[str, Any]
) -> None:
    refused = Measurer(case).put(LINE | change)
    assert refused.status_code == 400, refused.content
    assert not Measurement.objects.exists()


def test_measurements_on_another_series_do_not_follow_the_reference(case: Case) -> None:
    person = Measurer(case)
    person.put(LINE)
    case.images.update(is_reference=False)
    assert person.list() == []


def test_the_export_tells_them_in_the_table_and_in_json(case: Case, tmp_path: Path) -> None:
    draw(case, [a_finding(1)], [a_slice(1)])
    person = Measurer(case)
    person.put(LINE)
    person.put(CORNER)
    export(case.project, "csv", tmp_path / "csv")
    line, corner = table(tmp_path / "csv" / "measurements.csv")
    assert (line["kind"], float(line["value"]), line["unit"]) == ("length", 5.0, "mm")
    assert (line["spacing"], line["x2"], line["y2"], line["x3"]) == ("patient", "6.0", "8.0", "")
    assert (corner["unit"], corner["y3"], corner["note"]) == ("deg", "9.0", "'=neck")
    export(case.project, "labels", tmp_path / "labels")
    (path,) = (tmp_path / "labels").glob("*.findings.json")
    told = json.loads(path.read_text())["measurements"]
    assert [one["value"] for one in told] == [pytest.approx(5.0), pytest.approx(90.0)]
    assert told[0]["points"] == [[0, 0, 0.5], [6, 8, 0.5]]


def test_points_leave_on_the_files_own_grid(case: Case, tmp_path: Path) -> None:
    """The file's rows run the other way: what lies at y in the store lies at 48 - y in the file."""
    image = case.images.get()
    image.source_grid = image.source_grid | {"flips": [False, True, False]}
    image.save()
    draw(case, [a_finding(1)], [a_slice(1)])
    Measurer(case).put(LINE)
    export(case.project, "csv", tmp_path / "out")
    (line,) = table(tmp_path / "out" / "measurements.csv")
    assert [line[name] for name in ("x1", "y1", "x2", "y2")] == ["0.0", "48.0", "6.0", "40.0"]
