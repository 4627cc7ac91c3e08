"""Reading networks: their versions and cards."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Prefetch, QuerySet

from segmentation.access import scoped
from segmentation.errors import NotFoundError
from segmentation.models import Network, NetworkVersion

ORDER = ("name", "id")


def networks_listed(*, user: User) -> QuerySet[Network]:
    """Shipped networks and those of the person's projects, with their versions."""
    newest_first = NetworkVersion.objects.order_by("-number")
    return scoped(user, Network).prefetch_related(Prefetch("versions", newest_first))


def network_get(*, user: User, network_id: uuid.UUID) -> Network:
    """One network that this person may see."""
    network = networks_listed(user=user).filter(pk=network_id).first()
    if network is None:
        raise NotFoundError("There is no such network, or it is not yours to see.")
    return network


def version_get(*, user: User, version_id: uuid.UUID) -> NetworkVersion:
    """One version that this person may use."""
    version = scoped(user, NetworkVersion).select_related("network").filter(pk=version_id).first()
    if version is None:
        raise NotFoundError("There is no such network version, or it is not yours to use.")
    return version


def network_answer(network: Network) -> dict[str, Any]:
    """A network with its versions and their cards, newest first."""
    return {
        "id": network.pk,
        "name": network.name,
        "task": network.task,
        "project": network.project_id,
        "created_at": network.created_at,
        "versions": [_version(version) for version in network.versions.all()],
    }


def _version(version: NetworkVersion) -> dict[str, Any]:
    return {
        "id": version.pk,
        "number": version.number,
        "state": version.state,
        "digest": version.digest,
        "started_from": version.parent_id,
        "created_at": version.created_at,
        "card": version.card,
    }
