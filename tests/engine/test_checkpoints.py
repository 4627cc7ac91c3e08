"""Networks on disk: whole or not there, unchanged, and nothing in them that could run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from segmentation.engine.checkpoints import (
    CARD,
    WEIGHTS,
    check_name,
    load_network,
    resolve_network,
    save_network,
)
from segmentation.engine.errors import InvalidCheckpointError
from segmentation.engine.networks.build import architecture_for, build

ARCHITECTURE = architecture_for("instance2d", labels=1, channels=1)


def card(**changes: Any) -> dict[str, Any]:
    return {
        "name": "drawn",
        "version": "1",
        "task": "instance2d",
        "labels": ["nucleus"],
        "architecture": ARCHITECTURE,
        "recipe": {"steps": []},
        "patch_zyx": [1, 64, 64],
        "score_cutoff": 0.5,
        "overlap_cutoff": 0.4,
        "digest": "",
        **changes,
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    save_network(tmp_path / "drawn", build(ARCHITECTURE), card())
    return tmp_path / "drawn"


def test_a_network_comes_back_as_it_was_saved(folder) -> None:
    torch.manual_seed(0)
    saved = build(ARCHITECTURE).state_dict()
    network = load_network(folder)
    assert all(torch.equal(t, saved[n]) for n, t in network.module.state_dict().items())
    assert network.labels == ("nucleus",)
    assert not network.module.training
    assert len(network.card["digest"]) == 64
    assert sorted(p.name for p in folder.iterdir()) == [CARD, WEIGHTS]


def test_saving_again_replaces_the_network_and_leaves_its_readme(folder) -> None:
    (folder / "README.md").write_text("about")
    before = load_network(folder).card["digest"]
    after = save_network(folder, build(ARCHITECTURE), card(version="2"))
    assert after.card["version"] == "2"
    assert after.card["digest"] != before
    assert (folder / "README.md").read_text() == "about"
    assert [p.name for p in folder.parent.iterdir()] == ["drawn"]


def test_a_card_that_does_not_fit_its_weights_leaves_nothing_behind(tmp_path) -> None:
    other = architecture_for("instance2d", labels=1, channels=3)
    with pytest.raises(InvalidCheckpointError, match="do not fit"):
        save_network(tmp_path / "new", build(ARCHITECTURE), card(architecture=other))
    assert list(tmp_path.iterdir()) == []


def test_exchanged_weights_are_noticed(folder) -> None:
    raw = bytearray((folder / WEIGHTS).read_bytes())
    raw[-1] ^= 1
    (folder / WEIGHTS).write_bytes(raw)
    with pytest.raises(InvalidCheckpointError, match="damaged or was exchanged"):
        load_network(folder)


def test_weights_that_are_not_numbers_are_refused(tmp_path) -> None:
    module = build(ARCHITECTURE)
    with torch.no_grad():
        next(module.parameters()).fill_(float("nan"))
    with pytest.raises(InvalidCheckpointError, match="not numbers"):
        save_network(tmp_path / "new", module, card())


def test_a_pickle_is_never_opened(folder) -> None:
    (folder / WEIGHTS).rename(folder / "model.pth")
    with pytest.raises(InvalidCheckpointError, match="can run foreign code"):
        load_network(folder)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "damaged"),
        ("[]", "not a JSON object"),
        (json.dumps({"name": "x"}), "no valid entry"),
        (json.dumps(card(task="paint")), "unknown task"),
        (json.dumps(card(labels=[])), "at least one label"),
        (json.dumps(card(labels=[3])), "at least one label"),
        (json.dumps(card(patch_zyx=[1, 64])), "patch_zyx"),
        (json.dumps(card(patch_zyx=[1, 64, 10**9])), "patch_zyx"),
        (json.dumps(card(architecture={"name": "shell"})), "does not know"),
    ],
)
def test_a_card_that_makes_no_sense_is_refused_with_a_sentence(folder, text, sentence) -> None:
    (folder / CARD).write_text(text)
    with pytest.raises(InvalidCheckpointError, match=sentence):
        load_network(folder)


def test_a_folder_without_a_network_says_so(tmp_path) -> None:
    with pytest.raises(InvalidCheckpointError, match=r"card\.json is missing"):
        load_network(tmp_path)


def test_networks_are_found_by_name_version_and_folder(folder) -> None:
    root = folder.parent
    save_network(root / "drawn@2", build(ARCHITECTURE), card(version="2"))
    assert resolve_network("drawn", [root]) == root / "drawn"
    assert resolve_network("drawn@2", [root]) == root / "drawn@2"
    assert resolve_network(str(folder)) == folder


def test_an_unknown_network_is_refused_with_what_there_is(folder) -> None:
    with pytest.raises(InvalidCheckpointError, match="drawn@1"):
        resolve_network("nucleolus", [folder.parent])
    with pytest.raises(InvalidCheckpointError, match="no network"):
        resolve_network("drawn@7", [folder.parent])


@pytest.mark.parametrize(
    ("name", "version"), [("../up", "1"), ("Nuclei", "1"), ("", "1"), ("a", ""), ("a", "1/2")]
)
def test_names_that_could_leave_a_folder_are_refused(name, version) -> None:
    with pytest.raises(InvalidCheckpointError):
        check_name(name, version)
