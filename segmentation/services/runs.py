"""Predictions: computed by a worker, and recorded as one revision per run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import transaction

from segmentation.engine.moments import segment_moments
from segmentation.engine.preprocessing import parse_recipe
from segmentation.engine.types import Segmentation, Settings
from segmentation.errors import UnsuitableNetworkError
from segmentation.jobs.progress import publish_on_commit
from segmentation.jobs.work import Work
from segmentation.models import (
    Blob,
    Case,
    CurrentFinding,
    FindingChange,
    Image,
    Label,
    MaskRevision,
    NetworkVersion,
    Project,
    RecipeVersion,
    SegmentationRun,
    SliceChange,
)
from segmentation.selectors.revisions import finding_next
from segmentation.services.candidates import (
    Proposal,
    proposal_make,
    proposal_pack,
    proposal_rows,
)
from segmentation.services.changes import FindingRow
from segmentation.services.first_runs import NO_NETWORK, origin_noted
from segmentation.services.network_choice import Suggestion, label_map, network_for
from segmentation.services.networks import network_load
from segmentation.services.pictures import picture_open
from segmentation.services.revisions import revision_record_system
from segmentation.services.run_requests import PREDICTABLE, is_untouched
from segmentation.services.uncertainty import Uncertainty, uncertainty_draft
from segmentation.storage.blobs import blob_put

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


@dataclass(frozen=True)
class _Outcome:
    """What one run found, and where its bulk is stored."""

    proposal: Proposal
    candidates: Blob
    uncertainty: Uncertainty


def run_execute(work: Work) -> None:
    """Do a prediction job: compute outside any transaction, record in one short one."""
    # Another series may have become the reference since the job was queued.
    image = Image.objects.select_related("case__project").get(
        case__images=work.payload["image"], is_reference=True
    )
    replace = bool(work.payload.get("replace"))
    if not replace and not is_untouched(image.case):
        _skip(work)
        return
    choice = _choose(work, image)
    work.progress(0.0, "Loading the network")
    project = image.case.project
    with uncertainty_draft(image) as doubt:
        segmentation = segment_moments(
            lambda t: picture_open(image, t),
            image.size_t,
            network_load(choice.version),
            Settings(score_cutoff=project.score_cutoff, overlap_cutoff=project.overlap_cutoff),
            parse_recipe(choice.steps) if choice.recipe else None,
            progress=work.progress,
            cancelled=work.stopped,
            keep_plane=doubt.add,
        )
        uncertainty = doubt.finish()
    labels = Label.objects.filter(project=project, retired_at=None)
    proposal = proposal_make(segmentation, label_map(segmentation.labels, labels))
    blob = blob_put(proposal_pack(proposal), Blob.Kind.CANDIDATES)
    _record(work, image, choice, _Outcome(proposal, blob, uncertainty), replace)


def _choose(work: Work, image: Image) -> _Choice:
    asked = work.payload.get("version")
    if asked is not None:
        version = NetworkVersion.objects.select_related("network").get(pk=asked)
        reason = work.payload.get("reason", "")
    else:
        suggestion = network_for(image, image.case.project)
        if suggestion.version is None:
            _note_no_network(image.case, suggestion)
            raise UnsuitableNetworkError(suggestion.reason)
        version, reason = suggestion.version, suggestion.reason
    recipe = _recipe_of(image.case.project)
    steps = recipe.steps if recipe else version.card["recipe"]
    return _Choice(version, reason, recipe, steps)


def _recipe_of(project: Project) -> RecipeVersion | None:
    """The project's recipe if a person ever set one; its first is only where setting begins, and
    the network's own is the one it was trained with."""
    recipe = RecipeVersion.objects.filter(project=project).order_by("-number").first()
    return recipe if recipe is not None and recipe.number > 1 else None


def _note_no_network(case: Case, suggestion: Suggestion) -> None:
    with transaction.atomic():
        locked = Case.objects.select_for_update().get(pk=case.pk)
        locked.origin = origin_noted(locked.origin, suggestion)
        locked.save(update_fields=["origin", "updated_at"])


def _record(
    work: Work,
    image: Image,
    choice: _Choice,
    outcome: _Outcome,
    replace: bool,
) -> None:
    proposal = outcome.proposal
    with work.recording() as result:
        case = Case.objects.select_for_update().get(pk=image.case_id)
        if case.state not in PREDICTABLE or not (replace or is_untouched(case)):
            result.update(skipped=True, reason=_SKIPPED)
            return
        if not Image.objects.filter(pk=image.pk, is_reference=True).exists():
            result.update(skipped=True, reason=_MOVED)
            return
        run = _run_create(work, image, choice, outcome)
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
        origin = {name: value for name, value in case.origin.items() if name != NO_NETWORK}
        Case.objects.filter(pk=case.pk).update(
            uncertainty=proposal.segmentation.uncertainty, origin=origin
        )
        result.update(run=str(run.pk), revision=str(revision.pk), kept=run.kept_count)
        content = {"id": str(case.pk), "state": str(case.state), "head": str(revision.pk)}
        publish_on_commit("case", content, project=case.project_id, case=case.pk)


def _skip(work: Work) -> None:
    with work.recording() as result:
        result.update(skipped=True, reason=_SKIPPED)


def _run_create(work: Work, image: Image, choice: _Choice, outcome: _Outcome) -> SegmentationRun:
    proposal = outcome.proposal
    found: Segmentation = proposal.segmentation
    return SegmentationRun.objects.create(
        case=image.case,
        image=image,
        network_version=choice.version,
        recipe=choice.recipe,
        recipe_steps=choice.steps,
        job_id=work.job_id,
        candidates=outcome.candidates,
        uncertainty_map=outcome.uncertainty.pack,
        uncertain_places=outcome.uncertainty.places,
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
