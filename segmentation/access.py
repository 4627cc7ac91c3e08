"""Who may do what: one table from role to verbs, and one way to reach rows.

Services and selectors ask here, so that page, API, command line and foreign protocols obey the same
rule. What a person may not see does not exist for them: it is missing from ``scoped`` and the
answer is "not found". What they may see but not do is refused by ``require``.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import TypeVar, cast

from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import ValidationError
from django.db.models import Model, Q, QuerySet, Subquery

from segmentation import models
from segmentation.errors import NotFoundError, NotPermittedError

Person = User | AnonymousUser
Row = TypeVar("Row", bound=Model)

_VIEWER = frozenset({"project.view", "case.view", "export.read"})
_ANNOTATOR = _VIEWER | {
    "case.edit",
    "case.import",
    "case.submit",
    "case.takeover",
    "comment.write",
    "prompt",
    "run.request",
}
_REVIEWER = _ANNOTATOR | {"assignment.write", "case.review", "export.create"}
_ADMINISTRATOR = _REVIEWER | {
    "audit.read",
    "case.withdraw",
    "holdout.grow",
    "member.write",
    "network.choose",
    "project.edit",
    "promotion.make",
    "promotion.roll_back",
    "recipe.edit",
    "run.bulk",
    "training.compare",
    "training.freeze",
    "training.start",
    "training.stop",
    "training.view",
}
SITE_VERBS = frozenset({"job.all", "network.import", "person.write", "project.create"})
"""What only a site administrator may do; such a person may also do everything in each project."""

VERBS: dict[str, frozenset[str]] = {
    models.Membership.Role.VIEWER.value: _VIEWER,
    models.Membership.Role.ANNOTATOR.value: _ANNOTATOR,
    models.Membership.Role.REVIEWER.value: _REVIEWER,
    models.Membership.Role.ADMINISTRATOR.value: _ADMINISTRATOR,
}

_REFUSALS = {
    "audit.read": "Only an administrator of this project may read its audit trail.",
    "case.edit": "You may look at this project but not change its masks.",
    "case.review": "Only a reviewer may return, accept or reopen a case.",
    "member.write": "Only an administrator of this project may change who works in it.",
    "person.write": "Only a site administrator may add people or change their accounts.",
    "project.create": "Only a site administrator may make a project.",
    "project.edit": "Only an administrator of this project may change it.",
}

_PROJECT_PATHS: dict[type[Model], str] = {
    models.Project: "pk",
    models.ProjectVersion: "project",
    models.Label: "project",
    models.Membership: "project",
    models.RecipeVersion: "project",
    models.NetworkChoice: "project",
    models.Case: "project",
    models.Image: "case__project",
    models.SegmentationRun: "case__project",
    models.MaskRevision: "case__project",
    models.SliceChange: "revision__case__project",
    models.FindingChange: "revision__case__project",
    models.CurrentSlice: "case__project",
    models.CurrentFinding: "case__project",
    models.Assignment: "case__project",
    models.Presence: "case__project",
    models.Review: "case__project",
    models.Comment: "case__project",
    models.Measurement: "case__project",
    models.TrainingSet: "project",
    models.TrainingRun: "training_set__project",
    models.Comparison: "training_set__project",
    models.Promotion: "project",
    models.UploadSession: "project",
    models.UploadFile: "session__project",
    models.Job: "project",
}
"""How each row is reached from its project."""

_Projects = QuerySet[models.Membership, uuid.UUID]


def _own_or_shared(path: str) -> Callable[[Person, _Projects], Q]:
    """Networks that ship with the product belong to no project and are everybody's to see."""

    def rule(user: Person, projects: _Projects) -> Q:
        return Q(**{f"{path}__isnull": True}) | Q(**{f"{path}__in": Subquery(projects)})

    return rule


def _audited(user: Person, projects: _Projects) -> Q:
    administered = projects.filter(role=models.Membership.Role.ADMINISTRATOR)
    return Q(project__in=Subquery(administered))


def _colleagues(user: Person, projects: _Projects) -> Q:
    """Oneself and the people of one's projects; an administrator chooses members among all."""
    if projects.filter(role=models.Membership.Role.ADMINISTRATOR).exists():
        return Q(is_active=True) | Q(pk=user.pk)
    together = models.Membership.objects.filter(project__in=Subquery(projects)).values("user")
    return Q(pk=user.pk) | Q(pk__in=Subquery(together))


def _own(user: Person, projects: _Projects) -> Q:
    return Q(user=user.pk)


_RULES: dict[type[Model], Callable[[Person, _Projects], Q]] = {
    models.Network: _own_or_shared("project"),
    models.NetworkVersion: _own_or_shared("network__project"),
    models.AuditEvent: _audited,
    models.Preferences: _own,
    models.TokenName: _own,
    User: _colleagues,
}
_SITE_ONLY: frozenset[type[Model]] = frozenset({models.Blob, models.OneTimeLink, models.SiteAnchor})


def scoped(user: Person, model: type[Row]) -> QuerySet[Row]:
    """The rows of ``model`` that this person may see. The only way from a request to rows."""
    rows = model._default_manager.all()
    if not user.is_authenticated or not user.is_active:
        return rows.none()
    if user.is_superuser:
        return rows
    if model in _SITE_ONLY:
        return rows.none()
    projects = cast(
        _Projects, models.Membership.objects.filter(user_id=user.pk).values("project_id")
    )
    if rule := _RULES.get(model):
        return rows.filter(rule(user, projects))
    return rows.filter(**{f"{_PROJECT_PATHS[model]}__in": Subquery(projects)})


def visible(user: Person, model: type[Row], pk: object, *related: str) -> Row:
    """One row that this person may see, or ``NotFoundError``. ``related`` is fetched along."""
    try:
        row = scoped(user, model).select_related(*related).filter(pk=pk).first()
    except (ValidationError, ValueError):  # not even the form of an id
        row = None
    if row is None:
        raise NotFoundError(
            f"There is no such {model._meta.verbose_name}, or it is not yours to see."
        )
    return row


def role_of(user: Person, project: models.Project) -> str:
    """The person's role word in the project; '' for none."""
    if not user.is_authenticated or not user.is_active:
        return ""
    found = models.Membership.objects.filter(user_id=user.pk, project=project).values_list("role")
    return next((role for (role,) in found), "")


def verbs_of(user: Person, project: models.Project | None = None) -> frozenset[str]:
    """Everything the person may do in the project, or on the site when none is given."""
    needs_role = project is not None and not user.is_superuser
    return verbs_with(user, role_of(user, project) if project and needs_role else "")


def verbs_with(user: Person, role: str) -> frozenset[str]:
    """Everything the person may do where their role is this word ('' for none)."""
    if not user.is_authenticated or not user.is_active:
        return frozenset()
    if user.is_superuser:
        return _ADMINISTRATOR | SITE_VERBS
    return VERBS.get(role, frozenset())


def require(user: Person, verb: str, project: models.Project | None = None) -> None:
    """Refuse unless the person may do this in the project (or on the site, when none is given)."""
    if verb not in _ADMINISTRATOR | SITE_VERBS:
        raise ValueError(f"No role has a verb {verb!r}.")
    if verb not in verbs_of(user, project):
        raise NotPermittedError(
            _REFUSALS.get(verb, "Your role in this project does not allow this.")
        )
