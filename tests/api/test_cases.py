from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from segmentation.models import Assignment, Case, Image, Job, Presence, Project
from segmentation.services.revisions import revision_record_system
from tests.builders import a_case, a_finding, a_member, a_person, a_project, a_slice
from tests.services.test_runs import a_version

pytestmark = pytest.mark.django_db


def as_person(person: User) -> APIClient:
    client = APIClient()
    client.force_login(person)
    return client


@pytest.fixture
def project() -> Project:
    return a_project()


def listed(person: User, project: Project, asked: str = "") -> dict[str, Any]:
    answer = as_person(person).get(f"/api/v1/projects/{project.pk}/cases/{asked}")
    assert answer.status_code == 200, answer.content
    page: dict[str, Any] = answer.json()
    return page


def numbers(person: User, project: Project, asked: str = "") -> list[int]:
    return [row["number"] for row in listed(person, project, asked)["results"]]


def test_a_row_tells_what_the_worklist_shows(project: Project) -> None:
    case = a_case(project, (3, 48, 64))
    revision_record_system(case, "predicted", [a_finding(1, state="proposed")], [a_slice(1)])
    person = a_member(project, "annotator")
    Assignment.objects.create(case=case, user=person)
    Presence.objects.create(
        case=case, holder=person, expires_at=timezone.now() + timedelta(seconds=30)
    )
    Job.objects.create(kind="predict", queue="predict", case=case, project=project, state="failed")
    (row,) = listed(person, project)["results"]
    assert row["id"] == str(case.pk)
    assert (row["number"], row["state"], row["size"]) == (1, "ready", [3, 48, 64])
    assert (row["findings"], row["touched"], row["thumbnail"]) == (1, False, None)
    assert row["assignees"][0]["username"] == person.get_username()
    assert row["holder"]["user"] == person.pk
    assert row["job"]["state"] == "failed"


def test_rejected_and_suppressed_findings_are_not_counted(project: Project) -> None:
    case, empty = a_case(project), a_case(project)
    states = ("proposed", "accepted", "rejected", "suppressed")
    findings = [a_finding(number, state=state) for number, state in enumerate(states, start=1)]
    revision_record_system(case, "predicted", findings, [a_slice(0), a_slice(1)])
    revision_record_system(empty, "predicted", [a_finding(1, state="rejected")], [])
    rows = listed(a_member(project, "annotator"), project)["results"]
    assert [row["findings"] for row in rows] == [2, 0]


def test_pages_follow_each_other_without_gaps_in_every_order(project: Project) -> None:
    person = a_member(project, "viewer")
    for number in range(1, 8):
        a_case(project, uncertainty=None if number % 3 == 0 else 1 / number)
    for order in ("number", "uncertainty", "updated", "state"):
        seen, after = [], ""
        while True:
            page = listed(person, project, f"?limit=2&order={order}&after={after}")
            seen += [row["number"] for row in page["results"]]
            if page["next"] is None:
                break
            after = page["next"]
        assert sorted(seen) == list(range(1, 8)), order
    assert numbers(person, project, "?order=uncertainty") == [1, 2, 4, 5, 7, 6, 3]
    assert numbers(person, project, "?order=updated") == [7, 6, 5, 4, 3, 2, 1]


def test_filters_narrow_the_list(project: Project) -> None:
    person = a_member(project, "annotator")
    first = a_case(project, group="g7", kind="xray")
    a_case(project, state="accepted")
    a_case(project, state="withdrawn")
    Assignment.objects.create(case=first, user=person)
    assert numbers(person, project) == [1, 2]
    assert numbers(person, project, "?state=accepted,withdrawn") == [2, 3]
    assert numbers(person, project, "?mine=true") == [1]
    assert numbers(person, project, "?unassigned=true") == [2]
    assert numbers(person, project, "?kind=xray") == [1]
    assert numbers(person, project, "?q=2") == [2]
    assert numbers(person, project, "?q=G7") == [1]
    assert numbers(person, project, "?q=CASE 1") == [1]
    assert numbers(person, project, "?q=100%") == []


@pytest.mark.parametrize("asked", ["?state=nonsense", "?order=size", "?limit=0", "?after=%%%"])
def test_a_question_that_makes_no_sense_is_refused_with_a_sentence(
    project: Project, asked: str
) -> None:
    answer = as_person(a_member(project, "viewer")).get(
        f"/api/v1/projects/{project.pk}/cases/{asked}"
    )
    assert answer.status_code == 400
    assert answer.json()["message"]


def test_a_stranger_finds_nothing(project: Project) -> None:
    case = a_case(project)
    stranger = as_person(a_member(a_project(), "administrator"))
    for address in (f"projects/{project.pk}/cases/", f"cases/{case.pk}/"):
        assert stranger.get(f"/api/v1/{address}").status_code == 404
    assert APIClient().get(f"/api/v1/cases/{case.pk}/").status_code == 401


def test_a_worklist_asks_the_database_as_often_for_many_rows_as_for_one(
    project: Project,
) -> None:
    person = a_member(project, "annotator")
    for _ in range(12):
        Assignment.objects.create(case=a_case(project), user=person)
    client = as_person(person)
    counts = []
    for limit in (1, 12):
        with CaptureQueriesContext(connection) as asked:
            page = client.get(f"/api/v1/projects/{project.pk}/cases/?limit={limit}").json()
        assert len(page["results"]) == limit
        counts.append(len(asked))
    assert counts[0] == counts[1] <= 12


def test_a_case_is_told_whole(project: Project) -> None:
    case = a_case(project, (4, 48, 64))
    Image.objects.filter(case=case).update(spacing_mm=[2.5, 0.7, 0.7], window=[40, 400])
    person = a_member(project, "annotator")
    answer = as_person(person).get(f"/api/v1/cases/{case.pk}/").json()
    (image,) = answer["images"]
    assert image["size"] == {"t": 1, "c": 1, "z": 4, "y": 48, "x": 64}
    assert (image["dtype"], image["spacing_mm"], image["window"]) == (
        "uint16",
        [2.5, 0.7, 0.7],
        [40, 400],
    )
    assert image["slice_url_template"] == f"/api/v1/images/{image['id']}/slices/{{z}}/?t={{t}}"
    assert answer["project"]["labels"][0]["name"] == "nucleus"
    assert "case.edit" in answer["project"]["verbs"]
    assert (answer["head"], answer["run"], answer["job"]) == (None, None, None)
    assert (answer["no_network_reason"], answer["cutoffs"]) == (None, None)
    assert answer["presence"]["holder"] is None


def test_a_case_says_where_its_image_comes_from_where_that_is_known(project: Project) -> None:
    known = a_case(project, origin={"source": "a package", "licence": "CC0-1.0"})
    client = as_person(a_member(project, "viewer"))
    answer = client.get(f"/api/v1/cases/{known.pk}/").json()
    assert (answer["source"], answer["licence"]) == ("a package", "CC0-1.0")
    unknown = client.get(f"/api/v1/cases/{a_case(project).pk}/").json()
    assert (unknown["source"], unknown["licence"]) == ("", "")


def test_the_next_case_is_ones_own_first_then_nobodys_then_from_the_start(
    project: Project,
) -> None:
    person, other = a_member(project, "annotator"), a_member(project, "annotator")
    one, two, three, four = (a_case(project) for _ in range(4))
    Assignment.objects.create(case=three, user=person)
    Assignment.objects.create(case=four, user=other)
    a_case(project, state="accepted")

    def after(case: Case | None) -> str | None:
        asked = f"?after={case.pk}" if case else ""
        address = f"/api/v1/projects/{project.pk}/cases/next/{asked}"
        found: str | None = as_person(person).get(address).json()["id"]
        return found

    assert after(None) == str(three.pk)
    assert after(three) == str(one.pk)
    Case.objects.filter(pk=three.pk).update(state="submitted")
    assert after(one) == str(two.pk)
    assert after(two) == str(one.pk)
    Presence.objects.create(
        case=one, holder=other, expires_at=timezone.now() + timedelta(seconds=30)
    )
    assert after(two) is None


def test_a_reviewer_is_led_to_submitted_cases(project: Project) -> None:
    case = a_case(project, state="submitted")
    address = f"/api/v1/projects/{project.pk}/cases/next/"
    reviewer = as_person(a_member(project, "reviewer"))
    assert reviewer.get(address).json() == {"id": str(case.pk)}
    assert as_person(a_member(project, "annotator")).get(address).json() == {"id": None}


def post(person: User, case: Case, step: str, content: Any = None) -> Any:
    return as_person(person).post(f"/api/v1/cases/{case.pk}/{step}/", content or {}, format="json")


def test_a_reviewer_assigns_and_an_annotator_takes(project: Project) -> None:
    case = a_case(project)
    annotator, reviewer = a_member(project, "annotator"), a_member(project, "reviewer")
    viewer = a_member(project, "viewer")
    assert post(annotator, case, "assign", {"users": [annotator.pk]}).status_code == 200
    assert post(annotator, case, "assign", {"users": []}).status_code == 200
    assert post(annotator, case, "assign", {"users": [reviewer.pk]}).status_code == 403
    assert post(viewer, case, "assign", {"users": [viewer.pk]}).status_code == 403
    answer = post(reviewer, case, "assign", {"users": [annotator.pk, reviewer.pk]})
    assert [one["user"] for one in answer.json()["assignees"]] == [annotator.pk, reviewer.pk]
    assert post(reviewer, case, "assign", {"users": [viewer.pk]}).status_code == 400
    assert post(reviewer, case, "assign", {"users": [a_person().pk]}).status_code == 404


def test_a_case_held_back_is_seen_by_reviewers_until_one_releases_it(project: Project) -> None:
    case = a_case(project, state="quarantined")
    annotator, reviewer = a_member(project, "annotator"), a_member(project, "reviewer")
    address = f"/api/v1/images/{case.images.get().pk}/slices/0/"
    assert as_person(annotator).get(address).status_code == 403
    assert as_person(reviewer).get(address).status_code == 200
    assert post(annotator, case, "release").status_code == 403
    assert post(reviewer, case, "release").json()["state"] == "ready"
    assert as_person(annotator).get(address).status_code == 200
    assert post(reviewer, case, "release").json()["code"] == "state_refused"


def test_a_released_case_that_no_network_suits_says_so_and_queues_nothing(
    project: Project,
) -> None:
    case = a_case(project, state="quarantined")
    reviewer = a_member(project, "reviewer")
    assert post(reviewer, case, "release").json()["state"] == "ready"
    assert not Job.objects.filter(case=case).exists()
    about = as_person(reviewer).get(f"/api/v1/cases/{case.pk}/").json()
    assert "No network for" in about["no_network_reason"]


def test_a_released_case_is_predicted_by_the_network_that_suits_it_now(project: Project) -> None:
    why = "No network suits this image."
    case = a_case(project, state="quarantined", origin={"no_network_reason": why})
    version = a_version(project, task="instance2d", labels=["nucleus"])
    reviewer = a_member(project, "reviewer")
    assert post(reviewer, case, "release").status_code == 200
    job = Job.objects.get(case=case)
    assert job.payload["version"] == str(version.pk)
    assert job.payload["reason"]
    case.refresh_from_db()
    assert case.origin == {}


def test_a_withdrawn_case_leaves_the_work_and_its_waiting_jobs_end(project: Project) -> None:
    case = a_case(project)
    annotator, administrator = a_member(project, "annotator"), a_member(project, "administrator")
    assert post(annotator, case, "predict").status_code == 202
    assert post(annotator, case, "withdraw").status_code == 403
    assert post(administrator, case, "withdraw").json()["state"] == "withdrawn"
    assert Job.objects.get(case=case).state == "cancelled"
    assert post(annotator, case, "predict").status_code == 409


def test_another_image_becomes_the_reference_and_the_row_shows_it(project: Project) -> None:
    case, other = a_case(project), Image.objects.get(case=a_case(project, (5, 48, 64)))
    Image.objects.filter(pk=other.pk).update(case=case, is_reference=False)
    client = as_person(a_member(project, "annotator"))
    images = client.get(f"/api/v1/cases/{case.pk}/").json()["images"]
    assert [(one["is_reference"], one["slices"]) for one in images] == [(True, 1), (False, 5)]
    row = client.post(
        f"/api/v1/cases/{case.pk}/reference/", {"image": str(other.pk)}, format="json"
    ).json()
    assert (row["series"], row["size"]) == (2, [5, 48, 64])
    revision_record_system(case, "predicted", [a_finding(1, state="proposed")], [a_slice(1)])
    refused = client.post(
        f"/api/v1/cases/{case.pk}/reference/", {"image": images[0]["id"]}, format="json"
    )
    assert (refused.status_code, refused.json()["code"]) == (409, "state_refused")
    assert "withdraw this case" in refused.json()["message"]


def test_a_prediction_is_asked_for_and_shows_as_a_job(project: Project) -> None:
    case = a_case(project)
    annotator = a_member(project, "annotator")
    assert post(annotator, case, "predict").json()["job"]["state"] == "queued"
    unknown = {"version": str(uuid.uuid4())}
    assert post(annotator, case, "predict", unknown).status_code == 404


def test_predicting_all_again_counts_what_it_leaves_alone(project: Project) -> None:
    a_case(project)
    a_case(project, touched_at=timezone.now())
    administrator = as_person(a_member(project, "administrator"))
    address = f"/api/v1/projects/{project.pk}/predict-again/"
    answer = administrator.post(address, {"only_untouched": True}, format="json")
    assert answer.json() == {"queued": 1, "skipped_touched": 1}
    refused = administrator.post(address, {"only_untouched": False}, format="json")
    assert refused.status_code == 400
