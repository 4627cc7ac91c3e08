"""``segment`` on images of several moments: all are predicted, each on its own plane."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel
import numpy as np
import tifffile

from segmentation.engine import masks
from segmentation.engine.coco_runs import from_coco_counts
from tests.commands.folders import run
from tests.commands.test_segment import knowing, saved
from tests.engine.drawn import discs
from tests.engine.test_inference import Brightness, Oracle
from tests.interchange.test_dicom_frames import frames_file


def drawn(row: dict) -> np.ndarray:
    size = tuple(row["size"])
    return masks.decode(from_coco_counts(row["counts"], size), size)


def test_a_cine_gets_a_page_of_labels_for_each_frame(tmp_path: Path, monkeypatch) -> None:
    """Every disc has a grey value of its own, as ``Oracle`` reads it; each frame has its discs."""
    frames = np.concatenate([discs(seed)[1].instances for seed in range(3)])
    us = {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.3.1", "Modality": "US"}
    frames_file(tmp_path / "cine.dcm", frames.astype(np.uint16), **us)
    net = saved(tmp_path / "net", "instance2d", ["nucleus"], [1, 64, 64])
    knowing(monkeypatch, Oracle())
    code, answer, said = run(
        "segment", tmp_path / "cine.dcm", "--network", net, "--out", tmp_path / "out"
    )
    assert code == 0
    (report,) = answer["inputs"]
    assert report["moments"] == 3
    assert "moments" not in said + " ".join(report["warnings"])
    with tifffile.TiffFile(tmp_path / "out" / "cine.labels.tif") as tiff:
        assert tiff.series[0].axes == "TYX"
        labels = tiff.asarray()
    assert labels.shape == frames.shape
    for page, truth in zip(labels, frames, strict=True):
        assert len(np.unique(page)) == len(np.unique(truth))
        assert ((page > 0) == (truth > 0)).mean() > 0.98
    document = json.loads((tmp_path / "out" / "cine.findings.json").read_text())
    assert document["moments"] == 3
    kept = [finding for finding in document["findings"] if finding["kept"]]
    assert len(kept) == sum(int(truth.max()) for truth in frames) == report["kept"]
    for number, finding in enumerate(kept, start=1):
        (row,) = finding["slices"]
        assert finding["moments"] == [row["moment"]]
        assert (labels[row["moment"]] == number)[drawn(row)].mean() > 0.9


def test_a_series_of_volumes_is_labelled_on_its_own_grid_of_four_axes(
    tmp_path: Path, monkeypatch
) -> None:
    """Values 0 to 2 are what ``Brightness`` says of them, at every one of four moments."""
    values = np.random.default_rng(1).integers(0, 3, (9, 8, 5, 4)).astype(np.int16)
    source = nibabel.Nifti1Image(values, np.diag([-1.0, 2.0, 3.0, 1.0]))
    source.header.set_xyzt_units("mm", "msec")
    source.header["pixdim"][4] = 40
    nibabel.save(source, tmp_path / "heart.nii.gz")
    net = saved(tmp_path / "net", "semantic2d", ["one", "two"], [1, 16, 16])
    knowing(monkeypatch, Brightness())
    code, answer, _ = run(
        "segment", tmp_path / "heart.nii.gz", "--network", net, "--out", tmp_path / "out"
    )
    assert code == 0
    assert answer["inputs"][0]["warnings"] == []
    written = nibabel.load(tmp_path / "out" / "heart.labels.nii.gz")
    assert np.array_equal(written.affine, source.affine)
    assert np.array_equal(np.asarray(written.dataobj), values)
    assert (float(written.header["pixdim"][4]), written.header.get_xyzt_units()[1]) == (40, "msec")
    document = json.loads((tmp_path / "out" / "heart.findings.json").read_text())
    for finding in document["findings"]:
        value = document["labels"].index(finding["label"]) + 1
        assert finding["moments"] == [0, 1, 2, 3]
        for row in finding["slices"]:
            own = values[:, :, row["slice"], row["moment"]].T
            assert np.array_equal(drawn(row), own == value)
