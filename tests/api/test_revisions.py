from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client

from segmentation.models import Case, MaskRevision
from tests.builders import a_case, a_key, a_member, a_project, rows_of, wire

pytestmark = pytest.mark.django_db

TAB = str(uuid.uuid4())


@pytest.fixture
def case() -> Case:
    return a_case(a_project())


@pytest.fixture
def ada(case: Case) -> User:
    return a_member(case.project, "annotator", "ada")


@pytest.fixture
def browser(client: Client, ada: User) -> Client:
    client.force_login(ada)
    return client


def stroke(x: int = 0, finding: int = 1, **more: Any) -> dict[str, Any]:
    return {
        "operation": "brush",
        "tab": TAB,
        "slices": [{"finding": finding, "z": 0, "runs": wire(rows_of(x, 0, x + 4, 4))}],
        "findings": [{"finding": finding, "label": 1, "state": "accepted"}],
        **more,
    }


def save(
    browser: Client, case: Case, parent: str | None, body: Any = None, key: str | None = None
) -> HttpResponse:
    headers = {"Idempotency-Key": key or a_key()}
    if parent is not None:
        headers["If-Match"] = parent
    return browser.post(
        f"/api/v1/cases/{case.pk}/revisions/",
        json.dumps(stroke() if body is None else body),
        content_type="application/json",
        headers=headers,
    )


def test_a_stroke_is_answered_with_the_digests_of_what_arrived(browser: Client, case: Case) -> None:
    answer = save(browser, case, '"none"')
    assert answer.status_code == 201
    told = answer.json()
    assert told["sequence"] == 1
    assert told["parent"] is None
    state = browser.get(f"/api/v1/cases/{case.pk}/state/").json()
    assert state["head"] == {name: told[name] for name in ("id", "sequence", "digest")}
    assert [row["digest"] for row in state["slices"]] == [told["accepted"][0]["digest"]]
    assert state["slices"][0]["runs"] == wire(rows_of(0, 0, 4, 4))
    assert state["next_finding"] == 2


def test_a_save_without_a_parent_or_a_key_is_refused(browser: Client, case: Case) -> None:
    assert save(browser, case, None).status_code == 428
    unkeyed = browser.post(
        f"/api/v1/cases/{case.pk}/revisions/",
        stroke(),
        content_type="application/json",
        headers={"If-Match": '"none"'},
    )
    assert (unkeyed.status_code, unkeyed.json()["code"]) == (428, "precondition_required")
    assert not MaskRevision.objects.exists()


def test_the_same_key_again_is_answered_alike_and_saves_nothing(
    browser: Client, case: Case
) -> None:
    first = save(browser, case, '"none"', key="once")
    again = save(browser, case, '"none"', key="once")
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert MaskRevision.objects.count() == 1


def test_a_conflict_tells_what_was_kept_and_what_the_others_did(
    browser: Client, case: Case
) -> None:
    base = save(browser, case, '"none"').json()
    theirs = save(browser, case, f'"{base["id"]}"', stroke(8)).json()
    mine = save(browser, case, f'"{base["id"]}"', stroke(20))
    assert mine.status_code == 409
    told = mine.json()
    assert told["code"] == "conflict"
    assert told["head"]["id"] == theirs["id"]
    assert told["theirs"]["slices"][0]["runs"] == wire(rows_of(8, 0, 12, 4))
    kept = browser.get(f"/api/v1/revisions/{told['kept']['id']}/state/").json()
    assert kept["slices"][0]["runs"] == wire(rows_of(20, 0, 24, 4))
    overlap = browser.post(
        f"/api/v1/revisions/{told['kept']['id']}/merge/",
        {"take": "both", "tab": TAB},
        content_type="application/json",
    )
    assert (overlap.status_code, overlap.json()["code"]) == (409, "merge_overlap")
    assert overlap.json()["slices"] == [{"finding": 1, "z": 0}]
    merged = browser.post(
        f"/api/v1/revisions/{told['kept']['id']}/merge/",
        {"take": "mine", "tab": TAB},
        content_type="application/json",
    )
    assert merged.status_code == 201
    state = browser.get(f"/api/v1/cases/{case.pk}/state/").json()
    assert state["slices"][0]["runs"] == wire(rows_of(20, 0, 24, 4))


def test_another_person_is_told_who_holds_the_pen(case: Case, ada: User) -> None:
    first, second = Client(), Client()
    first.force_login(ada)
    second.force_login(a_member(case.project, "annotator", "bob"))
    base = save(first, case, '"none"').json()
    refused = save(second, case, f'"{base["id"]}"', stroke(8, tab=str(uuid.uuid4())))
    assert refused.status_code == 409
    assert refused.json()["code"] == "not_holder"
    assert refused.json()["holder"]["username"] == "ada"


@pytest.mark.parametrize(
    "body",
    [
        [],
        {},
        {"operation": "brush"},
        stroke(tab="no id"),
        stroke(slices="no list"),
        stroke(slices=[1]),
        stroke(slices=[{"finding": 1, "z": 0, "runs": "%%%"}]),
        stroke(slices=[{"finding": 1, "z": 0, "runs": 5}]),
        stroke(slices=[{"finding": "1", "z": 0, "runs": ""}]),
        stroke(slices=[{"finding": 1, "z": -1, "runs": ""}]),
        stroke(slices=[{"finding": 1, "z": 2**40, "runs": ""}]),
        stroke(findings=[{"label": 1}]),
        stroke(findings=[{"finding": 1, "label": True}]),
        stroke(findings=[{"finding": 1, "label": 1, "box": "wide"}]),
        stroke(findings=[{"finding": 1, "label": 1, "box": [0, 0, 1, None]}]),
        stroke(findings=[{"finding": 1, "label": {"$gt": 0}}]),
        stroke(findings=[{"finding": 1, "label": 1, "state": []}]),
        stroke(findings=[{"finding": 1, "label": 1, "note": "x" * 2001}]),
        stroke(cutoffs={"score": 7}),
    ],
)
def test_whatever_is_sent_a_refusal_is_plain_and_nothing_is_written(
    browser: Client, case: Case, body: Any
) -> None:
    refused = save(browser, case, '"none"', body)
    assert refused.status_code == 400
    assert refused.json()["code"] == "invalid_input"
    assert refused.json()["message"]
    assert not MaskRevision.objects.exists()


@pytest.mark.parametrize("tag", ["x", '"7"', '"00000000-0000-0000-0000-00000000000"'])
def test_a_parent_that_is_no_revision_is_refused(browser: Client, case: Case, tag: str) -> None:
    assert save(browser, case, tag).status_code == 400


def test_a_state_that_did_not_change_is_not_sent_again(browser: Client, case: Case) -> None:
    save(browser, case, '"none"')
    address = f"/api/v1/cases/{case.pk}/state/"
    tag = browser.get(address).headers["ETag"]
    assert browser.get(address, headers={"If-None-Match": tag}).status_code == 304
    head = MaskRevision.objects.get()
    save(browser, case, f'"{head.pk}"', stroke(9))
    assert browser.get(address, headers={"If-None-Match": tag}).status_code == 200


def test_a_state_restored_is_sent_again_for_its_head_is_new(browser: Client, case: Case) -> None:
    first = save(browser, case, '"none"').json()
    address = f"/api/v1/cases/{case.pk}/state/"
    tag = browser.get(address).headers["ETag"]
    assert tag == f'"{first["id"]}"'
    save(browser, case, tag, stroke(9))
    browser.post(
        f"/api/v1/cases/{case.pk}/restore/",
        {"revision": first["id"], "tab": TAB},
        content_type="application/json",
    )
    again = browser.get(address, headers={"If-None-Match": tag})
    assert again.status_code == 200
    assert again.json()["head"]["digest"] == first["digest"]
    assert again.json()["head"]["id"] != first["id"]


def test_history_diff_and_restore_go_together(browser: Client, case: Case) -> None:
    sitting = str(uuid.uuid4())
    first = save(browser, case, '"none"', stroke(sitting=sitting)).json()
    second = save(browser, case, f'"{first["id"]}"', stroke(2, sitting=sitting)).json()
    entries = browser.get(f"/api/v1/cases/{case.pk}/revisions/").json()["results"]
    assert [(entry["sequence"], entry["count"]) for entry in entries] == [(2, 2)]
    told = browser.get(f"/api/v1/cases/{case.pk}/diff/?from={first['id']}&to={second['id']}").json()
    assert [(row["added"], row["removed"]) for row in told["slices"]] == [(8, 8)]
    restored = browser.post(
        f"/api/v1/cases/{case.pk}/restore/",
        {"revision": first["id"], "tab": TAB},
        content_type="application/json",
    ).json()
    assert restored["sequence"] == 3
    assert restored["digest"] == first["digest"]


def test_nothing_is_saved_without_the_pages_own_token(case: Case, ada: User) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(ada)
    refused = save(strict, case, '"none"')
    assert (refused.status_code, refused.json()["code"]) == (403, "csrf")
