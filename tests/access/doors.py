"""Every operation of the API: who may, and a request that is right in all else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.access.world import ROLES

OPEN, ANYONE, SITE = "open", "anyone", "site"
VIEWER, ANNOTATOR, REVIEWER, ADMINISTRATOR = ROLES


@dataclass(frozen=True)
class Door:
    """``least`` is the lowest role that may; a value ``$name`` stands for ``World.names[name]``.

    ``outside`` and ``denied`` are the answers to a stranger to the project and to a member with
    too little of a role; ``may`` are answers to those allowed besides success.
    """

    least: str
    names: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    outside: int = 404
    denied: int = 403
    may: tuple[int, ...] = ()


def _case(name: str) -> dict[str, str]:
    return {"case_id": f"${name}"}


LABEL = {"name": "cell", "colour": "#0072b2", "index": 1}
LENGTH = {"kind": "length", "plane": "axial", "points": [[0, 0, 0], [1, 1, 0]]}
NEW_ID = "00000000-0000-4000-8000-000000000001"
STROKE = {"operation": "brush", "tab": "$tab", "slices": [], "findings": []}
NEW_PROJECT = {"name": "new", "task": "semantic", "labels": [{"name": "a", "colour": "#0072b2"}]}
SAVE = {"If-Match": '"$head"', "Idempotency-Key": "a-new-key"}
TUS = {"Upload-Length": "5", "Upload-Metadata": "filename YS5wbmc="}

DOORS: dict[str, Door] = {
    "me_get": Door(ANYONE),
    "preferences_set": Door(ANYONE, body={"theme": "dark"}),
    "password_change": Door(
        ANYONE,
        body={"current_password": "correct horse battery", "new_password": "seven green bicycles"},
    ),
    "tokens_list": Door(ANYONE),
    "token_create": Door(ANYONE, body={"name": "script"}),
    "token_delete": Door(SITE, outside=404, denied=404),
    "session_create": Door(OPEN, body={"username": "viewer", "password": "correct horse battery"}),
    "session_delete": Door(OPEN),
    "session_link": Door(OPEN, body={"token": "none", "password": "none"}, may=(410,)),
    "people_list": Door(ANYONE),
    "person_create": Door(SITE, body={"username": "new"}, outside=403),
    "person_get": Door(VIEWER, outside=200),
    "person_update": Door(SITE, body={"full_name": "A"}, outside=403),
    "person_link": Door(SITE, outside=403),
    "projects_list": Door(ANYONE),
    "project_create": Door(SITE, body=NEW_PROJECT, outside=403),
    "project_get": Door(VIEWER),
    "project_update": Door(ADMINISTRATOR, body={"description": "x"}),
    "project_versions": Door(VIEWER),
    "labels_set": Door(ADMINISTRATOR, body={"labels": [LABEL]}),
    "members_set": Door(
        ADMINISTRATOR, body={"members": [{"user": "$administrator", "role": ADMINISTRATOR}]}
    ),
    "network_choices_set": Door(
        ADMINISTRATOR, body={"network_choices": [{"kind": "", "version_id": "$version"}]}
    ),
    "project_networks": Door(VIEWER),
    "recipe_schema": Door(ANYONE),
    "recipe_get": Door(VIEWER),
    "recipe_set": Door(ADMINISTRATOR, body={"steps": []}),
    "recipes_list": Door(VIEWER),
    "recipe_preview": Door(VIEWER, body={"case": "$case_id", "steps": []}),
    "cases_list": Door(VIEWER),
    "case_next": Door(VIEWER),
    "case_get": Door(VIEWER),
    "case_state": Door(VIEWER, _case("worked")),
    "finding_features": Door(VIEWER, {**_case("worked"), "finding": "1"}),
    "case_diff": Door(VIEWER, _case("worked"), query="from=$first&to=$head"),
    "case_candidates": Door(VIEWER),
    "run_uncertainty": Door(VIEWER, {"z": "0"}),
    "run_uncertainty_tile": Door(VIEWER, {"level": "0", "row": "0", "column": "0"}, may=(404,)),
    "case_assign": Door(REVIEWER, body={"users": ["$annotator", "$reviewer"]}),
    "case_release": Door(REVIEWER, _case("held")),
    "case_reference": Door(ANNOTATOR, body={"image": "$image_id"}),
    "case_withdraw": Door(ADMINISTRATOR),
    "case_predict": Door(ANNOTATOR, body={}),
    "case_submit": Door(ANNOTATOR),
    "case_return": Door(REVIEWER, _case("submitted"), {"comment": "more"}),
    "case_accept": Door(REVIEWER, _case("submitted"), {}),
    "case_reopen": Door(REVIEWER, _case("submitted")),
    "predict_again": Door(ADMINISTRATOR, body={"only_untouched": True}),
    "revisions_list": Door(VIEWER, _case("worked")),
    "revision_append": Door(ANNOTATOR, _case("worked"), STROKE, headers=SAVE, may=(409,)),
    "revision_restore": Door(
        ANNOTATOR, _case("worked"), {"revision": "$first", "tab": "$tab"}, may=(409,)
    ),
    "revision_state": Door(VIEWER, {"revision_id": "$first"}),
    "revision_merge": Door(
        ANNOTATOR, {"revision_id": "$side"}, {"take": "mine", "tab": "$tab"}, may=(409,)
    ),
    "case_prompt": Door(
        ANNOTATOR,
        _case("worked"),
        {"label": 1, "z": 0, "strokes": [{"points": [[1, 1, 0]]}]},
        may=(409, 503),
    ),
    "presence_beat": Door(VIEWER, body={"tab": "$tab", "want": "watch"}),
    "presence_take": Door(ANNOTATOR, body={"tab": "$tab"}),
    "comments_list": Door(VIEWER, _case("worked")),
    "comment_create": Door(ANNOTATOR, body={"text": "Look."}),
    "comment_update": Door(ANNOTATOR, body={"resolved": True}),
    "measurements_list": Door(VIEWER),
    "measurement_put": Door(ANNOTATOR, {"measurement_id": NEW_ID}, {"tab": "$tab", **LENGTH}),
    "measurement_remove": Door(ANNOTATOR, query="tab=$tab"),
    "image_slice": Door(VIEWER, {"z": "0"}),
    "image_tile": Door(VIEWER, {"level": "0", "row": "0", "column": "0"}, may=(404,)),
    "image_preview": Door(VIEWER, {"z": "0"}),
    "image_thumbnail": Door(VIEWER),
    "networks_list": Door(ANYONE),
    "network_get": Door(ANYONE),
    "learning_read": Door(ADMINISTRATOR),
    "training_set_freeze": Door(ADMINISTRATOR, may=(400,)),
    "training_start": Door(
        ADMINISTRATOR, body={"training_set": "$training_set", "steps": 5}, may=(400,)
    ),
    "training_read": Door(ADMINISTRATOR),
    "training_steer": Door(ADMINISTRATOR, {"verb": "cancel"}),
    "comparison_start": Door(
        ADMINISTRATOR, body={"challenger": "$challenger", "training_set": "$training_set"}
    ),
    "comparison_read": Door(ADMINISTRATOR),
    "comparison_picture": Door(ADMINISTRATOR, {"number": "1"}),
    "promotion_make": Door(ADMINISTRATOR, body={"reason": "better"}, may=(409,)),
    "promotion_roll_back": Door(ADMINISTRATOR, body={"kind": ""}, may=(409,)),
    "export_start": Door(REVIEWER, body={"format": "labels"}, may=(400, 409)),
    "export_download": Door(VIEWER, {"job_id": "$export"}),
    "jobs_list": Door(ANYONE),
    "jobs_retry_all": Door(ANYONE, body={}),
    "job_get": Door(VIEWER),
    "job_cancel": Door(ANNOTATOR),
    "job_pause": Door(ANNOTATOR),
    "job_resume": Door(ANNOTATOR, {"job_id": "$paused"}),
    "job_retry": Door(ANNOTATOR, {"job_id": "$failed"}),
    "upload_open": Door(ANNOTATOR, body={}),
    "upload_get": Door(VIEWER),
    "upload_close": Door(ANNOTATOR, body={}, may=(403, 409)),
    "upload_file_create": Door(ANNOTATOR, headers=TUS, may=(403,)),
    "upload_file_append": Door(
        ANNOTATOR, body="abc", headers={"Upload-Offset": "0"}, may=(403, 409)
    ),
    "upload_file_remove": Door(ANNOTATOR, may=(403,)),
    "audit_list": Door(ADMINISTRATOR, query="project=$project_id"),
}
