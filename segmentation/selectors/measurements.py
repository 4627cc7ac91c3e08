"""Reading what was measured."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db.models import QuerySet

from segmentation.access import scoped, visible
from segmentation.models import Case, Measurement


def measurements(*, user: User, case_id: object) -> QuerySet[Measurement]:
    """What is measured in the case's reference image, oldest first."""
    case = visible(user, Case, case_id)
    return standing(scoped(user, Measurement).filter(case=case))


def standing(rows: QuerySet[Measurement]) -> QuerySet[Measurement]:
    """Those that were not removed and lie on the grid of the reference, oldest first."""
    rows = rows.filter(removed_at=None, image__is_reference=True)
    return rows.select_related("author", "image").order_by("created_at", "pk")
