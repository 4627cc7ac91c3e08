"""``train``: a folder in, a network out, in seconds on drawn images."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from segmentation.engine.checkpoints import load_network
from tests.commands.folders import ball_folder, disc_folder, run, shade_folder, write_index


@pytest.fixture
def discs(tmp_path: Path) -> Path:
    return disc_folder(tmp_path / "discs")


def test_twenty_steps_on_six_images_take_seconds_and_make_a_network(discs, tmp_path) -> None:
    began = time.monotonic()
    code, answer, said = run(
        "train", "--data", discs, "--task", "instance2d", "--out", tmp_path / "net",
        "--steps", 20, "--labels", "disc", "--threads", 1,
    )  # fmt: skip
    assert code == 0
    assert time.monotonic() - began < 60  # generous: the machine may be busy
    assert answer["training"]["steps"] == 20
    assert answer["training"]["images"] == 4  # the two of the test split are not learnt from
    assert "step 20 of 20" in said
    network = load_network(tmp_path / "net")
    assert network.labels == ("disc",)
    assert network.card["kinds"] == ["even", "odd"]
    assert not (tmp_path / "net" / "state.safetensors").exists()


def test_going_on_from_a_network_keeps_its_labels_and_recipe(discs, tmp_path) -> None:
    (tmp_path / "recipe.json").write_text(
        json.dumps({"steps": [{"name": "normalise", "method": "zscore"}]})
    )
    run(
        "train", "--data", discs, "--task", "instance2d", "--out", tmp_path / "one", "--steps", 1,
        "--labels", "disc", "--recipe", tmp_path / "recipe.json",
    )  # fmt: skip
    code, answer, _ = run(
        "train", "--data", discs, "--task", "instance2d", "--out", tmp_path / "two", "--steps", 1,
        "--start", tmp_path / "one", "--name", "better", "--network-version", "2024.1",
    )  # fmt: skip
    assert code == 0
    assert (answer["name"], answer["version"], answer["labels"]) == ("better", "2024.1", ["disc"])
    one, two = (load_network(tmp_path / name).card for name in ("one", "two"))
    assert two["recipe"] == one["recipe"]
    assert two["training"]["started_from"] == one["digest"]


def test_entries_of_the_architecture_may_be_changed_by_a_file(discs, tmp_path) -> None:
    (tmp_path / "architecture.json").write_text(json.dumps({"grid": 2}))
    code, _, _ = run(
        "train", "--data", discs, "--task", "instance2d", "--out", tmp_path / "one", "--steps", 1,
        "--labels", "disc", "--architecture", tmp_path / "architecture.json", "--rate", 0.5,
    )  # fmt: skip
    assert code == 0
    assert load_network(tmp_path / "one").card["architecture"]["grid"] == 2


def test_volumes_with_values_but_no_names_are_learnt_as_numbered_labels(tmp_path) -> None:
    balls = ball_folder(tmp_path / "balls")
    code, answer, _ = run(
        "train", "--data", balls, "--task", "semantic", "--out", tmp_path / "net", "--steps", 1
    )
    assert code == 0
    assert answer["task"] == "semantic3d"  # the project's word; the images say which
    assert answer["labels"] == ["label 1", "label 2"]


def test_a_value_to_ignore_is_no_label(tmp_path) -> None:
    balls = ball_folder(tmp_path / "balls")
    code, answer, _ = run(
        "train", "--data", balls, "--task", "semantic3d", "--out", tmp_path / "net", "--steps", 1,
        "--ignore", 2,
    )  # fmt: skip
    assert code == 0
    assert answer["labels"] == ["label 1"]


def test_a_folder_without_truth_is_refused_with_a_sentence(tmp_path, discs) -> None:
    bare = tmp_path / "bare"
    bare.mkdir()
    (bare / "a.png").write_bytes((discs / "disc0.png").read_bytes())
    write_index(bare, [{"id": "a", "image": "a.png", "split": "train"}])
    code, answer, said = run(
        "train", "--data", bare, "--task", "instance2d", "--out", tmp_path / "net", "--steps", 1
    )
    assert code == 1
    assert answer["error"]["code"] == "invalid_training_set"
    assert "a: It has no mask" in said
    assert not (tmp_path / "net").exists()


def test_any_column_of_the_index_may_be_learnt_as_the_class_of_an_image(tmp_path) -> None:
    shades = shade_folder(tmp_path / "shades")
    recipe = tmp_path / "recipe.json"
    recipe.write_text(json.dumps({"steps": [{"name": "normalise", "method": "none"}]}))
    code, answer, _ = run(
        "train", "--data", shades, "--task", "labels2d", "--column", "shade",
        "--out", tmp_path / "net", "--steps", 60, "--recipe", recipe, "--threads", 1,
    )  # fmt: skip
    assert code == 0
    assert answer["labels"] == ["bright", "dark"]
    assert answer["training"]["images"] == 4  # two are tests; of four none is set aside
    code, answer, said = run(
        "evaluate", "--data", shades, "--network", tmp_path / "net", "--column", "shade"
    )
    assert code == 0
    assert answer["metrics"]["all"]["auroc bright"] == 1.0
    assert answer["metrics"]["all"]["auroc"] == 1.0
    assert "auroc bright" in said


def test_a_column_that_is_not_there_is_misuse(tmp_path) -> None:
    shades = shade_folder(tmp_path / "shades")
    code, answer, _ = run(
        "train", "--data", shades, "--task", "labels2d", "--column", "colour",
        "--out", tmp_path / "net", "--steps", 1,
    )  # fmt: skip
    assert code == 2
    assert answer["error"]["message"] == (
        "shades/index.csv: This index.csv has no column named 'colour'. "
        "Its columns are: id, image, split, shade."
    )


def test_misuse_ends_with_two(tmp_path, discs) -> None:
    code, answer, _ = run(
        "train", "--data", tmp_path / "nowhere", "--task", "instance2d", "--out", tmp_path / "n"
    )
    assert (code, answer["error"]["code"]) == (2, "usage")
    bad = tmp_path / "bad.json"
    bad.write_text("{")
    code, _, said = run(
        "train", "--data", discs, "--task", "instance2d", "--out", tmp_path / "n", "--recipe", bad
    )
    assert code == 2
    assert "not JSON" in said
    done = subprocess.run(
        [sys.executable, "manage.py", "train", "--task", "paint"],
        cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stdout == ""
