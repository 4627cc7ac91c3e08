"""What the administrator's learning page shows: sets, trainings, comparisons, promotions."""

from __future__ import annotations

import uuid
from typing import Any

from django.db.models import QuerySet

from segmentation.access import Person, require, visible
from segmentation.errors import NotFoundError
from segmentation.models import (
    Case,
    Comparison,
    NetworkChoice,
    NetworkVersion,
    Project,
    Promotion,
    TrainingRun,
    TrainingSet,
)
from segmentation.selectors.jobs import job_answer
from segmentation.selectors.people import display_name

LATEST = 50


def learning(*, user: Person, project_id: object) -> dict[str, Any]:
    """The overview of one project, newest first, without curves and cases."""
    project = visible(user, Project, project_id)
    require(user, "training.view", project)
    accepted = Case.objects.filter(
        project=project, state=Case.State.ACCEPTED, accepted_revision__isnull=False
    )
    frozen = TrainingSet.objects.filter(project=project).select_related("author")
    promotions = Promotion.objects.filter(project=project).select_related(
        "before__network", "after__network", "author"
    )
    choices = NetworkChoice.objects.filter(project=project).select_related("version__network")
    return {
        "champions": [choice_answer(choice) for choice in choices.order_by("kind")],
        "accepted": accepted.count(),
        "newly_accepted": _newly_accepted(accepted, frozen.order_by("-number").first()),
        "training_sets": [set_answer(one) for one in frozen.order_by("-number")[:LATEST]],
        "trainings": [training_answer(run) for run in _runs(project)[:LATEST]],
        "comparisons": [comparison_answer(one) for one in _comparisons(project)[:LATEST]],
        "promotions": [promotion_answer(one) for one in promotions.order_by("-pk")[:LATEST]],
    }


def training_set(*, user: Person, project_id: object, set_id: uuid.UUID | None) -> TrainingSet:
    """The training set named, or the project's newest where none is."""
    project = visible(user, Project, project_id)
    frozen = TrainingSet.objects.filter(project=project).select_related("project", "recipe")
    found = frozen.filter(pk=set_id) if set_id else frozen.order_by("-number")
    if (newest := found.first()) is None:
        raise NotFoundError("There is no such training set. Freeze one from accepted cases first.")
    return newest


def training(*, user: Person, training_id: object) -> dict[str, Any]:
    """One training with its whole curve and log."""
    run = visible(
        user, TrainingRun, training_id, "training_set__project", "start__network",
        "challenger__network", "job",
    )  # fmt: skip
    require(user, "training.view", run.training_set.project)
    return {**training_answer(run), "curve": run.curve, "log": run.log}


def comparison_get(*, user: Person, comparison_id: object) -> Comparison:
    """One comparison of a project that this person works in."""
    return visible(
        user, Comparison, comparison_id, "training_set__project", "champion__network",
        "challenger__network", "job",
    )  # fmt: skip


def comparison(*, user: Person, comparison_id: object) -> dict[str, Any]:
    """One comparison with its cases, the largest loss first."""
    found = comparison_get(user=user, comparison_id=comparison_id)
    require(user, "training.view", found.training_set.project)
    cases = [
        {
            **{name: case[name] for name in ("case", "number", "champion", "challenger")},
            "difference": case["difference"],
            "picture_url": picture_url(found, case["number"]) if case["picture"] else None,
        }
        for case in found.results.get("cases", [])
    ]
    per_label = found.results.get("per_label", [])
    return {**comparison_answer(found), "cases": cases, "per_label": per_label}


def comparison_picture(*, user: Person, comparison_id: object, number: int) -> str | None:
    """The blob of one case's picture."""
    found = visible(user, Comparison, comparison_id, "training_set__project")
    require(user, "training.view", found.training_set.project)
    for case in found.results.get("cases", []):
        if case["number"] == number and case["picture"]:
            return str(case["picture"])
    return None


def picture_url(found: Comparison, number: int) -> str:
    return f"/api/v1/comparisons/{found.pk}/pictures/{number}/"


def set_answer(frozen: TrainingSet) -> dict[str, Any]:
    """A training set as other answers name it; its manifest stays on the server."""
    parts = {part: frozen.manifest[part] for part in ("train", "validation", "holdout")}
    patients = {
        entry["patient_key"] or entry["group"] or entry["case"]
        for entries in parts.values()
        for entry in entries
    }
    return {
        "id": str(frozen.pk),
        "number": frozen.number,
        "created_at": frozen.created_at,
        "author": display_name(frozen.author),
        "digest": frozen.digest,
        "counts": {
            **{part: len(entries) for part, entries in parts.items()},
            "patients": len(patients),
        },
        "excluded": [
            {"number": entry["number"], "reason": entry["reason"]}
            for entry in frozen.manifest["excluded"]
        ],
    }


def training_answer(run: TrainingRun) -> dict[str, Any]:
    return {
        "id": str(run.pk),
        "training_set": {"id": str(run.training_set_id), "number": run.training_set.number},
        "kind": run.kind,
        "start": version_ref(run.start),
        "budget_steps": run.budget_steps,
        "budget_minutes": run.budget_minutes,
        "seed": run.seed,
        "job": job_answer(run.job) if run.job else None,
        "challenger": version_ref(run.challenger),
        "created_at": run.created_at,
    }


def comparison_answer(found: Comparison) -> dict[str, Any]:
    return {
        "id": str(found.pk),
        "training_set": {"id": str(found.training_set_id), "number": found.training_set.number},
        "kind": found.kind,
        "created_at": found.created_at,
        "champion": version_ref(found.champion),
        "challenger": version_ref(found.challenger),
        "job": job_answer(found.job) if found.job else None,
        "outcome": found.outcome,
        "reason": found.reason,
        "summary": _summary(found) if found.outcome else None,
    }


def promotion_answer(promotion: Promotion) -> dict[str, Any]:
    return {
        "id": promotion.pk,
        "kind": promotion.kind,
        "before": version_ref(promotion.before),
        "after": version_ref(promotion.after),
        "comparison": str(promotion.comparison_id) if promotion.comparison_id else None,
        "is_rollback": promotion.is_rollback,
        "reason": promotion.reason,
        "author": display_name(promotion.author),
        "created_at": promotion.created_at,
    }


def version_ref(version: NetworkVersion | None) -> dict[str, Any] | None:
    """A network version as other answers name it."""
    if version is None:
        return None
    return {
        "id": str(version.pk),
        "network": version.network.name,
        "number": version.number,
        "state": version.state,
    }


def choice_answer(choice: NetworkChoice) -> dict[str, Any]:
    return {
        "kind": choice.kind,
        "network": choice.version.network.name,
        "version": choice.version.number,
        "version_id": str(choice.version_id),
    }


def _summary(found: Comparison) -> dict[str, Any]:
    told = found.results["summary"]
    names = ("champion", "challenger", "difference", "low", "high", "patients")
    return {
        "metric": found.results["figure"],
        "n": told["cases"],
        **{name: told[name] for name in names},
    }


def _runs(project: Project) -> QuerySet[TrainingRun]:
    return (
        TrainingRun.objects.filter(training_set__project=project)
        .select_related("training_set", "start__network", "challenger__network", "job")
        .defer("curve", "log")
        .order_by("-created_at")
    )


def _comparisons(project: Project) -> QuerySet[Comparison]:
    return (
        Comparison.objects.filter(training_set__project=project)
        .select_related("training_set", "champion__network", "challenger__network", "job")
        .order_by("-created_at")
    )


def _newly_accepted(accepted: QuerySet[Case], last: TrainingSet | None) -> int:
    """Accepted revisions that the newest training set does not hold."""
    if last is None:
        return accepted.count()
    known = {
        entry["revision"]
        for part in ("train", "validation", "holdout", "excluded")
        for entry in last.manifest[part]
    }
    revisions = accepted.values_list("accepted_revision_id", flat=True)
    return sum(str(revision) not in known for revision in revisions)
