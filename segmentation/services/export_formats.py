"""Label maps and findings of one case: written, read back, and compared before anyone may have
them.

Masks go out on the source's own grid; where findings overlap, label maps show the topmost and
``findings.json`` keeps each one whole.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.coco_runs import from_coco_counts, to_coco_string
from segmentation.engine.geometry import moment_and_z
from segmentation.interchange.budget import Budget
from segmentation.interchange.labels import read_labels, write_labels
from segmentation.interchange.nifti import read_nifti_labels, write_nifti_mask
from segmentation.interchange.types import Limits, SourceGrid
from segmentation.models import REVIEWED
from segmentation.services.export_case import (
    ExportCase,
    ExportMeasurement,
    require_same,
    same_slices,
    to_stored_planes,
)
from segmentation.services.truths import Fields


def labels_write(case: ExportCase, folder: Path) -> list[str]:
    """A label map (NIfTI for volumes and whatever came as NIfTI, else TIFF) and all findings."""
    if case.grid.stored_shape[0] > 1 or case.grid.nifti is not None:
        (name,) = nifti_write(case, folder, ".labels.nii.gz")
    else:
        name = f"{case.stem}.labels.tif"
        source = case.grid.to_source(case.label_map())
        source = source.reshape(-1, *source.shape[-2:])
        write_labels(folder / name, source, "TYX" if case.moments > 1 else "")
        read = read_labels(folder / name, "tiff", Budget(Limits()))
        require_same(np.array_equal(read, source), name)
    return [name, findings_write(case, folder)]


def nifti_write(case: ExportCase, folder: Path, suffix: str = ".nii.gz") -> list[str]:
    """A label map as NIfTI with the source's own affine, whatever the source was."""
    name = f"{case.stem}{suffix}"
    labels = case.label_map()
    write_nifti_mask(folder / name, labels, case.grid, case.affine_lps)
    read, _ = read_nifti_labels(folder / name, "nifti_gz", Budget(Limits()))
    require_same(np.array_equal(_back(read, case.grid), labels), name)
    return [name]


def findings_write(case: ExportCase, folder: Path) -> str:
    """Every finding whole, with its fields and its value in the label map, as JSON."""
    name = f"{case.stem}.findings.json"
    told = {
        **case.provenance,
        "size": list(case.file_height_width),
        **({"moments": case.moments} if case.moments > 1 else {}),
        "reviewed": run_lengths(case, REVIEWED),
        "measurements": [_measurement(case, one) for one in case.measurements],
        "findings": [_finding(case, number, fields) for number, fields in case.kept],
    }
    text = json.dumps(told, indent=1, ensure_ascii=False, allow_nan=False)
    (folder / name).write_text(text, encoding="utf-8")
    read = json.loads((folder / name).read_text(encoding="utf-8"))
    for (number, _), finding in zip(case.kept, read["findings"], strict=True):
        require_same(reads_back(case, number, finding["slices"]), name)
    return name


def run_lengths(case: ExportCase, number: int) -> dict[str, Any]:
    """A finding's masks by the file's planes, as COCO run lengths; where the image has moments,
    each says its moment and its slice."""
    size = case.file_height_width
    return {
        str(plane): {
            **where(case, plane),
            "size": list(size),
            "counts": to_coco_string(runs, size),
        }
        for plane, runs in sorted(case.file_slices(number).items())
    }


def where(case: ExportCase, plane: int) -> dict[str, int]:
    """The moment and the slice of one of the file's planes; empty for a still image."""
    t, k = moment_and_z(plane, case.file_depth)
    return {"moment": t, "slice": k} if case.moments > 1 else {}


def reads_back(case: ExportCase, number: int, slices: Mapping[str, Any]) -> bool:
    """Whether run lengths that were read from a file are the finding's masks."""
    size = case.file_height_width
    read = {int(plane): from_coco_counts(told["counts"], size) for plane, told in slices.items()}
    return same_slices(to_stored_planes(read, case), case.stored_slices(number))


def _finding(case: ExportCase, number: int, fields: Fields) -> dict[str, Any]:
    place = case.place(number, fields)
    return {
        "finding": number,
        "value": case.values[number],
        "label": case.label_names.get(int(fields["label"]), str(fields["label"])),
        **{key: fields.get(key) for key in ("state", "score", "source", "note")},
        "box": None if place is None else list(place.box),
        "box_slices": None if place is None else list(place.z),
        **({"moments": case.moments_of(number, fields)} if case.moments > 1 else {}),
        "slices": run_lengths(case, number),
    }


def _measurement(case: ExportCase, measured: ExportMeasurement) -> dict[str, Any]:
    value, unit = measured.figure
    return {
        "id": measured.key,
        "kind": measured.kind,
        "value": value,
        "unit": unit,
        "spacing": case.spacing_source,
        **({"moment": measured.moment} if case.moments > 1 else {}),
        "points": case.file_points(measured),
        "note": measured.note,
        "author": measured.author,
    }


def _back(read: NDArray[Any], grid: SourceGrid) -> NDArray[Any]:
    """A NIfTI array ``(i, j, k)`` or ``(t, i, j, k)`` on the stored grid again."""
    return grid.from_source(read if grid.nifti is not None else read.swapaxes(-1, -3))
