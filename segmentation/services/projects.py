"""Projects: made in one go, changed in versions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from segmentation.access import VERBS, require, visible
from segmentation.errors import ConflictError, InvalidInputError, StateRefusedError
from segmentation.models import Membership, NetworkChoice, NetworkVersion, Project
from segmentation.services.labels import LabelSpec, labels_write
from segmentation.services.network_choice import network_require
from segmentation.services.project_versions import project_locked, project_version_write
from segmentation.services.recipes import recipe_read, recipe_start, recipe_write

ADMINISTRATOR = Membership.Role.ADMINISTRATOR.value
KIND_LENGTH_MAX = 40
CHANGEABLE = frozenset(
    {
        "description",
        "holdout_share",
        "keep_file_names",
        "keep_originals",
        "name",
        "overlap_cutoff",
        "predict_on_import",
        "score_cutoff",
    }
)


@dataclass(frozen=True)
class MemberSpec:
    """Who is to be what."""

    user: int
    role: str


@dataclass(frozen=True)
class ChoiceSpec:
    """Which network version serves a kind of image; '' is every kind."""

    kind: str
    version_id: object


def project_create(
    *,
    user: User,
    name: str,
    task: str,
    labels: Sequence[LabelSpec],
    members: Sequence[MemberSpec] = (),
    recipe: Sequence[Mapping[str, Any]] | None = None,
    network_choices: Sequence[ChoiceSpec] = (),
    is_demo: bool = False,
    **settings_: Any,
) -> Project:
    """Make a project with everything that belongs to it, or nothing.

    Whoever makes it is an administrator of it. A recipe that is not given is the task's usual one.
    """
    require(user, "project.create")
    if task not in Project.Task.values:
        raise _fault("This is not a task that a project can have.", "task")
    with transaction.atomic():
        project = Project(task=task, created_by=user, is_demo=is_demo)
        _change(project, {"name": name, **settings_})
        project.save(force_insert=True)
        labels_write(project, labels)
        recipe_start(project, user)
        if recipe is not None:
            recipe_write(project, recipe_read(recipe), user)
        _write_members(project, _with_maker(user, members))
        _write_choices(user, project, network_choices)
        project_version_write(project, user, "project.created")
    return project


def project_update(
    *,
    user: User,
    project: Project,
    changes: Mapping[str, Any],
    version: int | None = None,
    archived: bool | None = None,
) -> Project:
    """Change what a project is. ``version`` names the one the change was made on, if that matters.

    The hold-out's share may only grow: cases once held out must stay so.
    """
    require(user, "project.edit", project)
    with transaction.atomic():
        project = project_locked(project)
        if version is not None and version != project.version:
            raise ConflictError("Somebody else changed this project meanwhile. Load it again.")
        share = changes.get("holdout_share", project.holdout_share)
        if share != project.holdout_share:
            require(user, "holdout.grow", project)
        if share < project.holdout_share and project.case_counter:
            raise StateRefusedError(
                "The hold-out's share can grow but not shrink once the project has cases."
            )
        _change(project, changes)
        if archived is not None and archived != (project.archived_at is not None):
            project.archived_at = timezone.now() if archived else None
        project.save()
        told = sorted(changes) + ([] if archived is None else ["archived"])
        project_version_write(project, user, "project.changed", {"fields": told})
    return project


def labels_set(*, user: User, project: Project, labels: Sequence[LabelSpec]) -> Project:
    """Make the project's labels these; what is left out is retired."""
    require(user, "project.edit", project)
    with transaction.atomic():
        project = project_locked(project)
        labels_write(project, labels)
        project_version_write(project, user, "labels.set", {"count": len(labels)})
    return project


def members_set(*, user: User, project: Project, members: Sequence[MemberSpec]) -> Project:
    """Make the project's people these. At least one of them is its administrator."""
    require(user, "member.write", project)
    with transaction.atomic():
        project = project_locked(project)
        _write_members(project, members)
        roles = {str(member.user): member.role for member in members}
        project_version_write(project, user, "members.set", {"roles": roles})
    return project


def network_choices_set(*, user: User, project: Project, choices: Sequence[ChoiceSpec]) -> Project:
    """Say which network serves which kind of image; kinds that are not named follow the cards."""
    require(user, "network.choose", project)
    with transaction.atomic():
        project = project_locked(project)
        NetworkChoice.objects.filter(project=project).delete()
        _write_choices(user, project, choices)
        told = {choice.kind: str(choice.version_id) for choice in choices}
        project_version_write(project, user, "networks.chosen", {"choices": told})
    return project


def _change(project: Project, changes: Mapping[str, Any]) -> None:
    if unknown := changes.keys() - CHANGEABLE:
        raise _fault(f"A project has no setting {min(unknown)!r}.", min(unknown))
    for name, value in changes.items():
        setattr(project, name, value.strip() if isinstance(value, str) else value)
    if not 1 <= len(project.name) <= 120:
        raise _fault("A project's name has 1 to 120 characters.", "name")
    if Project.objects.filter(name__iexact=project.name).exclude(pk=project.pk).exists():
        raise _fault("Another project has this name.", "name")
    if not _is_share(project.holdout_share, 0.9):
        raise _fault("The hold-out's share lies between 0 and 0.9.", "holdout_share")
    for name in ("score_cutoff", "overlap_cutoff"):
        value = getattr(project, name)
        if value is not None and not _is_share(value, 1.0):
            raise _fault("A cut-off lies between 0 and 1.", name)
    if project.keep_originals and not settings.MEDSEG_KEEP_ORIGINALS:
        raise _fault(
            "This site does not keep original files. Whoever runs it can allow that with "
            "MEDSEG_KEEP_ORIGINALS=1.",
            "keep_originals",
        )


def _is_share(value: float, highest: float) -> bool:
    return math.isfinite(value) and 0 <= value <= highest


def _with_maker(user: User, members: Sequence[MemberSpec]) -> list[MemberSpec]:
    if any(member.user == user.pk and member.role == ADMINISTRATOR for member in members):
        return list(members)
    others = [member for member in members if member.user != user.pk]
    return [MemberSpec(user.pk, ADMINISTRATOR), *others]


def _write_members(project: Project, members: Sequence[MemberSpec]) -> None:
    numbers = [member.user for member in members]
    if len(set(numbers)) != len(numbers):
        raise _fault("A person is named twice. Each has one role.", "members")
    if any(member.role not in VERBS for member in members):
        raise _fault("This is not a role that a person can have.", "members")
    if not any(member.role == ADMINISTRATOR for member in members):
        raise _fault("A project needs at least one administrator.", "members")
    standing = {row.user_id: row for row in project.memberships.all()}
    known = set(User.objects.filter(pk__in=numbers, is_active=True).values_list("pk", flat=True))
    if set(numbers) - known - standing.keys():
        raise _fault("One of these people has no open account here.", "members")
    project.memberships.exclude(user__in=numbers).delete()
    for member in members:
        Membership.objects.update_or_create(
            project=project, user_id=member.user, defaults={"role": member.role}
        )


def _write_choices(user: User, project: Project, choices: Sequence[ChoiceSpec]) -> None:
    kinds = [choice.kind.strip() for choice in choices]
    if len(set(kinds)) != len(kinds):
        raise _fault("Two networks are chosen for the same kind of image.", "network_choices")
    if any(len(kind) > KIND_LENGTH_MAX for kind in kinds):
        raise _fault(f"A kind has at most {KIND_LENGTH_MAX} characters.", "network_choices")
    for kind, choice in zip(kinds, choices, strict=True):
        version = visible(user, NetworkVersion, choice.version_id, "network")
        network_require(version, project)
        NetworkChoice.objects.create(project=project, kind=kind, version=version)


def _fault(sentence: str, field: str) -> InvalidInputError:
    return InvalidInputError(sentence, fields={field: sentence})
