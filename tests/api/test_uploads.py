from __future__ import annotations

import base64
import uuid
from typing import Any

import pytest
from rest_framework.test import APIClient

from segmentation.models import Job, Project, UploadFile
from segmentation.services.uploads import staged_path
from tests.builders import a_member, a_project

pytestmark = pytest.mark.django_db

OCTETS = "application/offset+octet-stream"


@pytest.fixture
def project() -> Project:
    return a_project()


@pytest.fixture
def client(project: Project) -> APIClient:
    client = APIClient(headers={"Tus-Resumable": "1.0.0"})
    client.force_login(a_member(project, "annotator"))
    return client


@pytest.fixture
def session(client: APIClient, project: Project) -> str:
    answer = client.post(f"/api/v1/projects/{project.pk}/uploads/")
    assert (answer.status_code, answer.json()["state"]) == (201, "open")
    return str(answer.json()["id"])


def spelled(words: str) -> str:
    return base64.b64encode(words.encode()).decode()


def announce(client: APIClient, session: str, length: object, path: str = "bücher/a.png") -> Any:
    return client.post(
        f"/api/v1/uploads/{session}/files/",
        headers={
            "Upload-Length": str(length),
            "Upload-Metadata": f"filename {spelled('a.png')},relativePath {spelled(path)}",
        },
    )


def append(client: APIClient, place: str, offset: int, content: bytes) -> Any:
    return client.patch(place, content, content_type=OCTETS, headers={"Upload-Offset": str(offset)})


def test_a_file_is_announced_brought_in_pieces_and_asked_about(
    client: APIClient, session: str
) -> None:
    made = announce(client, session, 6)
    assert (made.status_code, made["Upload-Offset"], made["Upload-Position"]) == (201, "0", "1")
    assert made["Tus-Resumable"] == "1.0.0"
    assert made["Upload-Expires"].endswith("GMT")
    place = made["Location"]
    assert append(client, place, 0, b"abc")["Upload-Offset"] == "3"
    head = client.head(place)
    assert (head["Upload-Offset"], head["Upload-Length"]) == ("3", "6")
    assert "no-store" in head["Cache-Control"]
    done = append(client, place, 3, b"def")
    assert (done.status_code, done["Upload-Offset"]) == (204, "6")
    file = UploadFile.objects.get()
    assert staged_path(file).read_bytes() == b"abcdef"
    assert file.relative_path == "bücher/a.png"


def test_a_piece_out_of_place_is_a_conflict(client: APIClient, session: str) -> None:
    place = announce(client, session, 6)["Location"]
    answer = append(client, place, 2, b"abc")
    assert (answer.status_code, answer.json()["offset"]) == (409, 0)


def test_an_empty_piece_changes_nothing(client: APIClient, session: str) -> None:
    place = announce(client, session, 6)["Location"]
    answer = append(client, place, 0, b"")
    assert (answer.status_code, answer["Upload-Offset"]) == (204, "0")


def test_the_server_tells_what_it_speaks(client: APIClient, session: str) -> None:
    answer = client.options(f"/api/v1/uploads/{session}/files/")
    assert answer.status_code == 204
    assert answer["Tus-Version"] == "1.0.0"
    assert answer["Tus-Extension"] == "creation,termination,expiration"
    assert int(answer["Tus-Max-Size"]) > 2**30


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("Upload-Length", "many"),
        ("Upload-Length", "-1"),
        ("Upload-Metadata", "filename ***"),
        ("Upload-Metadata", ""),
        ("Tus-Resumable", "0.2.2"),
    ],
)
def test_an_announcement_that_makes_no_sense_is_refused(
    client: APIClient, session: str, header: str, value: str
) -> None:
    headers = {"Upload-Length": "3", "Upload-Metadata": f"filename {spelled('a')}", header: value}
    answer = client.post(f"/api/v1/uploads/{session}/files/", headers=headers)
    assert answer.status_code == 400
    assert answer.json()["message"]


def test_a_file_can_be_taken_back(client: APIClient, session: str) -> None:
    place = announce(client, session, 6)["Location"]
    assert client.delete(place).status_code == 204
    assert client.head(place).status_code == 404


def test_closing_queues_one_import(client: APIClient, session: str) -> None:
    place = announce(client, session, 3)["Location"]
    close = f"/api/v1/uploads/{session}/close/"
    assert client.post(close).json()["code"] == "state_refused"
    append(client, place, 0, b"abc")
    announce(client, session, 5)
    answer = client.post(close, {"discard_unfinished": True}, format="json")
    assert (answer.status_code, answer.json()["state"]) == (202, "importing")
    assert client.post(close).json()["job"] == answer.json()["job"]
    assert Job.objects.get().kind == "import"
    told = client.get(f"/api/v1/uploads/{session}/").json()
    assert (told["report"], [file["offset"] for file in told["files"]]) == (None, [3])


def test_an_upload_whose_import_failed_says_so(client: APIClient, session: str) -> None:
    append(client, announce(client, session, 3)["Location"], 0, b"abc")
    client.post(f"/api/v1/uploads/{session}/close/")
    Job.objects.update(state="failed")
    assert client.get(f"/api/v1/uploads/{session}/").json()["state"] == "failed"


def test_uploads_of_others_do_not_exist(client: APIClient, session: str) -> None:
    place = announce(client, session, 6)["Location"]
    stranger = APIClient()
    stranger.force_login(a_member(a_project(), "administrator"))
    assert stranger.head(place).status_code == 404
    assert stranger.get(f"/api/v1/uploads/{session}/").status_code == 404
    assert announce(stranger, session, 6).status_code == 404


def test_a_file_is_reached_only_through_its_own_upload(
    client: APIClient, session: str, project: Project
) -> None:
    place = announce(client, session, 6)["Location"]
    other = client.post(f"/api/v1/projects/{project.pk}/uploads/").json()["id"]
    assert client.head(place.replace(session, other)).status_code == 404
    assert client.head(place.replace(session, str(uuid.uuid4()))).status_code == 404
