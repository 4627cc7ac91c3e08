"""Predictions asked for: of one case, or of all that nobody touched; a worker does the rest."""

from __future__ import annotations

from typing import Literal

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Exists, OuterRef

from segmentation.access import require
from segmentation.errors import StateRefusedError
from segmentation.jobs.queue import job_enqueue
from segmentation.models import Case, Image, Job, MaskRevision, NetworkVersion, Project
from segmentation.services.audit import event_record
from segmentation.services.network_choice import network_require

PREDICTABLE = (Case.State.READY, Case.State.IN_PROGRESS, Case.State.RETURNED)
Replace = Literal["", "untouched_findings"]


@transaction.atomic
def run_request(
    *,
    user: User,
    case: Case,
    version: NetworkVersion | None = None,
    replace: Replace = "",
) -> Job:
    """Queue a prediction of the case; one that already waits or runs is answered instead.

    Without ``version`` the worker takes the one that suits; with it, the override is recorded. A
    case that a person touched is predicted only with ``replace="untouched_findings"``: their own
    findings stay, proposals nobody looked at are exchanged.
    """
    require(user, "run.request", case.project)
    case = Case.objects.select_for_update(of=("self",)).select_related("project").get(pk=case.pk)
    if case.state not in PREDICTABLE:
        raise StateRefusedError(f"A case that is {case.get_state_display()} is not predicted.")
    if not replace and not is_untouched(case):
        raise StateRefusedError(
            "Somebody has worked on this case. Ask to replace the proposals that nobody touched."
        )
    if version is not None:
        network_require(version, case.project)
    waiting = case.jobs.filter(kind="predict", state__in=(Job.State.QUEUED, Job.State.RUNNING))
    if (job := waiting.first()) is not None:
        return job
    payload = {
        "image": str(_reference(case).pk),
        "version": str(version.pk) if version else None,
        "reason": f"{user.get_username()} chose this network." if version else "",
        "overridden_by": user.pk if version else None,
        "replace": replace,
    }
    event_record(case, "run.request", actor=user, subject={"version": payload["version"]})
    return job_enqueue(kind="predict", project=case.project, case=case, payload=payload, user=user)


@transaction.atomic
def run_bulk(*, user: User, project: Project) -> tuple[int, int]:
    """Predict every untouched, ready case again; (how many were queued, how many touched ones
    were left alone)."""
    require(user, "run.bulk", project)
    imported = MaskRevision.objects.filter(case=OuterRef("pk"), kind=MaskRevision.Kind.IMPORTED)
    waiting = Job.objects.filter(
        case=OuterRef("pk"), kind="predict", state__in=(Job.State.QUEUED, Job.State.RUNNING)
    )
    cases = Case.objects.filter(project=project, state__in=PREDICTABLE).annotate(
        has_masks=Exists(imported), is_waiting=Exists(waiting)
    )
    untouched = cases.filter(
        touched_at=None, has_masks=False, is_waiting=False, state=Case.State.READY
    )
    images = Image.objects.filter(case__in=untouched, is_reference=True).select_related("case")
    queued = 0
    for image in images.order_by("case__number"):
        payload = {"image": str(image.pk), "version": None, "reason": "", "replace": ""}
        job_enqueue(kind="predict", project=project, case=image.case, payload=payload, user=user)
        queued += 1
    skipped = cases.exclude(touched_at=None, has_masks=False).count()
    event_record(project, "run.bulk", actor=user, subject={"queued": queued, "skipped": skipped})
    return queued, skipped


def is_untouched(case: Case) -> bool:
    """No person changed it, and no masks came with it."""
    return (
        case.touched_at is None
        and not case.revisions.filter(kind=MaskRevision.Kind.IMPORTED).exists()
    )


def _reference(case: Case) -> Image:
    return case.images.get(is_reference=True)
