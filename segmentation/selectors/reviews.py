"""Verdicts and remarks on a case."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.db.models import QuerySet

from segmentation.access import scoped, visible
from segmentation.models import Assignment, Case, Comment, Review
from segmentation.selectors.people import display_name, person_ref
from segmentation.selectors.revisions import head_answer


def reviews(*, user: User, case: Case) -> list[dict[str, Any]]:
    """The verdicts on a case, newest first."""
    rows = scoped(user, Review).filter(case=case).select_related("author", "revision")
    return [
        {
            "id": row.pk,
            "verdict": row.verdict,
            "comment": row.comment,
            "author": display_name(row.author),
            "revision": head_answer(row.revision),
            "created_at": row.created_at,
        }
        for row in rows.order_by("-pk")
    ]


def assignees(*, user: User, case: Case) -> list[dict[str, Any]]:
    """Who has the case on their list."""
    rows = scoped(user, Assignment).filter(case=case).select_related("user").order_by("pk")
    return [person_ref(row.user) or {} for row in rows]


def comments(*, user: User, case_id: object) -> QuerySet[Comment]:
    """The remarks on a case."""
    case = visible(user, Case, case_id)
    return scoped(user, Comment).filter(case=case).select_related("author")


def comment_answer(comment: Comment) -> dict[str, Any]:
    return {
        "id": comment.pk,
        "author": display_name(comment.author),
        "author_id": comment.author_id,
        "text": comment.text,
        "finding": comment.finding,
        "place": comment.place,
        "resolved_at": comment.resolved_at,
        "created_at": comment.created_at,
    }
