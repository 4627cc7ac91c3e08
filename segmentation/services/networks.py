"""The registry of networks: where their weights come from, and how they are loaded."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.models import Max

from segmentation.engine.checkpoints import (
    CARD,
    PICKLES,
    SHIPPED,
    WEIGHTS,
    Network,
    load_card,
    load_network,
)
from segmentation.errors import InvalidInputError
from segmentation.models import Blob, NetworkVersion, Project
from segmentation.models import Network as NetworkRow
from segmentation.services.audit import event_record
from segmentation.storage.blobs import blob_copy, blob_put
from segmentation.storage.folders import cache_folder

LOADED_AT_ONCE = 3
NAME_LENGTH = 80


def shipped_networks_sync() -> int:
    """Bring the networks that ship with the product into the registry; how many were new."""
    if not SHIPPED.is_dir():
        return 0
    folders = sorted(folder for folder in SHIPPED.iterdir() if (folder / CARD).is_file())
    return sum(_sync(folder) for folder in folders)


def network_load(version: NetworkVersion) -> Network:
    """The network, ready to run; kept by this process for the next image."""
    return _loaded(version.weights_id, json.dumps(version.card, sort_keys=True))


def network_folder(version: NetworkVersion) -> Path:
    """The version as a folder on this machine's disk, as the engine and its commands read it."""
    return _unpacked(version.weights_id, version.card)


def network_version_add(
    *,
    folder: Path,
    card: Mapping[str, Any],
    project: Project,
    kind: str = "",
    parent: NetworkVersion | None = None,
) -> NetworkVersion:
    """Register weights that a training of the project made, as a challenger; the same weights
    again are the same version."""
    blob = blob_put(folder / WEIGHTS, Blob.Kind.WEIGHTS)
    with transaction.atomic():
        network = _project_network(project, kind, card["task"])
        return _add(network, blob, card, NetworkVersion.State.CHALLENGER, parent)


def network_register(*, folder: Path, name: str, project: Project | None) -> NetworkVersion:
    """Register a network that ``train`` wrote elsewhere, under a name of its own, as a challenger.

    It is loaded once, so that what could not run is refused now; the same weights again are the
    same version. Without a project it is everybody's to choose.
    """
    _refuse_pickles(folder)
    card = load_network(folder).card
    if not 1 <= len(name) <= NAME_LENGTH:
        raise InvalidInputError(f"A network's name has 1 to {NAME_LENGTH} characters.")
    blob = blob_put(folder / WEIGHTS, Blob.Kind.WEIGHTS)
    with transaction.atomic():
        network, _ = NetworkRow.objects.get_or_create(
            name=name, defaults={"project": project, "task": card["task"]}
        )
        if (network.project, network.task) != (project, card["task"]):
            raise InvalidInputError(
                f"Another network is called {name!r}; it has another task or project. "
                "Choose another name."
            )
        version = _add(network, blob, card, NetworkVersion.State.CHALLENGER, None)
        subject = {"version": str(version.pk), "digest": version.digest}
        event_record(project, "network.registered", actor=None, subject=subject)
    return version


def _refuse_pickles(path: Path) -> None:
    """Weights that can run foreign code when they are opened never are."""
    folder, patterns = (path.parent, [path.name]) if path.is_file() else (path, PICKLES)
    if (folder / WEIGHTS).is_file() and folder == path:
        return
    pickled = sorted(file.name for pattern in patterns for file in folder.glob(pattern))
    if pickled:
        raise InvalidInputError(
            f"{pickled[0]} may run foreign code when it is opened, so it is not. Give the folder "
            f"that train wrote, with {WEIGHTS} and {CARD}."
        )


def _sync(folder: Path) -> bool:
    card = load_card(folder)
    if NetworkVersion.objects.filter(digest=card["digest"], network__project=None).exists():
        return False
    blob = blob_put(folder / WEIGHTS, Blob.Kind.WEIGHTS)
    with transaction.atomic():
        network, _ = NetworkRow.objects.get_or_create(
            name=card["name"], defaults={"task": card["task"]}
        )
        version = _add(network, blob, card, NetworkVersion.State.CHAMPION, None)
        network.versions.filter(state=NetworkVersion.State.CHAMPION).exclude(pk=version.pk).update(
            state=NetworkVersion.State.RETIRED
        )
    return True


def _add(
    network: NetworkRow,
    blob: Blob,
    card: Mapping[str, Any],
    state: str,
    parent: NetworkVersion | None,
) -> NetworkVersion:
    """One more version under the network's row lock, or the one with these weights."""
    NetworkRow.objects.select_for_update().get(pk=network.pk)
    known = network.versions.filter(digest=card["digest"]).first()
    if known is not None:
        return known
    number = (network.versions.aggregate(last=Max("number"))["last"] or 0) + 1
    return NetworkVersion.objects.create(
        network=network,
        number=number,
        state=state,
        weights=blob,
        card=dict(card),
        digest=card["digest"],
        parent=parent,
    )


def _project_network(project: Project, kind: str, task: str) -> NetworkRow:
    """The line of networks of one project, kind and task; renamed projects may share a name."""
    words = " ".join(part for part in (project.name, kind) if part)
    own = NetworkRow.objects.filter(project=project, task=task)
    for name in (words[:NAME_LENGTH], f"{words[: NAME_LENGTH - 9]} {project.pk.hex[:8]}"):
        if (known := own.filter(name=name).first()) is not None:
            return known
        if not NetworkRow.objects.filter(name=name).exists():
            return NetworkRow.objects.create(project=project, name=name, task=task)
    return NetworkRow.objects.create(
        project=project, name=f"{words[: NAME_LENGTH - 9]} {secrets.token_hex(4)}", task=task
    )


@lru_cache(maxsize=LOADED_AT_ONCE)
def _loaded(weights: str, card: str) -> Network:
    return load_network(_unpacked(weights, json.loads(card)))


def _unpacked(weights: str, card: Mapping[str, Any]) -> Path:
    """Weights and card in a folder named by the weights' digest; it appears whole or not at all."""
    folder = cache_folder("networks") / weights
    if folder.is_dir():
        os.utime(folder)
        return folder
    draft = folder.with_name(f".{weights}.{secrets.token_hex(4)}")
    draft.mkdir(mode=0o700)
    try:
        blob_copy(weights, draft / WEIGHTS)
        (draft / CARD).write_text(json.dumps(card), encoding="utf-8")
        draft.rename(folder)
    except OSError:
        if not folder.is_dir():  # else another process was faster, and its copy is the same
            raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return folder
