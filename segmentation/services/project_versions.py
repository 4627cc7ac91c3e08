"""Each change of a project is kept whole, with who made it, so that old results can be read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import User

from segmentation.models import Project, ProjectVersion
from segmentation.selectors.projects import project_snapshot
from segmentation.services.audit import event_record


def project_locked(project: Project) -> Project:
    """The project's row as it is now, kept from other writers until the transaction ends."""
    return Project.objects.select_for_update().get(pk=project.pk)


def project_version_write(
    project: Project, user: User | None, action: str, subject: Mapping[str, Any] | None = None
) -> ProjectVersion:
    """Count the project's version up and keep what it looks like now; tells the audit trail.

    Belongs into the transaction of the change, with the row locked.
    """
    last = project.versions.order_by("-number").values_list("number", flat=True).first()
    project.version = (last or 0) + 1
    project.save(update_fields=["version"])
    written = ProjectVersion.objects.create(
        project=project,
        number=project.version,
        snapshot=project_snapshot(project),
        author=user,
    )
    event_record(
        project, action, actor=user, subject={"version": project.version, **(subject or {})}
    )
    return written
