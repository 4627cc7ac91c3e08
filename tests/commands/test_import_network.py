"""``import_network``: what ``train`` wrote elsewhere serves here; what could run code does not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from segmentation.engine.checkpoints import save_network
from segmentation.engine.networks.build import build
from segmentation.models import (
    AuditEvent,
    Blob,
    Network,
    NetworkChoice,
    NetworkVersion,
    Project,
    ProjectVersion,
)
from segmentation.services.network_choice import champion_of
from segmentation.services.networks import network_load
from tests.builders import a_person, a_project
from tests.commands.folders import run
from tests.engine.test_checkpoints import ARCHITECTURE, card

pytestmark = pytest.mark.django_db


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A network for instances with untrained weights."""
    save_network(tmp_path / "net", build(ARCHITECTURE), card())
    return tmp_path / "net"


@pytest.fixture
def project() -> Project:
    a_person("ada", is_superuser=True)
    return a_project("Cells")


def register(folder: Path, *words: str) -> tuple[int, dict[str, Any], str]:
    return run("import_network", folder, "--name", "mine", *words)


def test_a_network_is_registered_for_everybody_and_serves_nobody_yet(
    folder: Path, project: Project
) -> None:
    code, told, _ = register(folder)
    assert (code, told["network"], told["version"], told["in_use"]) == (0, "mine", 1, False)
    version = NetworkVersion.objects.get(pk=told["id"])
    assert (version.network.project, version.state) == (None, "challenger")
    assert champion_of(project, "") is None
    assert network_load(version).labels == tuple(version.card["labels"])
    assert AuditEvent.objects.filter(action="network.registered").count() == 1


def test_the_same_weights_again_are_the_same_version_and_others_the_next(
    folder: Path, tmp_path: Path
) -> None:
    first = register(folder)[1]
    assert register(folder)[1]["id"] == first["id"]
    save_network(tmp_path / "other", build(ARCHITECTURE), card())
    assert register(tmp_path / "other")[1]["version"] == 2


def test_with_use_it_serves_the_project_and_the_change_is_versioned(
    folder: Path, project: Project
) -> None:
    shown = ProjectVersion.objects.count()
    code, told, _ = register(folder, "--project", "Cells", "--use", "--kind", "fluorescence")
    assert (code, told["in_use"]) == (0, True)
    choice = NetworkChoice.objects.get()
    assert (choice.project, choice.kind, str(choice.version_id)) == (
        project,
        "fluorescence",
        told["id"],
    )
    assert ProjectVersion.objects.count() == shown + 1


def test_the_network_of_another_kind_stays(folder: Path, project: Project, tmp_path: Path) -> None:
    register(folder, "--project", "Cells", "--use", "--kind", "fluorescence")
    save_network(tmp_path / "other", build(ARCHITECTURE), card())
    register(tmp_path / "other", "--project", "Cells", "--use")
    assert set(NetworkChoice.objects.values_list("kind", flat=True)) == {"", "fluorescence"}


def test_a_network_for_another_task_is_refused_and_nothing_stays(folder: Path) -> None:
    a_person("ada", is_superuser=True)
    a_project("Organs", task="semantic")
    code, told, _ = register(folder, "--project", "Organs", "--use")
    assert (code, told["error"]["code"]) == (1, "unsuitable_network")
    assert not Network.objects.exists()
    assert not NetworkChoice.objects.exists()


@pytest.mark.parametrize("name", ["model.pt", "weights.pkl", "last.ckpt", "net.bin"])
def test_a_pickle_is_refused_with_a_sentence(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"\x80\x04cos\nsystem\n")
    for given in (tmp_path, tmp_path / name):
        code, told, said = register(given)
        assert code == 2
        assert told["error"]["code"] == "invalid_input"
        assert said.startswith(f"{name} may run foreign code when it is opened, so it is not.")
    assert not Blob.objects.exists()


def test_a_pickle_that_calls_itself_safetensors_is_refused(folder: Path) -> None:
    (folder / "weights.safetensors").write_bytes(b"\x80\x04cos\nsystem\n")
    code, _, said = register(folder)
    assert code == 1
    assert "not those its card describes" in said
    assert not Network.objects.exists()


def test_damaged_weights_and_cards_are_refused(folder: Path) -> None:
    told = json.loads((folder / "card.json").read_text())
    told["labels"] = []
    (folder / "card.json").write_text(json.dumps(told))
    assert register(folder)[0] == 1
    (folder / "card.json").unlink()
    assert register(folder)[0] == 1
    assert not Network.objects.exists()


def test_a_name_that_another_project_s_network_has_is_refused(folder: Path) -> None:
    a_project("Cells")
    a_project("Others")
    register(folder, "--project", "Cells")
    code, _, said = register(folder, "--project", "Others")
    assert code == 2
    assert "Choose another name." in said


@pytest.mark.parametrize(
    "words",
    [("--use",), ("--kind", "ct"), ("--project", "Nowhere"), ("--project", "Nowhere", "--use")],
)
def test_arguments_that_cannot_mean_anything_are_misuse(folder: Path, words: tuple[str]) -> None:
    assert register(folder, *words)[0] == 2
    assert not Network.objects.exists()


def test_a_folder_that_is_not_there_is_misuse(tmp_path: Path) -> None:
    assert register(tmp_path / "nothing")[0] == 2


def test_use_without_anybody_who_runs_the_site_is_misuse(folder: Path) -> None:
    a_project("Cells")
    code, _, said = register(folder, "--project", "Cells", "--use")
    assert code == 2
    assert "--site-administrator" in said
