"""``evaluate``: figures per kind and per case of one split, readable and as JSON."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from segmentation.engine.checkpoints import Network
from segmentation.management.commands import evaluate as command
from tests.commands.folders import disc_folder, run, write_index
from tests.commands.test_segment import saved
from tests.engine.drawn import discs
from tests.engine.test_inference import Oracle


@pytest.fixture
def network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A network that reads the objects off images drawn by number."""
    folder = saved(tmp_path / "nets" / "nuclei", "instance2d", ["nucleus"], [1, 64, 64])
    real = command.load_network

    def load(where: Path) -> Network:
        network = real(where)
        return Network(network.task, network.labels, network.card, Oracle())

    monkeypatch.setattr(command, "load_network", load)
    return folder


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = disc_folder(tmp_path / "discs", 5, 3)
    for seed in range(5):
        truth = discs(seed)[1].instances[0]
        if seed == 4:
            truth = np.where(truth == 1, 0, truth)  # one disc the network cannot know of
        Image.fromarray(truth.astype(np.uint8)).save(folder / f"disc{seed}.png")
    return folder


def test_figures_are_pooled_over_all_and_per_kind(data, network) -> None:
    code, answer, said = run("evaluate", "--data", data, "--split", "test", "--network", network)
    assert code == 0
    assert [case["id"] for case in answer["cases"]] == ["disc2", "disc3", "disc4"]
    objects = {seed: int(discs(seed)[1].instances.max()) for seed in (2, 3, 4)}
    total = sum(objects.values())
    assert answer["metrics"]["all"]["ap50"] == pytest.approx((total - 1) / total)
    even = objects[2] + objects[4]
    assert answer["metrics"]["even"]["ap50"] == pytest.approx((even - 1) / even)
    assert answer["metrics"]["odd"]["ap50"] == 1.0
    assert answer["metrics"]["odd"]["cases"] == 1
    assert answer["cases"][2]["missed"] == 1.0
    assert "disc4" in said
    assert "panoptic_quality" in said


def test_only_the_split_asked_for_is_scored(data, network) -> None:
    _, answer, _ = run("evaluate", "--data", data, "--split", "train", "--network", network)
    assert [case["id"] for case in answer["cases"]] == ["disc0", "disc1"]


def test_a_split_without_cases_is_misuse(data, network) -> None:
    code, answer, _ = run("evaluate", "--data", data, "--split", "holdout", "--network", network)
    assert code == 2
    assert "no case of split 'holdout'" in answer["error"]["message"]


def test_a_case_without_a_mask_is_left_out_and_said(data, network) -> None:
    (data / "disc3_mask.png").unlink()
    _, answer, said = run("evaluate", "--data", data, "--split", "test", "--network", network)
    assert [case["id"] for case in answer["cases"]] == ["disc2", "disc4"]
    assert "disc3" in said


def test_every_frame_of_a_cine_is_scored_with_its_own_page_of_the_mask(tmp_path, network) -> None:
    """Grey values number the objects; the mask of the second frame misses one of them."""
    frames = np.concatenate([discs(seed)[1].instances for seed in (1, 2)]).astype(np.uint8)
    known = frames.astype(np.uint16)
    known[1][known[1] == 1] = 0
    folder = tmp_path / "cine"
    folder.mkdir()
    tifffile.imwrite(folder / "c.tif", frames, imagej=True, metadata={"axes": "TYX"})
    tifffile.imwrite(folder / "c_mask.tif", known, photometric="minisblack")
    write_index(folder, [{"id": "c", "image": "c.tif", "mask": "c_mask.tif", "n_instances": 9}])
    code, answer, _ = run("evaluate", "--data", folder, "--split", "", "--network", network)
    assert code == 0
    first, second = answer["cases"]
    assert (first["id"], second["id"]) == ("c, moment 1", "c, moment 2")
    assert first["ap50"] == 1.0
    assert (second["found"], second["invented"]) == (int(frames[1].max()) - 1, 1)
