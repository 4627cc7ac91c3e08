"""Reading projects: what they are, who works in them, and what they were."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Count, Prefetch, QuerySet

from segmentation.access import scoped, verbs_with, visible
from segmentation.models import (
    Case,
    Label,
    Membership,
    NetworkChoice,
    NetworkVersion,
    Project,
    ProjectVersion,
    RecipeVersion,
)
from segmentation.selectors.people import display_name, person_ref

SETTINGS = (
    "name",
    "description",
    "task",
    "holdout_share",
    "keep_file_names",
    "keep_originals",
    "predict_on_import",
    "score_cutoff",
    "overlap_cutoff",
    "is_demo",
)


def projects(*, user: User, archived: bool = False) -> QuerySet[Project]:
    """The projects this person works in; closed ones only when asked for."""
    return _whole(scoped(user, Project).filter(archived_at__isnull=not archived))


def project_get(*, user: User, project_id: object) -> Project:
    """One project that this person works in."""
    return visible(user, Project, project_id)


def project_named(name: str) -> Project | None:
    """The project of that name, for the site's own command line."""
    return Project.objects.filter(name=name).first()


def project_answer(project: Project, *, user: User) -> dict[str, Any]:
    """A project whole: settings, labels, recipe, networks, people, and how many cases stand where.

    For a list, ask ``project_answers``: it counts all of them at once.
    """
    return project_answers([project], user=user)[0]


def project_answers(listed: Iterable[Project], *, user: User) -> list[dict[str, Any]]:
    """``project_answer`` for each."""
    found = list(listed)
    counts = _counts(found)
    roles = {project.pk: _role(project, user) for project in found}
    return [
        {
            "id": project.pk,
            "version": project.version,
            "role": roles[project.pk] or None,
            "verbs": sorted(verbs_with(user, roles[project.pk])),
            **{name: getattr(project, name) for name in SETTINGS},
            "archived_at": project.archived_at,
            "created_at": project.created_at,
            "labels": [label_answer(label) for label in project.labels.all()],
            "recipe": _recipe(project),
            "network_choices": [choice_answer(row) for row in _choices(project)],
            "counts": counts[project.pk],
            "members": [
                {**(person_ref(row.user) or {}), "role": row.role} for row in _members(project)
            ],
        }
        for project in found
    ]


def label_answer(label: Label) -> dict[str, Any]:
    return {
        "index": label.index,
        "name": label.name,
        "colour": label.colour,
        "key": label.key,
        "code": label.code,
        "overlap_allowed": label.overlap_allowed,
        "is_ignore": label.is_ignore,
        "retired": label.retired_at is not None,
    }


def recipe_answer(recipe: RecipeVersion) -> dict[str, Any]:
    return {
        "number": recipe.number,
        "steps": recipe.steps["steps"],
        "digest": recipe.digest,
        "author": display_name(recipe.author),
        "created_at": recipe.created_at,
    }


def choice_answer(choice: NetworkChoice) -> dict[str, Any]:
    return {
        "kind": choice.kind,
        "network": choice.version.network.name,
        "version": choice.version.number,
        "version_id": choice.version_id,
    }


def version_answer(version: ProjectVersion) -> dict[str, Any]:
    return {
        "number": version.number,
        "author": display_name(version.author),
        "created_at": version.created_at,
        "snapshot": version.snapshot,
    }


def versions(*, user: User, project: Project) -> QuerySet[ProjectVersion]:
    """What the project was, newest first."""
    return scoped(user, ProjectVersion).filter(project=project).select_related("author")


def recipes(*, user: User, project: Project) -> QuerySet[RecipeVersion]:
    """The recipes the project had, newest first."""
    return scoped(user, RecipeVersion).filter(project=project).select_related("author")


def networks_visible(*, user: User) -> QuerySet[NetworkVersion]:
    """Every network version that this person may choose."""
    versions_ = scoped(user, NetworkVersion).select_related("network")
    return versions_.exclude(state=NetworkVersion.State.RETIRED)


def project_snapshot(project: Project) -> dict[str, Any]:
    """The project as plain JSON, whole, for its version."""
    recipe = project.recipes.first()
    return {
        **{name: getattr(project, name) for name in SETTINGS},
        "archived": project.archived_at is not None,
        "labels": [label_answer(label) for label in Label.objects.filter(project=project)],
        "recipe": {"number": recipe.number, "digest": recipe.digest} if recipe else None,
        "network_choices": [
            {"kind": kind, "version": str(version)}
            for kind, version in NetworkChoice.objects.filter(project=project)
            .order_by("kind")
            .values_list("kind", "version")
        ],
        "members": [
            {"user": person, "role": role}
            for person, role in Membership.objects.filter(project=project)
            .order_by("user")
            .values_list("user", "role")
        ],
    }


def _whole(rows: QuerySet[Project]) -> QuerySet[Project]:
    return rows.prefetch_related(
        "labels",
        "recipes__author",
        Prefetch("network_choices", NetworkChoice.objects.select_related("version__network")),
        Prefetch("memberships", Membership.objects.select_related("user")),
    )


def _role(project: Project, user: User) -> str:
    return next((row.role for row in project.memberships.all() if row.user_id == user.pk), "")


def _recipe(project: Project) -> dict[str, Any] | None:
    newest = max(project.recipes.all(), key=lambda row: row.number, default=None)
    return recipe_answer(newest) if newest else None


def _choices(project: Project) -> list[NetworkChoice]:
    return sorted(project.network_choices.all(), key=lambda row: row.kind)


def _members(project: Project) -> list[Membership]:
    return sorted(project.memberships.all(), key=lambda row: row.user.get_username().casefold())


def _counts(found: list[Project]) -> dict[uuid.UUID, dict[str, int]]:
    counts = {project.pk: {**dict.fromkeys(Case.State.values, 0), "total": 0} for project in found}
    rows = Case.objects.filter(project__in=found).values_list("project", "state")
    for project_id, state, count in rows.annotate(count=Count("pk")):
        counts[project_id][state] = count
        counts[project_id]["total"] += count
    return counts
