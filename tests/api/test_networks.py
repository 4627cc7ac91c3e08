from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rest_framework.test import APIClient
from safetensors.numpy import save_file

from segmentation.engine.checkpoints import digest_of
from segmentation.models import Network, NetworkVersion, Project
from segmentation.services import networks
from segmentation.services.network_choice import label_map
from segmentation.services.networks import (
    network_folder,
    network_version_add,
    shipped_networks_sync,
)
from tests.builders import a_member, a_project

pytestmark = pytest.mark.django_db

CARD: dict[str, Any] = {
    "name": "drawn-cells",
    "version": "1",
    "task": "instance2d",
    "labels": ["cell"],
    "architecture": {"inputs": 1},
    "recipe": {"steps": []},
    "patch_zyx": [1, 64, 64],
    "score_cutoff": 0.5,
    "overlap_cutoff": 0.4,
    "kinds": ["fluorescence"],
}


def a_folder(root: Path, seed: int = 1, **card: Any) -> Path:
    folder = root / card.get("name", CARD["name"])
    folder.mkdir(parents=True, exist_ok=True)
    weights = folder / "weights.safetensors"
    save_file({"w": np.full(4, seed, dtype=np.float32)}, weights)
    whole = {**CARD, **card, "digest": digest_of(weights)}
    (folder / "card.json").write_text(json.dumps(whole))
    return folder


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(networks, "SHIPPED", tmp_path)
    return tmp_path


@pytest.fixture
def project() -> Project:
    return a_project()


def signed_in(project: Project, role: str = "viewer") -> APIClient:
    client = APIClient()
    client.force_login(a_member(project, role))
    return client


def test_shipped_networks_are_registered_once(shipped: Path) -> None:
    a_folder(shipped)
    assert shipped_networks_sync() == 1
    assert shipped_networks_sync() == 0
    version = NetworkVersion.objects.get()
    assert (version.network.name, version.number, version.state) == ("drawn-cells", 1, "champion")


def test_a_newer_shipped_network_takes_over_and_the_old_one_stays(shipped: Path) -> None:
    a_folder(shipped, seed=1)
    shipped_networks_sync()
    a_folder(shipped, seed=2)
    assert shipped_networks_sync() == 1
    states = list(NetworkVersion.objects.order_by("number").values_list("number", "state"))
    assert states == [(1, "retired"), (2, "champion")]


def test_weights_are_unpacked_beside_their_card_once(shipped: Path) -> None:
    folder = a_folder(shipped)
    shipped_networks_sync()
    version = NetworkVersion.objects.get()
    unpacked = network_folder(version)
    assert unpacked == network_folder(version)
    assert (unpacked / "weights.safetensors").read_bytes() == (
        folder / "weights.safetensors"
    ).read_bytes()
    assert json.loads((unpacked / "card.json").read_text()) == version.card
    shutil.rmtree(unpacked)
    assert (network_folder(version) / "weights.safetensors").exists()


def test_trained_weights_become_a_challenger_of_their_project(
    project: Project, tmp_path: Path
) -> None:
    folder = a_folder(tmp_path)
    card = json.loads((folder / "card.json").read_text())
    added = network_version_add(folder=folder, card=card, project=project, kind="fluorescence")
    again = network_version_add(folder=folder, card=card, project=project, kind="fluorescence")
    assert added == again
    assert (added.state, added.network.project) == ("challenger", project)
    folder = a_folder(tmp_path, seed=2)
    card = json.loads((folder / "card.json").read_text())
    second = network_version_add(folder=folder, card=card, project=project, kind="fluorescence")
    assert (second.network, second.number) == (added.network, 2)


def test_a_projects_networks_are_not_for_others(
    shipped: Path, project: Project, tmp_path: Path
) -> None:
    a_folder(shipped)
    shipped_networks_sync()
    folder = a_folder(tmp_path / "trained", seed=5)
    card = json.loads((folder / "card.json").read_text())
    own = network_version_add(folder=folder, card=card, project=project)
    mine = signed_in(project).get("/api/v1/networks/").json()["results"]
    theirs = signed_in(a_project()).get("/api/v1/networks/").json()["results"]
    assert {network["name"] for network in mine} == {"drawn-cells", own.network.name}
    assert [network["name"] for network in theirs] == ["drawn-cells"]
    assert theirs[0]["versions"][0]["card"]["labels"] == ["cell"]
    one = f"/api/v1/networks/{own.network_id}/"
    assert signed_in(project).get(one).status_code == 200
    assert signed_in(a_project()).get(one).status_code == 404


def test_a_project_is_told_which_networks_can_serve_it_and_why(
    shipped: Path, project: Project
) -> None:
    a_folder(shipped)
    a_folder(shipped, name="drawn-lungs", task="semantic2d", labels=["lung"], seed=3)
    a_folder(shipped, name="drawn-clicks", task="prompts2d", labels=["object"], seed=4)
    shipped_networks_sync()
    address = f"/api/v1/projects/{project.pk}/networks/"
    told = {row["network"]: row for row in signed_in(project).get(address).json()["results"]}
    assert told["drawn-cells"]["suits"] is True
    assert told["drawn-lungs"]["suits"] is False
    assert "semantic2d" in told["drawn-lungs"]["reason"]
    assert told["drawn-clicks"]["suits"] is False
    assert "answers clicks" in told["drawn-clicks"]["reason"]


def test_labels_meet_by_name_else_by_place() -> None:
    project = a_project(labels=("Spleen", "Liver"))
    labels = list(project.labels.all())
    assert label_map(["liver", "kidney"], labels) == {1: 2}
    assert label_map(["a", "b", "c"], labels) == {1: 1, 2: 2}
    project.labels.filter(index=1).update(is_ignore=True)
    assert label_map(["a"], list(project.labels.all())) == {1: 2}
    assert Network.objects.count() == 0
