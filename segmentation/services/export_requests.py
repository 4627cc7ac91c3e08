"""Exports asked for: in which format, and of which cases; a worker writes the files."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from django.contrib.auth.models import User
from django.db import transaction

from segmentation import access
from segmentation.errors import InvalidInputError
from segmentation.jobs.queue import job_enqueue
from segmentation.models import Job, Project
from segmentation.services.audit import event_record

FORMATS = ("labels", "nifti", "coco", "csv")
ACCEPTED, CHOSEN = "accepted", "chosen"


def export_start(
    *, user: User, project: Project, format: str, which: str, cases: Sequence[uuid.UUID] = ()
) -> Job:
    """Queue an export of the accepted revisions, or of the newest ones of chosen cases."""
    access.require(user, "export.create", project)
    check_format(format)
    if which not in (ACCEPTED, CHOSEN):
        raise InvalidInputError("Export either the accepted cases or chosen ones.")
    if which == CHOSEN and not cases:
        raise InvalidInputError("Choose at least one case to export.", fields={"cases": "required"})
    payload = {"format": format, "which": which, "cases": [str(case) for case in cases]}
    with transaction.atomic():
        event_record(project, "export.create", actor=user, subject=payload)
        return job_enqueue(kind="export", project=project, payload=payload, user=user)


def check_format(format: str) -> None:
    if format not in FORMATS:
        raise InvalidInputError(
            f"There is no export format {format!r}. Choose one of {', '.join(FORMATS)}.",
            fields={"format": "unknown"},
        )
