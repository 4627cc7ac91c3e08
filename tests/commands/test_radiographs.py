"""MONOCHROME1 stores bone dark: every command shows it to the network as its twin, bone bright."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from segmentation.engine.types import Task
from segmentation.management.commands import evaluate
from segmentation.management.commands import segment as command
from segmentation.management.folder import known_cases, training_cases
from segmentation.management.reading import LabelBook
from segmentation.management.spool import Spool
from tests.commands.folders import run, write_index
from tests.commands.test_segment import knowing, saved
from tests.engine.test_inference import Brightness
from tests.interchange.drawn import save, slice_of

TASK: Task = "semantic2d"
BONE = np.zeros((40, 48), np.uint16)
BONE[8:30, 10:20] = 1
"""A bright bone on a dark ground; Brightness calls 1 and more label one."""


@pytest.fixture
def radiographs(tmp_path: Path) -> Path:
    folder = tmp_path / "radiographs"
    rows = []
    for name, pixels, word in (
        ("usual", BONE, "MONOCHROME2"),
        ("dark", 1 - BONE, "MONOCHROME1"),
    ):
        save(
            slice_of(
                pixels, series=f"1.2.{len(name)}", Modality="DX", PhotometricInterpretation=word
            ),
            folder / f"{name}.dcm",
        )
        tifffile.imwrite(folder / f"{name}_mask.tif", BONE.astype(np.uint8))
        rows.append(
            {"id": name, "image": f"{name}.dcm", "mask": f"{name}_mask.tif", "split": "train"}
        )
    write_index(folder, rows)
    return folder


@pytest.fixture
def network(tmp_path: Path) -> Path:
    return saved(tmp_path / "nets" / "bones", TASK, ["bone", "metal"], [1, 64, 64])


def test_segment_draws_the_same_labels_on_both(
    radiographs: Path, network: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    knowing(monkeypatch, Brightness())
    out = tmp_path / "out"
    files = [radiographs / "usual.dcm", radiographs / "dark.dcm"]
    assert run("segment", *files, "--network", network, "--out", out)[0] == 0
    for name in ("usual", "dark"):
        assert np.array_equal(tifffile.imread(out / f"{name}.labels.tif"), BONE), name


def test_evaluate_scores_both_alike(
    radiographs: Path, network: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    knowing(monkeypatch, Brightness())
    monkeypatch.setattr(evaluate, "load_network", command.load_network)
    code, answer, _ = run(
        "evaluate", "--data", radiographs, "--split", "train", "--network", network
    )
    assert code == 0
    assert [case["dice"] for case in answer["cases"]] == [1.0, 1.0]


def test_train_learns_from_the_same_values(radiographs: Path, tmp_path: Path) -> None:
    said: list[str] = []
    book = LabelBook(("bone", "metal"))
    dark, usual = sorted(known_cases(radiographs, TASK, book, "", said.append), key=lambda c: c.id)
    assert np.array_equal(dark.picture.pixels, usual.picture.pixels)
    (tmp_path / "spool").mkdir()
    cases = training_cases(radiographs, TASK, book, 0, Spool(tmp_path / "spool"), said.append)
    first, second = (case.load()[0].pixels for case in cases)
    assert np.array_equal(first, second)
    assert said == []
