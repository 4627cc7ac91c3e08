"""The comparison with nnU-Net, as far as it needs no nnU-Net: budget, split, files and figures."""

from __future__ import annotations

import csv
import importlib
import json
import os
from argparse import Namespace
from pathlib import Path
from types import ModuleType
from typing import Any

import nibabel
import numpy as np
import pytest
from numpy.typing import NDArray

from segmentation.engine.cases import Truth
from segmentation.engine.masks import encode
from segmentation.engine.scoring import score_case
from segmentation.engine.types import Candidate, Segmentation
from segmentation.management.folder import training_cases
from segmentation.management.reading import LabelBook
from segmentation.management.spool import Spool
from tests.engine.drawn import ball

LABELS = ("upper", "lower")
volume: Any = nibabel.Nifti1Image


@pytest.fixture(scope="module")
def nnunet() -> ModuleType:
    return benchmark("nnunet")


@pytest.fixture(scope="module")
def volumes() -> ModuleType:
    return benchmark("nnunet_cases")


def benchmark(name: str) -> ModuleType:
    """A module of the benchmarks, without the one thread that they set for their process."""
    before = dict(os.environ)
    try:
        return importlib.import_module(f"tests.benchmarks.{name}")
    finally:
        os.environ.clear()
        os.environ.update(before)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twelve drawn volumes, the last two of them the test split."""
    rows = []
    for name in ("images", "labels"):
        (tmp_path / name).mkdir()
    for seed in range(12):
        picture, _ = ball(seed)
        for kind, array in (("images", picture.pixels[0]), ("labels", classes_of(seed))):
            image = volume(array.transpose(2, 1, 0), np.eye(4))
            nibabel.save(image, tmp_path / kind / f"ball{seed}.nii.gz")
        paths = [f"{kind}/ball{seed}.nii.gz" for kind in ("images", "labels")]
        rows.append([f"ball{seed}", *paths, "test" if seed > 9 else "train"])
    with (tmp_path / "index.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["id", "image", "label", "split"], *rows])
    return tmp_path


@pytest.mark.parametrize("seed", range(5))
def test_the_schedule_ends_within_half_an_epoch_of_the_budget(
    nnunet: ModuleType, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    costs: list[float] = []
    while nnunet.fitted_epochs(costs, 1000.0) > len(costs):
        costs.append(90.0 if not costs else float(rng.uniform(20, 40)))
    # An epoch takes about 30 s, and the last is begun only if most of it fits.
    assert abs(sum(costs) - 1000) <= 30


def test_a_spent_budget_asks_for_no_more_epochs(nnunet: ModuleType) -> None:
    assert nnunet.fitted_epochs([], 10.0) == 1
    assert nnunet.fitted_epochs([60.0, 60.0], 100.0) == 2


def test_the_budget_is_minutes_times_threads_of_the_card(nnunet: ModuleType) -> None:
    assert nnunet.hours_of({"device": "cpu, 1 thread", "minutes": 36.0}) == pytest.approx(0.6)
    assert nnunet.hours_of({"device": "cpu, 2 threads", "minutes": 36.0}) == pytest.approx(1.2)


def test_a_card_of_another_device_gives_no_budget(
    nnunet: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        nnunet.hours_of({"device": "cuda", "minutes": 36.0})
    assert "Give --hours" in capsys.readouterr().err


def test_the_split_is_that_of_train_and_leaves_the_test_volumes_out(
    volumes: ModuleType, folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    spool = Spool(tmp_path_factory.mktemp("spool"))
    book = LabelBook(LABELS)
    known = training_cases(folder, "semantic3d", book, volumes.SEED, spool, lambda said: None)
    split = volumes.split_as_ours(folder, LABELS)
    assert split["train"] == sorted(case.id for case in known if case.split == "train")
    assert split["val"] == sorted(case.id for case in known if case.split == "validation")
    assert len(split["val"]) == 1
    assert not {"ball10", "ball11"} & {*split["train"], *split["val"]}


def test_raw_files_are_named_as_nnunet_wants_them(
    nnunet: ModuleType, folder: Path, tmp_path: Path
) -> None:
    raw = tmp_path / "raw"
    nnunet.write_raw(folder, raw, ["ball3"], LABELS)
    image = (raw / "imagesTr" / "ball3_0000.nii.gz").read_bytes()
    assert image == (folder / "images" / "ball3.nii.gz").read_bytes()
    assert (raw / "labelsTr" / "ball3.nii.gz").exists()
    told = json.loads((raw / "dataset.json").read_text())
    assert told["labels"] == {"background": 0, "upper": 1, "lower": 2}
    assert told["numTraining"] == 1


def test_a_volume_that_cannot_be_read_ends_it(
    volumes: ModuleType, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "images" / "ball11.nii.gz").write_bytes(b"no volume")
    with pytest.raises(SystemExit):
        volumes.known_cases(folder, "test", LABELS)
    assert "Not read: ball11." in capsys.readouterr().err


def classes_of(seed: int) -> NDArray[np.uint8]:
    _, truth = ball(seed)
    assert truth.classes is not None
    return truth.classes


def segmentation(classes: NDArray[np.uint8]) -> Segmentation:
    """A label volume as a network would give it: one candidate of each label."""
    found = tuple(
        Candidate(label, 0.9, slices={z: encode(plane == label) for z, plane in enumerate(classes)})
        for label in (1, 2)
    )
    return Segmentation("semantic3d", LABELS, found, (), classes.shape, 0.5, 0.4, 0.0, "cpu", 0.0)


@pytest.mark.parametrize("missing", [False, True])
def test_dice_is_that_of_the_engine(volumes: ModuleType, missing: bool) -> None:
    true, drawn = classes_of(1), classes_of(2)
    if missing:  # neither has the second label: it counts in no mean
        true, drawn = (np.where(each == 2, 0, each).astype(np.uint8) for each in (true, drawn))
    expected = score_case(segmentation(drawn), Truth(classes=true)).figures
    found = volumes.dice_of(Truth(classes=true), drawn, LABELS)
    assert found["dice"] == pytest.approx(expected["dice"])
    assert found["upper"] == pytest.approx(expected["dice upper"])
    assert np.isnan(found["lower"]) if missing else found["lower"] == expected["dice lower"]


def test_the_lead_is_ours_minus_theirs_by_patient(volumes: ModuleType) -> None:
    patients = {"a": "p", "b": "p", "c": "q"}
    ours = {"a": {"dice": 0.9}, "b": {"dice": 0.7}, "c": {"dice": 0.8}}
    theirs = {"a": {"dice": 0.8}, "b": {"dice": 0.6}, "c": {"dice": 0.5}}
    told = volumes.lead(patients, ours, theirs, "dice")
    # Patient p leads by 0.1 in both cases, q by 0.3; two patients bound nothing tightly.
    assert told["lead"] == pytest.approx(0.2)
    assert told["ours"] == pytest.approx(0.8)
    assert told["low"] < 0 < told["high"]


def test_a_work_folder_serves_one_run(nnunet: ModuleType, tmp_path: Path) -> None:
    options = Namespace(data=tmp_path, work=tmp_path, batch=None)
    nnunet.keep_to_one_run(options, 0.5)
    nnunet.keep_to_one_run(options, 0.5)
    with pytest.raises(SystemExit):
        nnunet.keep_to_one_run(options, 1.0)
