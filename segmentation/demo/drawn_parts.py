"""The parts of the demo that are drawn: phantoms with their truth, or without one to be predicted.

Each function writes one folder; it ignores the files of packages.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from segmentation.demo.dicom import write_ct_series, write_radiograph
from segmentation.demo.folders import Row, write_index, write_nuclei
from segmentation.demo.phantoms import ct_series, nuclei_field, radiograph
from segmentation.interchange.labels import write_labels
from segmentation.interchange.nifti import write_nifti_mask
from segmentation.interchange.types import SourceGrid

SOURCE = "drawn by medseg"
LICENCE = "CC0-1.0"
FIELD_PIXELS = (512, 512)
FIELD_NUCLEI = 130
CROWD_NUCLEI = 2000
CT_ZYX = (120, 512, 512)


def nuclei_fields(folder: Path, files: Mapping[str, Path]) -> None:
    """Three small fields without masks: predictions arrive while a person looks around."""
    rows = []
    for seed, split in ((1, "train"), (2, "train"), (3, "test")):
        name = f"field-{seed}.tif"
        _write_tiff(folder / name, nuclei_field(FIELD_NUCLEI, FIELD_PIXELS, seed).pixels)
        rows.append(_row(f"Drawn nuclei, field {seed}", name, "fluorescence", split=split))
    write_index(folder, rows, instances=True)


def nuclei_crowd(folder: Path, files: Mapping[str, Path]) -> None:
    """One field of 2,000 nuclei that overlap, each with its whole mask."""
    field = nuclei_field(CROWD_NUCLEI)
    _write_tiff(folder / "crowd.tif", field.pixels)
    write_nuclei(folder / "crowd.json", field, "crowd.tif")
    title = f"Drawn nuclei, {CROWD_NUCLEI:,} that overlap"
    rows = [_row(title, "crowd.tif", "fluorescence", mask="crowd.json")]
    write_index(folder, rows, instances=True)


def radiograph_phantoms(folder: Path, files: Mapping[str, Path]) -> None:
    """Two radiographs: one with its lungs, one to be predicted."""
    rows = []
    for seed, mask in ((1, "lungs-1.png"), (2, "")):
        phantom = radiograph(seed=seed)
        write_radiograph(folder / f"chest-{seed}.dcm", phantom, f"drawn-chest-{seed}")
        if mask:
            write_labels(folder / mask, phantom.labels)
        rows.append(_row(f"Drawn chest radiograph {seed}", f"chest-{seed}.dcm", "xray", mask=mask))
    write_index(folder, rows, instances=False)


def ct_phantom(folder: Path, files: Mapping[str, Path]) -> None:
    """An abdomen-like CT series in DICOM with organs and lesions, and its truth as NIfTI."""
    phantom = ct_series(CT_ZYX)
    (folder / "ct").mkdir()
    affine = write_ct_series(folder / "ct", phantom, "drawn-ct")
    grid = SourceGrid((0, 1, 2), (False, False, False), CT_ZYX)
    write_nifti_mask(folder / "organs.nii.gz", phantom.labels, grid, affine)
    rows = [_row("Drawn CT of an abdomen", "ct", "ct", mask="organs.nii.gz")]
    write_index(folder, rows, instances=False)


def _row(title: str, image: str, kind: str, *, mask: str = "", split: str = "train") -> Row:
    return Row(title, image, SOURCE, LICENCE, mask=mask, kind=kind, split=split)


def _write_tiff(path: Path, pixels: NDArray[np.integer[Any]]) -> None:
    tifffile.imwrite(path, pixels, compression="deflate", photometric="minisblack", metadata=None)
