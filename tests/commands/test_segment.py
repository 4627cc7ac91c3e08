"""``segment``: every input judged by itself, results on its own grid, nothing half-written."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel
import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

from segmentation.engine import masks
from segmentation.engine.checkpoints import Network, save_network
from segmentation.engine.coco_runs import from_coco_counts
from segmentation.engine.networks.build import architecture_for, build
from segmentation.management import results
from segmentation.management.commands import segment as command
from tests.commands.folders import ball_folder, disc_folder, run
from tests.engine.drawn import ball, discs
from tests.engine.test_inference import Brightness, Oracle


def saved(folder: Path, task: str, labels: list[str], patch: list[int]) -> Path:
    torch.manual_seed(0)
    architecture = architecture_for(task, len(labels), 1)
    card = {
        "name": folder.name, "version": "1", "task": task, "labels": labels,
        "architecture": architecture, "recipe": {"steps": []}, "patch_zyx": patch,
        "score_cutoff": 0.5, "overlap_cutoff": 0.4,
    }  # fmt: skip
    save_network(folder, build(architecture), card)
    return folder


@pytest.fixture
def nuclei(tmp_path: Path) -> Path:
    return saved(tmp_path / "nets" / "nuclei", "instance2d", ["nucleus"], [1, 64, 64])


def knowing(monkeypatch: pytest.MonkeyPatch, module: torch.nn.Module) -> None:
    """Put a module whose answer is known into the network that the command loads."""
    real = command.load_network

    def load(folder: Path) -> Network:
        network = real(folder)
        return Network(network.task, network.labels, network.card, module)

    monkeypatch.setattr(command, "load_network", load)


def numbered_png(path: Path, seed: int) -> np.ndarray:
    """A picture in which every disc has a grey value of its own, as ``Oracle`` reads it."""
    truth = discs(seed)[1].instances[0]
    Image.fromarray(truth.astype(np.uint8)).save(path)
    return truth


def test_labels_lie_on_the_input_s_grid_and_findings_say_the_same(
    tmp_path, nuclei, monkeypatch
) -> None:
    truth = numbered_png(tmp_path / "a.b.png", 1)
    knowing(monkeypatch, Oracle())
    code, answer, said = run(
        "segment", tmp_path / "a.b.png", "--network", nuclei, "--out", tmp_path / "out"
    )
    assert code == 0
    labels = tifffile.imread(tmp_path / "out" / "a.b.labels.tif")
    assert (labels.dtype, labels.shape) == (np.uint16, truth.shape)
    document = json.loads((tmp_path / "out" / "a.b.findings.json").read_text())
    kept = [finding for finding in document["findings"] if finding["kept"]]
    assert len(kept) == int(truth.max()) == answer["inputs"][0]["kept"]
    assert f"{len(kept)} findings" in said
    for place, finding in enumerate(kept, start=1):
        (row,) = finding["slices"]
        mask = masks.decode(from_coco_counts(row["counts"], tuple(row["size"])), truth.shape)
        assert finding["area"] == mask.sum()
        assert (labels == place)[mask].mean() > 0.9
        x1, y1, x2, y2 = finding["box"]
        assert mask[y1:y2, x1:x2].sum() == mask.sum()
        assert document["labels"] == [finding["label"]] == ["nucleus"]


def test_a_volume_s_labels_carry_its_own_affine_and_orientation(tmp_path, monkeypatch) -> None:
    folder = ball_folder(tmp_path / "balls", 1)
    net = saved(tmp_path / "nets" / "two", "semantic3d", ["one", "two"], [16, 16, 16])
    classes = ball(0)[1].classes
    affine = np.diag([-1.0, 1.0, 1.0, 1.0])
    source = nibabel.Nifti1Image(classes.transpose(2, 1, 0).astype(np.int16), affine)
    nibabel.save(source, folder / "plain.nii.gz")
    knowing(monkeypatch, Brightness())
    code, _, _ = run(
        "segment", folder / "plain.nii.gz", "--network", net, "--out", tmp_path / "out"
    )
    assert code == 0
    written = nibabel.load(tmp_path / "out" / "plain.labels.nii.gz")
    assert np.array_equal(written.affine, affine)
    assert np.array_equal(np.asarray(written.dataobj), np.asarray(source.dataobj))
    document = json.loads((tmp_path / "out" / "plain.findings.json").read_text())
    assert document["axes"] == "i, j, k"
    for finding in document["findings"]:
        value = document["labels"].index(finding["label"]) + 1
        for row in finding["slices"]:
            runs = from_coco_counts(row["counts"], tuple(row["size"]))
            drawn = masks.decode(runs, tuple(row["size"]))
            own = np.asarray(source.dataobj)[:, :, row["slice"]].T
            assert np.array_equal(drawn, own == value)


def test_one_bad_input_does_not_stop_the_others(tmp_path, nuclei) -> None:
    folder = disc_folder(tmp_path / "discs", 1, 0)
    (tmp_path / "notes.txt").write_text("nothing to see")
    code, answer, said = run(
        "segment", tmp_path / "notes.txt", tmp_path / "gone.png", folder / "disc0.png",
        "--network", nuclei, "--out", tmp_path / "out",
    )  # fmt: skip
    assert code == 1
    assert [report["ok"] for report in answer["inputs"]] == [False, False, True]
    assert all(report["reason"] in said for report in answer["inputs"][:2])
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        "disc0.findings.json", "disc0.labels.tif",
    ]  # fmt: skip


def test_inputs_of_one_name_do_not_overwrite_each_other(tmp_path, nuclei) -> None:
    for part in ("a", "b"):
        disc_folder(tmp_path / part, 1, 0)
    code, answer, _ = run(
        "segment", tmp_path / "a" / "disc0.png", tmp_path / "b" / "disc0.png",
        "--network", nuclei, "--out", tmp_path / "out",
    )  # fmt: skip
    assert code == 0
    names = [Path(report["labels"]).name for report in answer["inputs"]]
    assert names == ["disc0.labels.tif", "disc0-2.labels.tif"]


def test_images_of_a_plain_folder_keep_their_own_names(tmp_path, nuclei) -> None:
    folder = disc_folder(tmp_path / "discs", 2, 0)
    code, answer, _ = run("segment", folder, "--network", nuclei, "--out", tmp_path / "out")
    assert code == 0
    names = [Path(report["labels"]).name for report in answer["inputs"]]
    assert names == ["disc0.labels.tif", "disc1.labels.tif"]


def test_a_failing_disk_leaves_no_half_file(tmp_path, nuclei, monkeypatch) -> None:
    folder = disc_folder(tmp_path / "discs", 1, 0)

    def full(path: Path, text: str) -> None:
        path.write_bytes(b"{")
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(results, "_write_text", full)
    code, answer, _ = run(
        "segment", folder / "disc0.png", "--network", nuclei, "--out", tmp_path / "out"
    )
    assert code == 1
    assert "No space left" in answer["error"]["message"]
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["disc0.labels.tif"]


def test_an_unknown_network_is_refused_before_any_work(tmp_path) -> None:
    code, answer, said = run("segment", tmp_path, "--network", "nothing", "--out", tmp_path / "out")
    assert code == 1
    assert answer["error"]["code"] == "invalid_checkpoint"
    assert "There is no network 'nothing'" in said
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("name", "stem"),
    [("a.png", "a"), ("a.nii.gz", "a"), ("A.NII.GZ", "A"), ("a.b.dcm", "a.b"), ("raw", "raw")],
)
def test_stems_lose_their_whole_ending(tmp_path, name, stem) -> None:
    assert results.stem_of(tmp_path / name) == stem


def test_a_folder_is_one_input_named_after_it(tmp_path) -> None:
    (tmp_path / "series.1").mkdir()
    assert results.stem_of(tmp_path / "series.1") == "series.1"


def test_uncertainty_is_written_on_request_on_the_input_s_own_grid(tmp_path, monkeypatch) -> None:
    folder = ball_folder(tmp_path / "balls", 1)
    net = saved(tmp_path / "nets" / "two", "semantic3d", ["one", "two"], [16, 16, 16])
    rng = np.random.default_rng(0)
    # Brightness doubts what lies halfway between two labels, and nothing else.
    grey = rng.choice([0.0, 0.5, 1.0, 2.0], (18, 20, 16)).astype(np.float32)
    source = nibabel.Nifti1Image(grey, np.diag([-1.0, 1.0, 2.0, 1.0]))
    nibabel.save(source, folder / "plain.nii.gz")
    knowing(monkeypatch, Brightness())
    arguments = ["segment", folder / "plain.nii.gz", "--network", net, "--out", tmp_path / "out"]
    code, answer, _ = run(*arguments)
    assert code == 0
    assert "map" not in answer["inputs"][0]
    assert not list((tmp_path / "out").glob("*uncertainty*"))
    code, answer, _ = run(*arguments, "--uncertainty")
    assert code == 0
    written = nibabel.load(tmp_path / "out" / "plain.uncertainty.nii.gz")
    assert answer["inputs"][0]["map"] == str(tmp_path / "out" / "plain.uncertainty.nii.gz")
    assert np.array_equal(written.affine, source.affine)
    levels = np.asarray(written.dataobj)
    assert levels.dtype == np.uint8
    stored = np.asarray(nibabel.load(folder / "plain.nii.gz").dataobj)
    # Two of three classes are equally likely: log 2 / log 3 of the greatest entropy.
    assert np.abs(levels[stored == 0.5].astype(int) - 161).max() <= 2
    assert levels[stored != 0.5].max() <= 2


def test_a_flat_picture_s_uncertainty_is_a_tiff_of_bytes(tmp_path, nuclei, monkeypatch) -> None:
    truth = numbered_png(tmp_path / "a.png", 1)
    knowing(monkeypatch, Oracle())
    code, _, _ = run(
        "segment", tmp_path / "a.png", "--network", nuclei, "--out", tmp_path / "out",
        "--uncertainty",
    )  # fmt: skip
    assert code == 0
    drawn = tifffile.imread(tmp_path / "out" / "a.uncertainty.tif")
    assert (drawn.dtype, drawn.shape) == (np.uint8, truth.shape)
