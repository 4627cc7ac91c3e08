"""A finished export: whose it is and where its archive lies."""

from __future__ import annotations

from dataclasses import dataclass

from segmentation.access import Person, require, visible
from segmentation.errors import NotFoundError, StateRefusedError
from segmentation.models import Job


@dataclass(frozen=True)
class Archive:
    """A finished export's archive and the name to offer it under."""

    sha256: str
    length_bytes: int
    name: str


def export_archive(*, user: Person, job_id: object) -> Archive:
    """The archive of an export job; refused while it is not finished."""
    job = visible(user, Job, job_id, "project")
    if job.kind != "export" or job.project is None:
        raise NotFoundError("There is no such export.")
    require(user, "export.read", job.project)
    if job.state != Job.State.SUCCEEDED:
        raise StateRefusedError(
            "This export is not finished. Its progress and its problems are on the jobs page."
        )
    return Archive(
        sha256=job.result["blob"],
        length_bytes=job.result["length_bytes"],
        name=f"medseg-{job.payload['format']}-{job.created_at:%Y%m%d-%H%M}.zip",
    )
