"""Which network suits an image, and why: the project's own choice, else the cards decide."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Q

from segmentation.access import scoped
from segmentation.engine.suitability import suits
from segmentation.engine.types import PROMPT_TASKS, Picture
from segmentation.errors import UnsuitableNetworkError
from segmentation.models import Image, Label, NetworkChoice, NetworkVersion, Project
from segmentation.services.pictures import picture_open

TASKS: dict[str, frozenset[str]] = {
    Project.Task.INSTANCES: frozenset({"instance2d"}),
    Project.Task.SEMANTIC: frozenset({"semantic2d", "semantic3d"}),
    Project.Task.BOXES: frozenset({"boxes2d"}),
    Project.Task.LABELS: frozenset({"labels2d"}),
}
"""Which of the engine's tasks serve each task of a project."""

REASON_LENGTH = 300


@dataclass(frozen=True)
class Suggestion:
    """The version to run, or None; ``reason`` is a sentence for the reader either way."""

    version: NetworkVersion | None
    reason: str


def network_suggest(project: Project, kind: str, picture: Picture) -> Suggestion:
    """Which version the project runs on such an image: its own choice first, then by the cards."""
    if (chosen := _chosen(project, kind)) is not None:
        return _judge_choice(chosen, picture, kind)
    labels = list(Label.objects.filter(project=project, retired_at=None))
    refusals: list[str] = []
    for version in _ranked(project, kind):
        fits, reason = suits(version.card, picture, kind)
        name = f"{version.network.name} {version.number}"
        if fits and label_map(version.card["labels"], labels):
            return Suggestion(version, f"{name}: {reason}"[:REASON_LENGTH])
        refusals.append(f"{name}: {reason}" if not fits else f"{name}: no label in common.")
    if not refusals:
        words = f"No network for {project.get_task_display()} is installed."
        return Suggestion(None, f"{words} Train one from accepted cases.")
    told = "No network suits this image. " + " ".join(refusals)
    return Suggestion(None, told[:REASON_LENGTH])


def network_for(image: Image, project: Project) -> Suggestion:
    """``network_suggest`` for a stored image."""
    return network_suggest(project, image.case.kind, picture_open(image))


def champion_of(project: Project, kind: str) -> NetworkVersion | None:
    """The version that serves such images in the project now: its choice, else the best champion
    by the cards."""
    chosen = _chosen(project, kind)
    if chosen is not None:
        return chosen
    return next(iter(_ranked(project, kind)), None)


def network_require(version: NetworkVersion, project: Project) -> None:
    """Refuse a version that cannot serve the project's task at all, whoever asks for it."""
    if version.card["task"] in PROMPT_TASKS:
        raise UnsuitableNetworkError(
            f"{version.network.name} answers clicks in the review page; it finds nothing by itself."
        )
    if version.card["task"] not in TASKS[project.task]:
        raise UnsuitableNetworkError(
            f"{version.network.name} finds {version.card['task']}; this project is about "
            f"{project.get_task_display()}."
        )
    if version.network.project_id not in (None, project.pk):
        raise UnsuitableNetworkError("This network belongs to another project.")


def label_map(network_labels: Sequence[str], labels: Iterable[Label]) -> dict[int, int]:
    """From the network's labels, counted from 1, to the project's label indices.

    By name, letters' case aside. Where no name is shared, by position: a network for ``nucleus``
    serves a project that calls it ``cell``. Labels without a partner are left out.
    """
    usable = sorted((one for one in labels if not one.is_ignore), key=lambda one: one.index)
    by_name = {label.name.casefold(): label.index for label in usable}
    named = {
        place: by_name[name.casefold()]
        for place, name in enumerate(network_labels, start=1)
        if name.casefold() in by_name
    }
    if named:
        return named
    return {place: label.index for place, label in enumerate(usable[: len(network_labels)], 1)}


def _chosen(project: Project, kind: str) -> NetworkVersion | None:
    choices = {
        choice.kind: choice.version
        for choice in NetworkChoice.objects.filter(
            project=project, kind__in={kind, ""}
        ).select_related("version__network")
    }
    return choices.get(kind) or choices.get("")


def _judge_choice(version: NetworkVersion, picture: Picture, kind: str) -> Suggestion:
    """A project's choice is obeyed; what its card thinks of the image is said beside it."""
    name = f"{version.network.name} {version.number}"
    words = f"{name} is this project's network for {kind or 'every kind of image'}."
    fits, reason = suits(version.card, picture, kind)
    if not fits and version.card["task"] != "semantic3d" and _is_volume(picture):
        return Suggestion(None, f"{words} {reason}"[:REASON_LENGTH])
    return Suggestion(version, (words if fits else f"{words} Note: {reason}")[:REASON_LENGTH])


def _is_volume(picture: Picture) -> bool:
    return int(picture.pixels.shape[1]) > 1


def _ranked(project: Project, kind: str) -> list[NetworkVersion]:
    """Champions that serve the task: made for this kind first, the project's own, then newest."""
    versions = NetworkVersion.objects.select_related("network").filter(
        Q(network__project=None) | Q(network__project=project),
        state=NetworkVersion.State.CHAMPION,
        network__task__in=TASKS[project.task],
    )

    def rank(version: NetworkVersion) -> tuple[bool, bool, float]:
        return (
            kind not in version.card.get("kinds", ()),
            version.network.project_id is None,
            -version.created_at.timestamp(),
        )

    return sorted(versions, key=rank)


def networks_judged(*, user: User, project: Project) -> list[dict[str, Any]]:
    """Every version the person may see, with whether it can serve the project, and why."""
    labels = list(Label.objects.filter(project=project, retired_at=None))
    versions = scoped(user, NetworkVersion).select_related("network")
    versions = versions.exclude(state=NetworkVersion.State.RETIRED)
    judged = []
    for version in versions.order_by("network__name", "-number"):
        reason = _why_not(version, project, labels)
        judged.append(
            {
                "version_id": version.pk,
                "network": version.network.name,
                "version": version.number,
                "state": version.state,
                "suits": not reason,
                "reason": reason or f"It finds {', '.join(version.card['labels'])}.",
                "kinds": version.card.get("kinds", []),
            }
        )
    return judged


def _why_not(version: NetworkVersion, project: Project, labels: Sequence[Label]) -> str:
    try:
        network_require(version, project)
    except UnsuitableNetworkError as refusal:
        return refusal.message
    return "" if label_map(version.card["labels"], labels) else "It has no label in common."
