from __future__ import annotations

import io
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from PIL import Image as Pillow

from segmentation.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    NotPermittedError,
    StateRefusedError,
    StorageFullError,
    TooLargeError,
)
from segmentation.jobs.heartbeat import Heartbeat
from segmentation.models import Case, Job, Project, UploadFile, UploadSession
from segmentation.services import imports
from segmentation.services.job_execution import job_execute
from segmentation.services.jobs import job_retry
from segmentation.services.uploads import (
    LIFETIME,
    staged_path,
    upload_bytes_append,
    upload_file_create,
    upload_file_remove,
    upload_session_close,
    upload_session_open,
    uploads_expire,
)
from segmentation.storage import folders
from segmentation.storage.folders import staging_folder
from tests.builders import a_member, a_project

pytestmark = pytest.mark.django_db

CANARY = "Canary^Birdy.png"


def a_png(seed: int = 1) -> bytes:
    target = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 255, (20, 30), dtype=np.uint8)
    Pillow.fromarray(pixels).save(target, "PNG")
    return target.getvalue()


@pytest.fixture
def project() -> Project:
    return a_project()


@pytest.fixture
def person(project: Project) -> User:
    return a_member(project, "annotator")


@pytest.fixture
def session(project: Project, person: User) -> UploadSession:
    return upload_session_open(user=person, project=project)


def announce(person: User, session: UploadSession, length: int, name: str = "a.png") -> UploadFile:
    return upload_file_create(user=person, session=session, length_bytes=length, relative_path=name)


def append(person: User, file: UploadFile, offset: int, content: bytes) -> UploadFile:
    return upload_bytes_append(
        user=person,
        file_id=file.pk,
        offset_bytes=offset,
        source=io.BytesIO(content),
        length_bytes=len(content),
    )


def bring(person: User, session: UploadSession, content: bytes, name: str = "a.png") -> UploadFile:
    return append(person, announce(person, session, len(content), name), 0, content)


def test_a_file_grows_piece_by_piece_and_its_offset_is_what_is_on_disk(
    person: User, session: UploadSession
) -> None:
    file = announce(person, session, 10)
    assert append(person, file, 0, b"01234").offset_bytes == 5
    assert append(person, file, 5, b"56789").offset_bytes == 10
    assert staged_path(file).read_bytes() == b"0123456789"


def test_a_piece_that_begins_elsewhere_is_refused_with_the_right_place(
    person: User, session: UploadSession
) -> None:
    file = announce(person, session, 10)
    append(person, file, 0, b"01234")
    for offset in (0, 6):
        with pytest.raises(ConflictError) as refusal:
            append(person, file, offset, b"x")
        assert refusal.value.details == {"offset": 5}
    assert staged_path(file).read_bytes() == b"01234"


def test_bytes_that_a_crash_left_behind_the_offset_are_cut_off(
    person: User, session: UploadSession
) -> None:
    file = announce(person, session, 6)
    append(person, file, 0, b"abc")
    with staged_path(file).open("ab") as staged:
        staged.write(b"half a piece that nobody acknowledged")
    append(person, file, 3, b"def")
    assert staged_path(file).read_bytes() == b"abcdef"


def test_more_bytes_than_announced_are_refused(person: User, session: UploadSession) -> None:
    file = announce(person, session, 3)
    with pytest.raises(TooLargeError):
        append(person, file, 0, b"four")
    with pytest.raises(TooLargeError):  # a client that lies about the piece's length
        upload_bytes_append(
            user=person,
            file_id=file.pk,
            offset_bytes=0,
            source=io.BytesIO(b"four"),
            length_bytes=2,
        )
    file.refresh_from_db()
    assert file.offset_bytes == 0


def test_a_file_too_large_for_the_site_is_refused_when_it_is_announced(
    person: User, session: UploadSession, settings: Any
) -> None:
    settings.MEDSEG_UPLOAD_FILE_BYTES = 1 << 20
    with pytest.raises(TooLargeError, match="1 MiB"):
        announce(person, session, (1 << 20) + 1)


def test_a_nearly_full_disk_takes_no_file(
    person: User, session: UploadSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders, "RESERVE_BYTES", 1 << 62)
    with pytest.raises(StorageFullError):
        announce(person, session, 1)


def test_two_writers_at_once_are_not_let_in(person: User, session: UploadSession) -> None:
    file = announce(person, session, 4)

    class Meanwhile(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            with pytest.raises(ConflictError, match="Another request"):
                append(person, file, 0, b"evil")
            return super().read(size)

    upload_bytes_append(
        user=person, file_id=file.pk, offset_bytes=0, source=Meanwhile(b"good"), length_bytes=4
    )
    assert staged_path(file).read_bytes() == b"good"


def test_strangers_and_viewers_bring_nothing(project: Project, session: UploadSession) -> None:
    viewer, stranger = a_member(project, "viewer"), a_member(a_project(), "administrator")
    with pytest.raises(NotPermittedError):
        upload_session_open(user=viewer, project=project)
    with pytest.raises(NotPermittedError):
        announce(viewer, session, 3)
    file = announce(a_member(project, "annotator"), session, 3)
    with pytest.raises(NotFoundError):
        append(stranger, file, 0, b"abc")


def test_names_leave_no_trace_outside_their_row(person: User, session: UploadSession) -> None:
    file = announce(person, session, 3, f"folder\\{CANARY}")
    assert file.relative_path == f"folder/{CANARY}"
    assert CANARY not in str(staged_path(file))
    with pytest.raises(InvalidInputError):
        announce(person, session, 3, "")


def test_a_file_can_be_taken_back(person: User, session: UploadSession) -> None:
    file = bring(person, session, b"abc")
    path = staged_path(file)
    upload_file_remove(user=person, file_id=file.pk)
    assert not path.exists()
    assert not UploadFile.objects.exists()


def test_an_upload_closes_once_and_only_whole(person: User, session: UploadSession) -> None:
    with pytest.raises(InvalidInputError, match="No file"):
        upload_session_close(user=person, session=session)
    bring(person, session, b"whole")
    half = announce(person, session, 10)
    append(person, half, 0, b"half")
    with pytest.raises(StateRefusedError, match="1 files are not complete"):
        upload_session_close(user=person, session=session)
    closed = upload_session_close(user=person, session=session, discard_unfinished=True)
    assert closed.state == "importing"
    assert not staged_path(half).exists()
    again = upload_session_close(user=person, session=closed)
    assert again.job_id == closed.job_id
    assert Job.objects.filter(kind="import").count() == 1
    with pytest.raises(StateRefusedError, match="closed"):
        announce(person, closed, 3)


def test_uploads_that_nobody_closed_expire(person: User, session: UploadSession) -> None:
    file = bring(person, session, b"abc")
    assert uploads_expire() == 0
    long_ago = timezone.now() - LIFETIME - timedelta(minutes=1)
    UploadSession.objects.filter(pk=session.pk).update(created_at=long_ago)
    assert uploads_expire() == 1
    session.refresh_from_db()
    assert session.state == "failed"
    assert not staged_path(file).exists()
    with pytest.raises(NotFoundError):
        append(person, file, 3, b"")


@pytest.mark.django_db(transaction=True)
def test_an_upload_becomes_cases_and_its_names_are_forgotten(
    person: User, session: UploadSession, project: Project
) -> None:
    bring(person, session, a_png(1), f"folder/{CANARY}")
    bring(person, session, b"this is text", "notes.txt")
    upload_session_close(user=person, session=session)
    session.refresh_from_db()
    assert session.job_id is not None
    assert job_execute(session.job_id)
    session.refresh_from_db()
    job = Job.objects.get(pk=session.job_id)
    assert (job.state, job.cause, session.state) == ("succeeded", "", "done")
    assert job.result == {"imported": 1, "added": 0, "refused": 1, "duplicate": 0}
    by_rank = {file["given"]: file for file in session.report["files"]}
    assert (by_rank[1]["outcome"], by_rank[1]["case"]) == ("imported", 1)
    assert by_rank[1]["case_id"] == str(Case.objects.get(project=project).pk)
    assert (by_rank[2]["outcome"], by_rank[2]["code"]) == ("refused", "not_an_image")
    assert CANARY not in json.dumps(session.report)
    assert set(session.files.values_list("relative_path", flat=True)) == {""}
    assert not (staging_folder() / str(session.pk)).exists()
    assert not [path for path in staging_folder().rglob("*") if CANARY in path.name]


@pytest.mark.django_db(transaction=True)
def test_an_import_cut_short_goes_on_and_reports_all_it_brought(
    person: User, session: UploadSession, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed in range(3):
        bring(person, session, a_png(seed), f"{seed}.png")
    session = upload_session_close(user=person, session=session)
    assert session.job_id is not None
    whole, seen = imports.case_import, []

    def crash(batch: Any, read: Any) -> Any:
        seen.append(read)
        if len(seen) == 3:
            raise StorageFullError("The server's disk is full.")
        return whole(batch, read)

    monkeypatch.setattr(imports, "case_import", crash)
    job_execute(session.job_id)
    job = Job.objects.get(pk=session.job_id)
    assert (job.state, job.cause_code) == ("queued", "storage_full")
    assert Case.objects.filter(project=project).count() == 2
    monkeypatch.setattr(imports, "case_import", whole)
    job_execute(session.job_id)
    session.refresh_from_db()
    assert (session.report["imported"], session.report["duplicate"]) == (3, 0)
    assert Case.objects.filter(project=project).count() == 3


@pytest.mark.django_db(transaction=True)
def test_an_import_that_failed_keeps_its_files_for_a_retry(
    person: User, session: UploadSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = bring(person, session, a_png())
    session = upload_session_close(user=person, session=session)
    assert session.job_id is not None

    def bug(*given: Any) -> Any:
        raise KeyError(CANARY)

    with monkeypatch.context() as broken:
        broken.setattr(imports, "shipped_networks_sync", bug)
        job_execute(session.job_id)
    job = Job.objects.get(pk=session.job_id)
    assert (job.state, job.cause_code) == ("failed", "bug")
    assert CANARY not in job.cause
    assert Path(staged_path(file)).exists()
    job_retry(user=person, job_id=job.pk)
    job_execute(job.pk)
    session.refresh_from_db()
    assert session.report["imported"] == 1


@pytest.mark.django_db(transaction=True)
def test_a_folder_with_a_table_brings_its_masks_along(
    person: User, session: UploadSession, project: Project
) -> None:
    mask = np.zeros((20, 30), dtype=np.uint8)
    mask[2:6, 2:6] = 255
    drawn = io.BytesIO()
    Pillow.fromarray(mask).save(drawn, "PNG")
    bring(person, session, b"id,image,mask\na,images/a.png,masks/a.png\n", "set/index.csv")
    bring(person, session, a_png(), "set/images/a.png")
    bring(person, session, drawn.getvalue(), "set/masks/a.png")
    session = upload_session_close(user=person, session=session)
    assert session.job_id is not None
    job_execute(session.job_id)
    session.refresh_from_db()
    outcomes = {file["given"]: file["outcome"] for file in session.report["files"]}
    assert outcomes == {1: "table", 2: "imported", 3: "mask"}
    case = Case.objects.get(project=project)
    assert case.head is not None
    assert case.head.kind == "imported"


@pytest.mark.django_db(transaction=True)
def test_an_import_that_a_person_cancels_ends_and_keeps_what_it_brought(
    person: User, session: UploadSession, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed in range(4):
        bring(person, session, a_png(seed), f"{seed}.png")
    session = upload_session_close(user=person, session=session)
    assert session.job_id is not None
    whole, listened = imports.case_import, Heartbeat.__enter__
    beats: list[Heartbeat] = []

    def enter(beat: Heartbeat) -> Heartbeat:
        beats.append(beat)
        return listened(beat)

    def then_cancel(batch: Any, read: Any) -> Any:
        arrival = whole(batch, read)
        beats[0].stop_word = "cancel"
        return arrival

    monkeypatch.setattr(Heartbeat, "__enter__", enter)
    monkeypatch.setattr(imports, "case_import", then_cancel)
    job_execute(session.job_id)
    assert Job.objects.get(pk=session.job_id).state == "cancelled"
    assert 1 <= Case.objects.filter(project=project).count() < 4
