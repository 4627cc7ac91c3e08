"""One case whole: its images, where it stands, what made its first masks, and who is in it."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User

from segmentation.access import verbs_of, visible
from segmentation.models import Assignment, Case, Image, Job, Presence, Review, SegmentationRun
from segmentation.selectors.cases import JOB_COLUMNS, job_brief
from segmentation.selectors.people import display_name, person_ref
from segmentation.selectors.presence import presence_answer
from segmentation.selectors.projects import label_answer
from segmentation.selectors.revisions import head_answer
from segmentation.storage.tiles import TILE_PX, is_tiled, level_count

PLAIN = (
    "number",
    "title",
    "state",
    "kind",
    "site",
    "group",
    "is_holdout",
    "is_drawn",
    "uncertainty",
    "touched_at",
    "seconds_spent",
    "created_at",
    "updated_at",
)
IMAGE_PLAIN = (
    "is_reference",
    "dtype",
    "spacing_mm",
    "spacing_source",
    "affine_lps",
    "acquisition_axis",
    "modality",
    "photometric",
    "window",
    "value_range",
    "value_unit",
    "slope",
    "intercept",
    "attributes",
    "warnings",
)


def case_answer(*, user: User, case_id: object) -> dict[str, Any]:
    """Everything the review page needs to open a case, but pixels and masks."""
    case = visible(user, Case, case_id, "project", "head")
    run = (
        SegmentationRun.objects.filter(case=case)
        .select_related("network_version__network", "recipe", "overridden_by")
        .order_by("-created_at")
        .first()
    )
    job = Job.objects.filter(case=case).order_by("-created_at").values(*JOB_COLUMNS).first()
    presence = Presence.objects.filter(case=case).select_related("holder").first()
    reviews = Review.objects.filter(case=case).select_related("author").order_by("created_at")
    assigned = Assignment.objects.filter(case=case).select_related("user").order_by("pk")
    images = Image.objects.filter(case=case).order_by("-is_reference", "created_at")
    return {
        "id": case.pk,
        **{name: getattr(case, name) for name in PLAIN},
        "images": [image_answer(image) for image in images],
        "project": _project(case, user),
        "head": head_answer(case.head),
        "accepted_revision": case.accepted_revision_id,
        "run": _run(run) if run else None,
        "job": job_brief(job) if job else None,
        "no_network_reason": case.origin.get("no_network_reason") if run is None else None,
        "source": case.origin.get("source", ""),
        "licence": case.origin.get("licence", ""),
        "presence": presence_answer(presence, user=user),
        "cutoffs": _cutoffs(case, run),
        "reviews": [_review(review) for review in reviews],
        "assignees": [person_ref(row.user) for row in assigned],
    }


def image_answer(image: Image) -> dict[str, Any]:
    """An image as the viewer needs it; values and windows are in the image's own unit."""
    return {
        "id": image.pk,
        **{name: getattr(image, name) for name in IMAGE_PLAIN},
        "size": {axis: getattr(image, f"size_{axis}") for axis in "tczyx"},
        "burned_in_risk": bool(image.burned_in_risk),
        "burned_in_why": image.burned_in_risk,
        "has_thumbnail": image.thumbnail_id is not None,
        "slices": image.slices,
        "tiles": _tiles(image),
    }


def _tiles(image: Image) -> dict[str, int] | None:
    shape = tuple(int(getattr(image, f"size_{axis}")) for axis in "tczyx")
    if not is_tiled(shape):
        return None
    return {"size": TILE_PX, "levels": level_count(*shape[3:])}


def _project(case: Case, user: User) -> dict[str, Any]:
    project = case.project
    return {
        "id": project.pk,
        "name": project.name,
        "task": project.task,
        "version": project.version,
        "verbs": sorted(verbs_of(user, project)),
        "labels": [label_answer(label) for label in project.labels.all()],
    }


def _run(run: SegmentationRun) -> dict[str, Any]:
    version = run.network_version
    return {
        "id": run.pk,
        "network": version.network.name,
        "version": version.number,
        "version_id": version.pk,
        "recipe": run.recipe.number if run.recipe else None,
        "recipe_steps": run.recipe_steps.get("steps", []),
        "reason": run.reason,
        "overridden_by": display_name(run.overridden_by),
        "score_cutoff": run.score_cutoff,
        "overlap_cutoff": run.overlap_cutoff,
        "uncertainty": run.uncertainty,
        "has_uncertainty_map": run.uncertainty_map_id is not None,
        "uncertain_places": run.uncertain_places,
        "finding_base": run.finding_base,
        "candidate_count": run.candidate_count,
        "kept_count": run.kept_count,
        "device": run.device,
        "seconds": run.seconds,
        "created_at": run.created_at,
    }


def _review(review: Review) -> dict[str, Any]:
    return {
        "id": review.pk,
        "verdict": review.verdict,
        "comment": review.comment,
        "author": display_name(review.author),
        "revision": review.revision_id,
        "created_at": review.created_at,
    }


def _cutoffs(case: Case, run: SegmentationRun | None) -> dict[str, float] | None:
    """What a person chose for this case, else what the run used."""
    if run is None:
        return None
    score, overlap = case.score_cutoff, case.overlap_cutoff
    return {
        "score": run.score_cutoff if score is None else score,
        "overlap": run.overlap_cutoff if overlap is None else overlap,
    }
