"""The prediction that a case gets by itself: on import, or when it is no longer held back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import User

from segmentation.jobs.queue import job_enqueue
from segmentation.models import Case, Image, MaskRevision
from segmentation.services.network_choice import Suggestion

NO_NETWORK = "no_network_reason"


def origin_noted(origin: Mapping[str, Any], suggestion: Suggestion) -> dict[str, Any]:
    """What is known of where a case comes from, with the reason where no network suits it."""
    noted = {name: value for name, value in origin.items() if name != NO_NETWORK}
    if suggestion.version is None:
        noted[NO_NETWORK] = suggestion.reason
    return noted


def first_run_queue(case: Case, image: Image, suggestion: Suggestion, user: User | None) -> None:
    """Queue the prediction, unless masks came along, somebody has to look first, or nothing
    suits."""
    wanted = case.project.predict_on_import and case.state == Case.State.READY
    masked = case.revisions.filter(kind=MaskRevision.Kind.IMPORTED).exists()
    if suggestion.version is None or not wanted or masked:
        return
    job_enqueue(
        kind="predict",
        project=case.project,
        case=case,
        payload={
            "image": str(image.pk),
            "version": str(suggestion.version.pk),
            "reason": suggestion.reason,
        },
        user=user,
    )
