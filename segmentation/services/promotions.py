"""Which network serves a project: promoted by a named person, rolled back in one step."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import transaction

from segmentation import access
from segmentation.errors import ComparisonRefusedError, InvalidInputError, StateRefusedError
from segmentation.models import (
    Comparison,
    NetworkChoice,
    NetworkVersion,
    Project,
    Promotion,
)
from segmentation.services.audit import event_record
from segmentation.services.network_choice import champion_of


def promotion_make(*, user: User, comparison: Comparison, reason: str = "") -> Promotion:
    """Let the challenger of a comparison serve the project from now on.

    Refused when the comparison says keep, is not finished, or was made against a network that is
    no longer the champion. Where the comparison asks for a person, that person gives a reason.
    """
    project = comparison.training_set.project
    access.require(user, "promotion.make", project)
    _check(comparison, reason)
    with transaction.atomic():
        before = champion_locked(project, comparison.kind)
        if before != comparison.champion:
            raise StateRefusedError(
                "Another network has become the champion since this comparison was made. "
                "Compare the challenger with the network of today."
            )
        return _serve(user, project, comparison.kind, before, comparison.challenger, comparison,
                      is_rollback=False, reason=reason)  # fmt: skip


def promotion_roll_back(
    *, user: User, project: Project, kind: str = "", reason: str = ""
) -> Promotion:
    """Give the project back the network that served before the last promotion; at once."""
    access.require(user, "promotion.roll_back", project)
    with transaction.atomic():
        standing = promotion_standing(project, kind)
        if standing is None:
            raise StateRefusedError(
                "No promotion is left to roll back: this project uses the network it began with."
            )
        return _serve(user, project, kind, standing.after, standing.before, standing.comparison,
                      is_rollback=True, reason=reason)  # fmt: skip


def promotion_standing(project: Project, kind: str) -> Promotion | None:
    """The promotion that a rollback would undo: the last one not undone already."""
    undone = 0
    for promotion in Promotion.objects.filter(project=project, kind=kind).order_by("-pk"):
        if promotion.is_rollback:
            undone += 1
        elif undone:
            undone -= 1
        else:
            return promotion
    return None


def _check(comparison: Comparison, reason: str) -> None:
    if not comparison.outcome:
        raise StateRefusedError(
            "This comparison is not finished. Wait for it on the jobs page, then decide."
        )
    if comparison.outcome == Comparison.Outcome.KEEP:
        raise ComparisonRefusedError(comparison.reason)
    if comparison.outcome == Comparison.Outcome.NEEDS_PERSON and not reason.strip():
        raise InvalidInputError(
            "The comparison cannot decide this by itself. Say why you promote the challenger.",
            fields={"reason": "required"},
        )


def champion_locked(project: Project, kind: str) -> NetworkVersion | None:
    """The network that serves now, while nobody else can change that."""
    Project.objects.select_for_update().get(pk=project.pk)
    return champion_of(project, kind)


def _serve(
    user: User,
    project: Project,
    kind: str,
    before: NetworkVersion | None,
    after: NetworkVersion | None,
    comparison: Comparison | None,
    *,
    is_rollback: bool,
    reason: str,
) -> Promotion:
    """Move the pointer and tell of it; the caller holds the transaction."""
    if after is None:
        NetworkChoice.objects.filter(project=project, kind=kind).delete()
    else:
        NetworkChoice.objects.update_or_create(
            project=project, kind=kind, defaults={"version": after}
        )
    _state_set(before, NetworkVersion.State.RETIRED)
    _state_set(after, NetworkVersion.State.CHAMPION)
    promotion = Promotion.objects.create(
        project=project,
        kind=kind,
        before=before,
        after=after,
        comparison=comparison,
        is_rollback=is_rollback,
        reason=reason.strip(),
        author=user,
    )
    event_record(
        project,
        "promotion.roll_back" if is_rollback else "promotion.make",
        actor=user,
        subject={
            "kind": kind,
            "before": str(before.id) if before else None,
            "after": str(after.id) if after else None,
            "comparison": str(comparison.id) if comparison else None,
        },
    )
    return promotion


def _state_set(version: NetworkVersion | None, state: str) -> None:
    """Shipped networks serve many projects; only a project's own line changes its state word."""
    if version and version.network.project_id:
        NetworkVersion.objects.filter(pk=version.pk).update(state=state)
