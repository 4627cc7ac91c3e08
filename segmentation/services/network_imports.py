"""Networks from elsewhere: registered from a folder, and put to use in a project."""

from __future__ import annotations

from pathlib import Path

from django.contrib.auth.models import User
from django.db import transaction

from segmentation.models import NetworkChoice, NetworkVersion, Project
from segmentation.services.networks import network_register
from segmentation.services.projects import ChoiceSpec, network_choices_set


def network_import(*, folder: Path, name: str, project: Project | None) -> NetworkVersion:
    """Register a network's folder; it serves nobody yet."""
    return network_register(folder=folder, name=name.strip(), project=project)


@transaction.atomic
def network_import_for(
    *, user: User, folder: Path, name: str, project: Project, kind: str = ""
) -> NetworkVersion:
    """Register a network's folder and let it serve one kind of the project's images ('' is every
    kind), or neither. The choices for other kinds stay."""
    version = network_import(folder=folder, name=name, project=project)
    others = NetworkChoice.objects.filter(project=project).exclude(kind=kind)
    choices = [ChoiceSpec(choice.kind, choice.version_id) for choice in others]
    choices.append(ChoiceSpec(kind, version.pk))
    network_choices_set(user=user, project=project, choices=choices)
    return version
