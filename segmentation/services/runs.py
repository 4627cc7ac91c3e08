"""Predictions: asked for, computed by a worker, and recorded as one revision per run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Exists, OuterRef

from segmentation.access import require
from segmentation.engine.inference import segment
from segmentation.engine.preprocessing import parse_recipe
from segmentation.engine.types import Segmentation, Settings
from segmentation.errors import StateRefusedError, UnsuitableNetworkError
from segmentation.jobs.progress import publish_on_commit
from segmentation.jobs.queue import job_enqueue
from segmentation.jobs.work import Work
from segmentation.models import (
    Blob,
    Case,
    CurrentFinding,
    FindingChange,
    Image,
    Job,
    Label,
    MaskRevision,
    NetworkVersion,
    Project,
    RecipeVersion,
    SegmentationRun,
    SliceChange,
)
from segmentation.selectors.revisions import finding_next
from segmentation.services.audit import event_record
from segmentation.services.candidates import (
    Proposal,
    proposal_make,
    proposal_pack,
    proposal_rows,
)
from segmentation.services.changes import FindingRow
from segmentation.services.network_choice import label_map, network_for, network_require
from segmentation.services.networks import network_load
from segmentation.services.pictures import picture_open
from segmentation.services.revisions import revision_record_system
from segmentation.storage.blobs import blob_put

PREDICTABLE = (Case.State.READY, Case.State.IN_PROGRESS, Case.State.RETURNED)
Replace = Literal["", "untouched_findings"]

_BY_PERSON = (MaskRevision.Kind.EDITED, MaskRevision.Kind.MERGED)
_SKIPPED = "Somebody began to work on this case; the prediction was left out."
_MOVED = "Another series became the reference meanwhile; the prediction was left out."


@dataclass(frozen=True)
class _Choice:
    """What one run uses, and why."""

    version: NetworkVersion
    reason: str
    recipe: RecipeVersion | None
    steps: dict[str, Any]


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
    if not replace and not _is_untouched(case):
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


def run_execute(work: Work) -> None:
    """Do a prediction job: compute outside any transaction, record in one short one."""
    # Another series may have become the reference since the job was queued.
    image = Image.objects.select_related("case__project").get(
        case__images=work.payload["image"], is_reference=True
    )
    replace = bool(work.payload.get("replace"))
    if not replace and not _is_untouched(image.case):
        _skip(work)
        return
    choice = _choose(work, image)
    work.progress(0.0, "Loading the network")
    project = image.case.project
    segmentation = segment(
        picture_open(image),
        network_load(choice.version),
        Settings(score_cutoff=project.score_cutoff, overlap_cutoff=project.overlap_cutoff),
        parse_recipe(choice.steps) if choice.recipe else None,
        progress=work.progress,
        cancelled=work.stopped,
    )
    labels = Label.objects.filter(project=project, retired_at=None)
    proposal = proposal_make(segmentation, label_map(segmentation.labels, labels))
    blob = blob_put(proposal_pack(proposal), Blob.Kind.CANDIDATES)
    _record(work, image, choice, proposal, blob, replace)


def _choose(work: Work, image: Image) -> _Choice:
    asked = work.payload.get("version")
    if asked is not None:
        version = NetworkVersion.objects.select_related("network").get(pk=asked)
        reason = work.payload.get("reason", "")
    else:
        found, reason = network_for(image, image.case.project)
        if found is None:
            _note_no_network(image.case, reason)
            raise UnsuitableNetworkError(reason)
        version = found
    recipe = _recipe_of(image.case.project)
    steps = recipe.steps if recipe else version.card["recipe"]
    return _Choice(version, reason, recipe, steps)


def _recipe_of(project: Project) -> RecipeVersion | None:
    """The project's recipe if a person ever set one; its first is only where setting begins, and
    the network's own is the one it was trained with."""
    recipe = RecipeVersion.objects.filter(project=project).order_by("-number").first()
    return recipe if recipe is not None and recipe.number > 1 else None


def _note_no_network(case: Case, reason: str) -> None:
    with transaction.atomic():
        locked = Case.objects.select_for_update().get(pk=case.pk)
        locked.origin = {**locked.origin, "no_network_reason": reason}
        locked.save(update_fields=["origin", "updated_at"])


def _record(
    work: Work,
    image: Image,
    choice: _Choice,
    proposal: Proposal,
    blob: Blob,
    replace: bool,
) -> None:
    with work.recording() as result:
        case = Case.objects.select_for_update().get(pk=image.case_id)
        if case.state not in PREDICTABLE or not (replace or _is_untouched(case)):
            result.update(skipped=True, reason=_SKIPPED)
            return
        if not Image.objects.filter(pk=image.pk, is_reference=True).exists():
            result.update(skipped=True, reason=_MOVED)
            return
        run = _run_create(work, image, choice, proposal, blob)
        rows, slices = proposal_rows(proposal, str(run.pk), run.finding_base)
        removed = [FindingRow(number, None) for number in _replaceable(case)]
        revision = revision_record_system(
            case,
            MaskRevision.Kind.PREDICTED,
            [*removed, *rows],
            slices,
            run=run,
            operation="predict",
            replace_touched=replace,
        )
        origin = {name: value for name, value in case.origin.items() if name != "no_network_reason"}
        Case.objects.filter(pk=case.pk).update(
            uncertainty=proposal.segmentation.uncertainty, origin=origin
        )
        result.update(run=str(run.pk), revision=str(revision.pk), kept=run.kept_count)
        content = {"id": str(case.pk), "state": str(case.state), "head": str(revision.pk)}
        publish_on_commit("case", content, project=case.project_id, case=case.pk)


def _skip(work: Work) -> None:
    with work.recording() as result:
        result.update(skipped=True, reason=_SKIPPED)


def _run_create(
    work: Work, image: Image, choice: _Choice, proposal: Proposal, blob: Blob
) -> SegmentationRun:
    found: Segmentation = proposal.segmentation
    return SegmentationRun.objects.create(
        case=image.case,
        image=image,
        network_version=choice.version,
        recipe=choice.recipe,
        recipe_steps=choice.steps,
        job_id=work.job_id,
        candidates=blob,
        finding_base=finding_next(image.case) - 1,
        candidate_count=len(proposal.candidates),
        kept_count=proposal.kept_count,
        score_cutoff=found.score_cutoff,
        overlap_cutoff=found.overlap_cutoff,
        uncertainty=found.uncertainty,
        reason=choice.reason[:300],
        overridden_by_id=work.payload.get("overridden_by"),
        device=found.device,
        seconds=found.seconds,
    )


def _replaceable(case: Case) -> list[int]:
    """Findings that a network proposed and that nobody decided on or drew in."""
    by_person = {"revision__case": case, "revision__kind__in": _BY_PERSON}
    touched = set(FindingChange.objects.filter(**by_person).values_list("finding", flat=True))
    touched |= set(SliceChange.objects.filter(**by_person).values_list("finding", flat=True))
    current = CurrentFinding.objects.filter(case=case).values_list("finding", "fields")
    return [
        number
        for number, fields in current
        if fields["source"] == "network"
        and fields["state"] in {"proposed", "suppressed"}
        and number not in touched
    ]


def _is_untouched(case: Case) -> bool:
    """No person changed it, and no masks came with it."""
    return (
        case.touched_at is None
        and not case.revisions.filter(kind=MaskRevision.Kind.IMPORTED).exists()
    )


def _reference(case: Case) -> Image:
    return case.images.get(is_reference=True)
