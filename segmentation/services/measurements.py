"""Measuring: whoever holds the pen of a case keeps lengths and angles with it."""

from __future__ import annotations

import math
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from segmentation.access import require
from segmentation.engine.measures import corner_angle, line_length
from segmentation.errors import InvalidInputError, NotFoundError, TooLargeError
from segmentation.jobs.progress import publish_on_commit
from segmentation.models import Case, Image, Measurement
from segmentation.selectors.people import display_name
from segmentation.services.audit import event_record
from segmentation.services.pictures import spacing_of
from segmentation.services.presence import pen_require
from segmentation.services.revision_line import case_locked
from segmentation.services.revisions import require_editable

POINTS = {Measurement.Kind.LENGTH: 2, Measurement.Kind.ANGLE: 3}
PER_CASE_MAX = 1_000
Point = tuple[float, float, float]


@dataclass(frozen=True)
class Measured:
    """A length or an angle as it was sent; points are voxel positions (x, y, z)."""

    kind: str
    plane: str
    moment: int
    points: Sequence[Point]
    note: str = ""


def measurement_put(
    *, user: User, case: Case, measurement_id: uuid.UUID, measured: Measured, tab: uuid.UUID
) -> Measurement:
    """Keep a measurement under this id, new, changed, or back from being removed."""
    require(user, "case.edit", case.project)
    with transaction.atomic():
        case, image = _opened(case, user, tab)
        _require_inside(measured, image)
        known = Measurement.objects.select_for_update().filter(pk=measurement_id).first()
        if known is not None and known.case_id != case.pk:
            raise NotFoundError("There is no such measurement, or it is not yours to see.")
        if known is None and case.measurements.filter(removed_at=None).count() >= PER_CASE_MAX:
            raise TooLargeError(f"A case keeps at most {PER_CASE_MAX:,} measurements.")
        row = known or Measurement(pk=measurement_id, case=case, author=user)
        row.image, row.kind, row.plane = image, measured.kind, measured.plane
        row.moment, row.note = measured.moment, measured.note.strip()
        row.points = [list(point) for point in measured.points]
        row.removed_at = None
        row.save()
        _record(row, user, "measurement.kept" if known is None else "measurement.changed")
    return row


def measurement_remove(
    *, user: User, case: Case, measurement_id: uuid.UUID, tab: uuid.UUID
) -> None:
    """Take a measurement away; removing it twice is removing it once."""
    require(user, "case.edit", case.project)
    with transaction.atomic():
        case, _ = _opened(case, user, tab)
        row = case.measurements.select_for_update().filter(pk=measurement_id).first()
        if row is None:
            raise NotFoundError("There is no such measurement, or it is not yours to see.")
        if row.removed_at is None:
            row.removed_at = timezone.now()
            row.save(update_fields=["removed_at", "changed_at"])
            _record(row, user, "measurement.removed")


def measurement_answer(row: Measurement) -> dict[str, Any]:
    """A measurement with its figure."""
    value, unit = value_and_unit(row)
    return {
        "id": row.pk,
        "kind": row.kind,
        "plane": row.plane,
        "moment": row.moment,
        "points": row.points,
        "note": row.note,
        "value": value,
        "unit": unit,
        "author": display_name(row.author),
        "created_at": row.created_at,
    }


def value_and_unit(row: Measurement) -> tuple[float | None, str]:
    """The figure in mm, in px where the file has no spacing, or in degrees; None where a leg of
    an angle has no length."""
    spacing = spacing_of(row.image)
    if row.kind == Measurement.Kind.ANGLE:
        return corner_angle(row.points, spacing), "deg"
    return line_length(row.points, spacing), "px" if spacing is None else "mm"


def _opened(case: Case, user: User, tab: uuid.UUID) -> tuple[Case, Image]:
    """The case, locked and open to this tab's pen, and the image that is measured in."""
    case = case_locked(case)
    require_editable(case)
    pen_require(case, user, tab)
    image = Image.objects.filter(case=case, is_reference=True).first()
    if image is None:
        raise NotFoundError("This case has no image yet.")
    return case, image


def _require_inside(measured: Measured, image: Image) -> None:
    wanted = POINTS[Measurement.Kind(measured.kind)]
    if len(measured.points) != wanted:
        raise InvalidInputError(
            f"A measurement of this kind has {wanted} points.", fields={"points": "Count."}
        )
    sizes = (image.size_x, image.size_y, image.size_z)
    inside = all(
        math.isfinite(value) and 0 <= value <= size
        for point in measured.points
        for value, size in zip(point, sizes, strict=True)
    )
    if not inside or measured.moment >= image.size_t:
        raise InvalidInputError(
            "A point of this measurement lies outside the image.",
            fields={"points": "Outside the image."},
        )


def _record(row: Measurement, user: User, action: str) -> None:
    subject = {"measurement": str(row.pk), "kind": str(row.kind), "points": row.points}
    event_record(row.case, action, actor=user, subject=subject)
    publish_on_commit(
        "case",
        {"id": str(row.case_id), "state": str(row.case.state), "measured": True},
        project=row.case.project_id,
        case=row.case_id,
    )
