"""Remarks on a case, at a place in the image where there is one."""

from __future__ import annotations

from collections.abc import Mapping

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from segmentation.access import require, visible
from segmentation.errors import InvalidInputError, NotPermittedError
from segmentation.jobs.progress import publish_on_commit
from segmentation.models import Case, Comment
from segmentation.selectors.revisions import grid_tzyx
from segmentation.services.audit import event_record

TEXT_LENGTH_MAX = 5_000


def comment_add(
    *,
    user: User,
    case: Case,
    text: str,
    finding: int | None = None,
    place: Mapping[str, float] | None = None,
) -> Comment:
    """Say something about the case, about one of its findings, or about a voxel."""
    require(user, "comment.write", case.project)
    _require_text(text)
    if place is not None:
        _require_inside(case, place)
    with transaction.atomic():
        comment = Comment.objects.create(
            case=case,
            author=user,
            text=text.strip(),
            finding=finding,
            place=dict(place) if place is not None else None,
        )
        event_record(case, "comment.added", actor=user, subject={"comment": comment.pk})
        _tell(case)
    return comment


def comment_update(
    *, user: User, comment_id: object, text: str | None = None, resolved: bool | None = None
) -> Comment:
    """Settle a comment or open it again; only its author changes its words."""
    comment = visible(user, Comment, comment_id, "case__project", "author")
    require(user, "comment.write", comment.case.project)
    if text is not None:
        if comment.author_id != user.pk:
            raise NotPermittedError("Only the person who wrote a comment may change its words.")
        _require_text(text)
        comment.text = text.strip()
    if resolved is not None:
        comment.resolved_at = (comment.resolved_at or timezone.now()) if resolved else None
    with transaction.atomic():
        comment.save(update_fields=["text", "resolved_at"])
        event_record(
            comment.case,
            "comment.changed",
            actor=user,
            subject={"comment": comment.pk, "resolved": comment.resolved_at is not None},
        )
        _tell(comment.case)
    return comment


def _require_text(text: str) -> None:
    if not 1 <= len(text.strip()) <= TEXT_LENGTH_MAX:
        raise InvalidInputError(
            f"A comment has 1 to {TEXT_LENGTH_MAX} characters.", fields={"text": "Length."}
        )


def _require_inside(case: Case, place: Mapping[str, float]) -> None:
    moments, depth, height, width = grid_tzyx(case)
    sizes = {"x": width, "y": height, "z": moments * depth}
    if place.keys() != sizes.keys() or not all(0 <= place[a] < sizes[a] for a in sizes):
        raise InvalidInputError(
            "This place lies outside the image.", fields={"place": "Outside the image."}
        )


def _tell(case: Case) -> None:
    publish_on_commit(
        "case",
        {"id": str(case.pk), "state": str(case.state), "head": str(case.head_id or "") or None},
        project=case.project_id,
        case=case.pk,
    )
