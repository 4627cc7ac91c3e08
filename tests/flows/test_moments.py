"""Images of several moments from file to file: what was drawn comes back where it was."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
import tifffile

from segmentation.models import CurrentSlice, Project
from segmentation.services.exports import NEWEST, export_cases_of, export_write
from segmentation.services.imports import import_paths
from tests.builders import a_project
from tests.commands.folders import write_index
from tests.interchange.test_dicom_frames import frames_file

pytestmark = pytest.mark.django_db

TURNED = np.array([[0.0, 0, 2, 5], [-1.5, 0, 0, 4], [0, 1.2, 0, -3], [0, 0, 0, 1]])
"""Axes that lie across those of the stored grid, one of them reversed."""


def exported(project: Project, format: str, folder: Path) -> Path:
    folder.mkdir()
    report = export_write(export_cases_of(project, NEWEST), format, folder)
    assert report.refused == ()
    return folder


def brought(folder: Path, task: str, rows: list[dict[str, Any]]) -> Project:
    write_index(folder, rows)
    project = a_project(task=task, predict_on_import=False)
    assert import_paths([folder], project, None).imported == 1
    return project


@pytest.mark.parametrize("depth", [1, 4])
def test_masks_of_a_nifti_with_moments_come_back_on_its_four_axes(
    tmp_path: Path, depth: int
) -> None:
    rng = np.random.default_rng(depth)
    values = rng.integers(0, 100, (7, 5, depth, 3)).astype(np.int16)
    mask = (values > 60).astype(np.uint8)
    source = tmp_path / "in"
    source.mkdir()
    for name, array in (("v", values), ("m", mask)):
        image = nibabel.Nifti1Image(array, TURNED)
        image.header.set_xyzt_units("mm", "sec")
        image.header["pixdim"][4] = 0.5
        nibabel.save(image, source / f"{name}.nii.gz")
    project = brought(source, "semantic", [{"image": "v.nii.gz", "label": "m.nii.gz"}])
    image = project.cases.get().images.get()
    assert (image.size_t, image.size_z * image.size_y * image.size_x) == (3, 7 * 5 * depth)
    planes = CurrentSlice.objects.filter(case=image.case).values_list("z", flat=True)
    assert max(planes) >= 2 * image.size_z
    for format in ("nifti", "labels"):
        folder = exported(project, format, tmp_path / format)
        (name,) = [path for path in folder.iterdir() if path.name.endswith(".nii.gz")]
        written = nibabel.load(name)
        assert np.array_equal(np.asarray(written.dataobj), mask)
        assert np.allclose(written.affine, TURNED)
        assert float(written.header["pixdim"][4]) == 0.5
    for format in ("coco", "csv"):
        exported(project, format, tmp_path / format)


def test_masks_of_a_dicom_cine_come_back_frame_by_frame(tmp_path: Path) -> None:
    frames = np.zeros((4, 20, 30), np.uint16)
    mask = np.zeros_like(frames)
    for t in range(4):
        frames[t, 5:10, 4 * t : 4 * t + 6] = 200
        mask[t, 5:10, 4 * t : 4 * t + 6] = 1
    mask[2] = 0
    source = tmp_path / "in"
    source.mkdir()
    us = {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.3.1", "Modality": "US"}
    frames_file(source / "cine.dcm", frames, **us)
    tifffile.imwrite(source / "mask.tif", mask, photometric="minisblack")
    row = {"image": "cine.dcm", "mask": "mask.tif", "n_instances": 1}
    project = brought(source, "instances", [row])
    rows = CurrentSlice.objects.filter(case__project=project).values_list("finding", "z")
    assert sorted(rows) == [(1, 0), (1, 1), (1, 3)]
    folder = exported(project, "labels", tmp_path / "out")
    (name,) = folder.glob("*.labels.tif")
    assert np.array_equal(tifffile.imread(name), mask)
    (name,) = folder.glob("*.findings.json")
    assert json.loads(name.read_text())["findings"][0]["moments"] == [0, 1, 3]
