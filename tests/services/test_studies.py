"""Series of one study become one case, and everything else stays a case of its own."""

from __future__ import annotations

import json
import threading
import uuid
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.apps import apps
from django.db import connection

from segmentation.jobs.progress import publish_on_commit
from segmentation.models import (
    AuditEvent,
    Case,
    Image,
)
from segmentation.selectors.cases import case_row
from segmentation.services import cases as case_services
from segmentation.services.cases import case_release
from segmentation.services.imports import Report
from segmentation.services.presence import presence_beat
from tests.builders import a_member, a_person, a_project
from tests.interchange.drawn import save, slice_of
from tests.services.drawn_studies import (
    THICK,
    THIN,
    a_scout,
    a_series,
    bring,
    counted,
    depth_of_reference,
    draw,
    the_case,
)

pytestmark = pytest.mark.django_db


def test_series_of_one_study_become_images_of_one_case(tmp_path: Path) -> None:
    a_series(tmp_path, "thick", THICK)
    a_series(tmp_path, "thin", THIN)
    a_scout(tmp_path)
    project = a_project()
    report = bring(project, tmp_path)
    assert counted(report) == (1, 2, 0, 0)
    case = the_case(project)
    assert (case.number, case.images.count()) == (1, 3)
    assert depth_of_reference(case) == len(THIN)
    told = {file.sentence for file in report.files}
    assert told == {"", "Added to case 1 as a further series."}
    assert {file.outcome for file in report.files} == {"imported"}
    assert {file.case for file in report.files} == {1}


@pytest.mark.parametrize(
    "other",
    [
        {"FrameOfReferenceUID": "1.2.10"},
        {"FrameOfReferenceUID": ""},
        {"StudyInstanceUID": "1.3"},
        {"PatientID": "another"},
    ],
    ids=["frame", "no frame", "study", "patient"],
)
def test_what_cannot_be_laid_over_stays_a_case_of_its_own(
    tmp_path: Path, other: dict[str, Any]
) -> None:
    a_series(tmp_path, "thin", THIN)
    a_series(tmp_path, "thick", THICK, **other)
    project = a_project()
    assert counted(bring(project, tmp_path)) == (2, 0, 0, 0)
    assert {case.images.count() for case in Case.objects.all()} == {1}


def test_radiographs_clips_and_single_slices_of_one_study_stay_apart(tmp_path: Path) -> None:
    for number in range(3):
        still = slice_of(
            np.full((6, 8), number, np.int16),
            SeriesInstanceUID=f"1.2.3.{number}",
            FrameOfReferenceUID="1.2.9",
            Modality="DX",
            ImagePositionPatient=None,
        )
        save(still, tmp_path / f"dx{number}.dcm")
        a_series(tmp_path, f"slice {number}", [float(number)])
    project = a_project()
    assert counted(bring(project, tmp_path)) == (6, 0, 0, 0)


def test_rows_of_an_index_stay_cases_of_their_own(tmp_path: Path) -> None:
    a_series(tmp_path, "thick", THICK)
    a_series(tmp_path, "thin", THIN)
    (tmp_path / "index.csv").write_text("id,image\na,thick\nb,thin\n")
    project = a_project()
    assert counted(bring(project, tmp_path)) == (2, 0, 0, 0)
    assert bring(project, a_series(tmp_path / "later", "third", THIN[:5])).imported == 1


@pytest.mark.parametrize("first", ["thick", "thin", "scout"])
def test_the_reference_does_not_depend_on_the_order_of_arrival(tmp_path: Path, first: str) -> None:
    series = {
        "thick": a_series(tmp_path, "thick", THICK),
        "thin": a_series(tmp_path, "thin", THIN),
        "scout": a_scout(tmp_path),
    }
    project = a_project()
    bring(project, series.pop(first))
    for path in series.values():
        assert counted(bring(project, path)) == (0, 1, 0, 0)
    case = the_case(project)
    assert case.images.count() == 3
    assert depth_of_reference(case) == len(THIN)
    assert case.images.filter(is_reference=True).count() == 1


def test_a_reformat_is_no_reference_beside_what_was_measured(tmp_path: Path) -> None:
    a_series(tmp_path, "thin", THIN, ImageType=["DERIVED", "SECONDARY", "REFORMATTED"])
    a_series(tmp_path, "thick", THICK, ImageType=["ORIGINAL", "PRIMARY", "AXIAL"])
    project = a_project()
    assert counted(bring(project, tmp_path)) == (1, 1, 0, 0)
    assert depth_of_reference(the_case(project)) == len(THICK)


def test_a_late_series_leaves_masks_and_their_grid_alone(tmp_path: Path) -> None:
    project = a_project()
    bring(project, a_series(tmp_path, "thick", THICK))
    case = the_case(project)
    revision = draw(case)
    assert counted(bring(project, a_series(tmp_path, "thin", THIN))) == (0, 1, 0, 0)
    case.refresh_from_db()
    assert (case.head_id, depth_of_reference(case)) == (revision.pk, len(THICK))
    assert case.state == Case.State.IN_PROGRESS


def test_a_series_does_not_change_the_grid_under_somebody_who_has_the_pen(tmp_path: Path) -> None:
    project = a_project()
    bring(project, a_series(tmp_path, "thick", THICK))
    person = a_member(project, "annotator")
    presence_beat(user=person, case=the_case(project), tab=uuid.uuid4(), seconds=0, want="hold")
    bring(project, a_series(tmp_path, "thin", THIN))
    assert depth_of_reference(the_case(project)) == len(THICK)


def test_an_overview_that_masks_lie_on_does_not_swallow_its_volume(tmp_path: Path) -> None:
    project = a_project()
    bring(project, a_scout(tmp_path))
    draw(the_case(project))
    assert counted(bring(project, a_series(tmp_path, "thin", THIN))) == (1, 0, 0, 0)
    assert counted(bring(project, a_series(tmp_path, "thick", THICK))) == (0, 1, 0, 0)
    assert [case.images.count() for case in Case.objects.order_by("number")] == [1, 2]


def test_a_withdrawn_case_takes_no_series(tmp_path: Path) -> None:
    project = a_project()
    bring(project, a_series(tmp_path, "thick", THICK))
    Case.objects.update(state=Case.State.WITHDRAWN)
    assert counted(bring(project, a_series(tmp_path, "thin", THIN))) == (1, 0, 0, 0)


def test_the_same_series_again_is_here_already(tmp_path: Path) -> None:
    project = a_project()
    a_series(tmp_path, "thick", THICK)
    a_series(tmp_path, "thin", THIN)
    bring(project, tmp_path)
    assert counted(bring(project, tmp_path)) == (0, 0, 2, 0)


def test_an_import_that_is_done_again_tells_cases_and_series_as_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("segmentation.services.imports.uuid.uuid4", lambda: "the same import")
    project = a_project()
    a_series(tmp_path, "thick", THICK)
    a_series(tmp_path, "thin", THIN)
    assert counted(bring(project, tmp_path)) == counted(bring(project, tmp_path)) == (1, 1, 0, 0)


def test_a_picture_that_may_show_a_name_holds_its_case(tmp_path: Path) -> None:
    project = a_project()
    bring(project, a_series(tmp_path, "thin", THIN))
    bring(project, a_series(tmp_path, "thick", THICK, BurnedInAnnotation="YES"))
    case = the_case(project)
    assert (case.state, case.images.count()) == (Case.State.QUARANTINED, 2)
    case_release(user=a_member(project, "reviewer"), case=case)
    assert the_case(project).state == Case.State.READY


def test_a_picture_that_may_show_a_name_does_not_stop_work_that_has_begun(tmp_path: Path) -> None:
    project = a_project()
    bring(project, a_series(tmp_path, "thin", THIN))
    draw(the_case(project))
    held = a_series(tmp_path, "thick", THICK, BurnedInAnnotation="YES")
    assert counted(bring(project, held)) == (1, 0, 0, 0)
    assert list(Case.objects.order_by("number").values_list("state", flat=True)) == [
        Case.State.IN_PROGRESS,
        Case.State.QUARANTINED,
    ]


def test_a_study_is_known_by_pseudonyms_only(tmp_path: Path) -> None:
    uids = {"StudyInstanceUID": "1.2.826.11", "FrameOfReferenceUID": "1.2.826.22"}
    a_series(tmp_path, "thick", THICK, **uids)
    a_series(tmp_path, "thin", THIN, **uids)
    project = a_project()
    bring(project, tmp_path)
    case = the_case(project)
    assert case.frame_key.startswith("p_")
    assert case.frame_key != case.study_key
    rows = [
        row
        for model in apps.get_models()
        if model.__module__.startswith("segmentation.")
        for row in model._default_manager.values()
    ]
    assert "1.2.826." not in json.dumps(rows, default=str)


def test_a_further_series_is_told_to_the_trail_the_page_and_the_worklist(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[dict[str, Any]] = []

    def listen(event: str, content: dict[str, Any], **where: Any) -> None:
        told.append(content)
        publish_on_commit(event, content, **where)

    project = a_project()
    bring(project, a_series(tmp_path, "thin", THIN))
    monkeypatch.setattr(case_services, "publish_on_commit", listen)
    bring(project, a_series(tmp_path, "thick", THICK))
    case = the_case(project)
    assert told == [{"id": str(case.pk), "state": "ready", "head": None, "series": 2}]
    event = AuditEvent.objects.get(action="case.image_add")
    added = case.images.get(is_reference=False)
    assert (event.subject["image"], event.subject["reference"]) == (str(added.pk), False)
    site = a_person(is_superuser=True)
    row = case_row(user=site, case_id=case.pk)
    assert (row["series"], row["size"]) == (2, [len(THIN), 5, 7])


def test_originals_of_a_further_series_are_kept_with_it(tmp_path: Path) -> None:
    project = a_project(keep_originals=True)
    bring(project, a_series(tmp_path, "thin", THIN))
    bring(project, a_series(tmp_path, "thick", THICK))
    first, second = Image.objects.order_by("created_at")
    assert first.original_id
    assert second.original_id not in (None, first.original_id)


@pytest.mark.django_db(transaction=True)
def test_imports_at_one_moment_make_one_case_of_a_study(tmp_path: Path) -> None:
    project = a_project()
    folders = [a_series(tmp_path, f"s{n}", THIN[: 4 + n]) for n in range(4)]
    gate = threading.Barrier(len(folders))
    reports: list[Report] = []

    def run(folder: Path) -> None:
        try:
            gate.wait()
            reports.append(bring(project, folder))
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(folder,)) for folder in folders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(counted(report) for report in reports) == [(0, 1, 0, 0)] * 3 + [(1, 0, 0, 0)]
    case = the_case(project)
    assert (case.number, case.images.count()) == (1, 4)
    assert depth_of_reference(case) == 7
    project.refresh_from_db()
    assert project.case_counter == 1
