"""Bytes on their way in: resumable files in a staging folder, named by ids, synced piece by piece.

The row's offset is what was acknowledged; whatever a crash left behind it in the file is cut off
when the upload goes on.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, Protocol

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F, Max, Sum
from django.utils import timezone

from segmentation.access import require, visible
from segmentation.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    StateRefusedError,
    TooLargeError,
)
from segmentation.jobs.queue import job_enqueue
from segmentation.models import Job, Project, UploadFile, UploadSession
from segmentation.services.audit import event_record
from segmentation.storage.folders import require_room, staging_folder, sync_folder

FILE_BYTES = 16 * 2**30
SESSION_BYTES = 64 * 2**30
SESSION_FILES = 20_000
NAME_LENGTH = 1_000
PIECE_BYTES = 1 << 20
LIFETIME = timedelta(days=3)
"""An upload that is not closed by then is thrown away."""


class Readable(Protocol):
    """Where pieces come from (a request)."""

    def read(self, size: int, /) -> bytes: ...


def file_bytes_max() -> int:
    """The largest single file this site takes."""
    return int(getattr(settings, "MEDSEG_UPLOAD_FILE_BYTES", FILE_BYTES))


def staged_path(file: UploadFile) -> Path:
    """Where the bytes of an upload lie."""
    return staging_folder() / str(file.session_id) / str(file.pk)


def expires_at(session: UploadSession) -> datetime:
    """When an upload that nobody closes is thrown away."""
    return session.created_at + LIFETIME


@transaction.atomic
def upload_session_open(*, user: User, project: Project) -> UploadSession:
    """Begin to bring files in."""
    require(user, "case.import", project)
    if project.archived_at is not None:
        raise StateRefusedError("This project is archived and takes no new cases.")
    session = UploadSession.objects.create(project=project, user=user)
    event_record(project, "upload.open", actor=user, subject={"upload": str(session.pk)})
    return session


@transaction.atomic
def upload_file_create(
    *, user: User, session: UploadSession, length_bytes: int, relative_path: str
) -> UploadFile:
    """Announce one file. Its name is kept until the import has finished, and no longer."""
    session = _open_session(user, session, alone=True)
    files = session.files.aggregate(bytes=Sum("length_bytes"), last=Max("position"))
    if length_bytes > file_bytes_max():
        raise TooLargeError(
            f"One file may have {file_bytes_max() // 2**20} MiB at most. "
            "Bring larger ones in with the import_cases command."
        )
    total, last = (files["bytes"] or 0) + length_bytes, files["last"] or 0
    if total > SESSION_BYTES or last >= SESSION_FILES:
        raise TooLargeError("This is too much for one upload. Close it and start another.")
    folder = staging_folder()
    require_room(folder, length_bytes)
    file = UploadFile.objects.create(
        session=session,
        position=last + 1,
        relative_path=_relative(relative_path),
        length_bytes=length_bytes,
    )
    path = staged_path(file)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    path.touch(mode=0o600)
    sync_folder(path.parent)
    sync_folder(folder)
    return file


def upload_bytes_append(
    *, user: User, file_id: uuid.UUID, offset_bytes: int, source: Readable, length_bytes: int
) -> UploadFile:
    """Append a piece that begins exactly where the file ends; on disk before it is acknowledged."""
    file = visible(user, UploadFile, file_id, "session__project")
    _open_session(user, file.session)
    with _alone(staged_path(file)) as staged:
        file.refresh_from_db(fields=["offset_bytes"])
        if offset_bytes != file.offset_bytes:
            raise ConflictError(
                "This piece does not begin where the upload stands.",
                details={"offset": file.offset_bytes},
            )
        if offset_bytes + length_bytes > file.length_bytes:
            raise TooLargeError("More bytes came than the upload announced.")
        require_room(staging_folder(), length_bytes)
        taken = _append(staged, source, offset_bytes, file.length_bytes - offset_bytes)
        UploadFile.objects.filter(pk=file.pk).update(offset_bytes=offset_bytes + taken)
        file.offset_bytes = offset_bytes + taken
    return file


def upload_file_remove(*, user: User, file_id: uuid.UUID) -> None:
    """Take an announced file back, with what came of it."""
    file = visible(user, UploadFile, file_id, "session__project")
    _open_session(user, file.session)
    path = staged_path(file)
    file.delete()
    path.unlink(missing_ok=True)


@transaction.atomic
def upload_session_close(
    *, user: User, session: UploadSession, discard_unfinished: bool = False
) -> UploadSession:
    """All is there: import it. Closing twice changes nothing more."""
    if session.job_id is not None:
        require(user, "case.import", session.project)
        return session
    session = _open_session(user, session, alone=True)
    unfinished = list(session.files.exclude(offset_bytes=F("length_bytes")))
    if unfinished and not discard_unfinished:
        raise StateRefusedError(
            f"{len(unfinished)} files are not complete yet; upload the rest first."
        )
    for file in unfinished:
        staged_path(file).unlink(missing_ok=True)
        file.delete()
    if not session.files.exists():
        raise InvalidInputError("No file was uploaded.")
    session.job = job_enqueue(
        kind="import", project=session.project, payload={"upload": str(session.pk)}, user=user
    )
    session.state = UploadSession.State.IMPORTING
    session.save(update_fields=["job", "state"])
    return session


def upload_forget(session: UploadSession) -> None:
    """Blank the names and throw the staged bytes away; the report stays."""
    session.files.update(relative_path="")
    shutil.rmtree(staging_folder() / str(session.pk), ignore_errors=True)


def uploads_expire() -> int:
    """Throw away uploads that nobody closed, and what failed imports left; how many."""
    before = timezone.now() - LIFETIME
    stale = UploadSession.objects.filter(created_at__lt=before).exclude(
        state=UploadSession.State.DONE
    )
    stale = stale.exclude(job__state__in=(Job.State.QUEUED, Job.State.RUNNING, Job.State.PAUSED))
    count = 0
    for session in stale.exclude(files=None):
        upload_forget(session)
        session.files.all().delete()
        UploadSession.objects.filter(pk=session.pk).update(state=UploadSession.State.FAILED)
        count += 1
    return count


def _open_session(user: User, session: UploadSession, alone: bool = False) -> UploadSession:
    """The session as it stands now, if it still takes files; ``alone`` locks its row."""
    require(user, "case.import", session.project)
    rows = UploadSession.objects.select_related("project")
    if alone:
        rows = rows.select_for_update(of=("self",))
    locked = rows.get(pk=session.pk)
    if locked.state != UploadSession.State.OPEN:
        raise StateRefusedError("This upload is closed. Start another one for more files.")
    return locked


def _relative(name: str) -> str:
    """The name as given, cut to a bearable length; it is looked up in, never opened."""
    name = name.replace("\\", "/").replace("\0", "").strip("/")
    if not name:
        raise InvalidInputError("The file has no name.", fields={"relativePath": "Missing."})
    return name[-NAME_LENGTH:]


@contextmanager
def _alone(path: Path) -> Iterator[IO[bytes]]:
    """The staged file for one writer; a second one at the same time is refused."""
    try:
        staged = path.open("r+b")
    except FileNotFoundError as error:
        raise NotFoundError("This upload has expired. Start it again.") from error
    with staged:
        try:
            fcntl.flock(staged, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ConflictError("Another request is writing to this upload.") from error
        yield staged


def _append(staged: IO[bytes], source: Readable, offset: int, room: int) -> int:
    staged.truncate(offset)
    staged.seek(offset)
    taken = 0
    while piece := source.read(min(PIECE_BYTES, room - taken + 1)):
        if taken + len(piece) > room:
            raise TooLargeError("More bytes came than the upload announced.")
        staged.write(piece)
        taken += len(piece)
    staged.flush()
    os.fsync(staged.fileno())
    return taken
