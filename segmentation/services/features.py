"""Measuring one finding of a case as it is saved."""

from __future__ import annotations

import uuid
from functools import partial

from django.contrib.auth.models import User

from segmentation.access import visible
from segmentation.engine.features import Features, finding_features
from segmentation.engine.geometry import moment_and_z, plane_number
from segmentation.engine.masks import from_bytes
from segmentation.errors import NotFoundError
from segmentation.models import Case, CurrentFinding, CurrentSlice, Image
from segmentation.selectors.images import slice_place
from segmentation.services.pictures import spacing_of, values_at


def finding_measure(*, user: User, case_id: uuid.UUID, finding: int, t: int = 0) -> Features:
    """Size, shape, intensity and texture of a finding at moment ``t`` of the reference image."""
    case = visible(user, Case, case_id)
    image = Image.objects.get(case=case, is_reference=True)
    slice_place(user=user, image_id=image.pk, z=0, t=t)  # whoever may not see it may not measure it
    if not CurrentFinding.objects.filter(case=case, finding=finding).exists():
        raise NotFoundError(f"This case has no finding {finding}.")
    depth = image.size_z
    rows = CurrentSlice.objects.filter(
        case=case,
        finding=finding,
        z__gte=plane_number(t, 0, depth),
        z__lt=plane_number(t + 1, 0, depth),
    )
    return finding_features(
        {
            moment_and_z(plane, depth)[1]: from_bytes(bytes(runs))
            for plane, runs in rows.values_list("z", "change__runs")
        },
        (depth, image.size_y, image.size_x),
        spacing_of(image),
        partial(values_at, image, t),
    )
