"""Reading uploads: how far each file is, and what became of them."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib.auth.models import User

from segmentation.access import visible
from segmentation.errors import NotFoundError
from segmentation.models import Job, UploadFile, UploadSession


def upload_get(*, user: User, session_id: object) -> UploadSession:
    """One upload that this person may see."""
    return visible(user, UploadSession, session_id, "project", "job")


def upload_file_get(*, user: User, session_id: object, file_id: uuid.UUID) -> UploadFile:
    """One file of an upload."""
    session = upload_get(user=user, session_id=session_id)
    file = UploadFile.objects.filter(session=session, pk=file_id).select_related("session").first()
    if file is None:
        raise NotFoundError("There is no such file in this upload.")
    return file


def upload_answer(session: UploadSession) -> dict[str, Any]:
    """An upload with its report once the import has finished."""
    job = session.job
    state = str(session.state)
    if job is not None and job.state in (Job.State.FAILED, Job.State.CANCELLED):
        state = UploadSession.State.FAILED.value
    files = [
        {
            "id": file.pk,
            "input": file.position,
            "length": file.length_bytes,
            "offset": file.offset_bytes,
        }
        for file in session.files.order_by("position")
    ]
    return {
        "id": session.pk,
        "project": session.project_id,
        "state": state,
        "job": session.job_id,
        "files": files,
        "report": {"added": 0, **session.report} if session.report else None,
        "created_at": session.created_at,
    }
