"""Export files, one case at a time: written, read back, and compared before anyone may have them.

A format is a pair of functions on ``ExportCase``. Masks go out on the source's own grid; where
findings overlap, label maps show the topmost and ``findings.json`` or COCO keep each one whole.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.coco_runs import from_coco_counts, to_coco_string
from segmentation.engine.masks import area, bounding_box, from_bytes
from segmentation.errors import ExportDamagedError
from segmentation.interchange.budget import Budget
from segmentation.interchange.labels import read_labels, write_labels
from segmentation.interchange.nifti import read_nifti_labels, write_nifti_mask
from segmentation.interchange.types import Limits, Matrix, SourceGrid
from segmentation.services.truths import EMPTY_WORDS, REVIEWED

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class ExportCase:
    """One case as it is exported: its state, its grid, and where it comes from."""

    stem: str
    number: int
    task: str
    findings: Mapping[int, Mapping[str, Any]]
    rows: Mapping[tuple[int, int], bytes]
    grid: SourceGrid
    affine_lps: Matrix | None
    spacing_mm: tuple[float, float, float] | None
    label_names: Mapping[int, str]
    provenance: Mapping[str, Any]

    @property
    def height_width(self) -> tuple[int, int]:
        return self.grid.stored_shape[1], self.grid.stored_shape[2]

    def kept(self) -> list[tuple[int, Mapping[str, Any]]]:
        """Findings that count, in the order of their numbers."""
        return [
            (number, fields)
            for number, fields in sorted(self.findings.items())
            if number != REVIEWED and fields.get("state") not in EMPTY_WORDS
        ]

    def rows_of(self, number: int) -> Iterator[tuple[int, NDArray[np.uint32]]]:
        for (finding, z), runs in sorted(self.rows.items()):
            if finding == number and runs:
                yield z, from_bytes(runs)


def labels_write(case: ExportCase, labels: NDArray[Any], folder: Path) -> list[str]:
    """A label map on the source grid (NIfTI for volumes, else TIFF) and all findings whole."""
    if case.grid.stored_shape[0] > 1:
        name = nifti_write(case, labels, folder, ".labels.nii.gz")[0]
    else:
        name = f"{case.stem}.labels.tif"
        source = case.grid.to_source(labels)
        write_labels(folder / name, source)
        read = read_labels(folder / name, "tiff", Budget(Limits()))
        _same(np.array_equal(read, source), name)
    return [name, _findings_write(case, folder)]


def nifti_write(
    case: ExportCase, labels: NDArray[Any], folder: Path, suffix: str = ".nii.gz"
) -> list[str]:
    """A label map as NIfTI with the source's own affine, whatever the source was."""
    name = f"{case.stem}{suffix}"
    write_nifti_mask(folder / name, labels, case.grid, case.affine_lps)
    read, _ = read_nifti_labels(folder / name, "nifti.gz", Budget(Limits()))
    _same(np.array_equal(_back(read, case.grid), labels), name)
    return [name]


def _back(read: NDArray[Any], grid: SourceGrid) -> NDArray[Any]:
    """A NIfTI array ``(i, j, k)`` on the stored grid again."""
    if grid.nifti is not None:
        return grid.from_source(read)
    return grid.from_source(read.transpose(2, 1, 0))


def _findings_write(case: ExportCase, folder: Path) -> str:
    name = f"{case.stem}.findings.json"
    told = {**case.provenance, "findings": [_finding(case, *pair) for pair in case.kept()]}
    (folder / name).write_text(json.dumps(told, indent=1, ensure_ascii=False), encoding="utf-8")
    read = json.loads((folder / name).read_text(encoding="utf-8"))
    for (number, _), finding in zip(case.kept(), read["findings"], strict=True):
        _same(_same_runs(case, number, finding["slices"]), name)
    return name


def _finding(case: ExportCase, number: int, fields: Mapping[str, Any]) -> dict[str, Any]:
    slices = {
        str(z): {"size": list(case.height_width), "counts": to_coco_string(runs, case.height_width)}
        for z, runs in case.rows_of(number)
    }
    return {
        "finding": number,
        "label": case.label_names.get(int(fields["label"]), str(fields["label"])),
        **{key: fields.get(key) for key in ("state", "score", "box", "source", "note")},
        "slices": slices,
    }


def _same_runs(case: ExportCase, number: int, slices: Mapping[str, Any]) -> bool:
    rows = dict(case.rows_of(number))
    if {str(z) for z in rows} != set(slices):
        return False
    return all(
        np.array_equal(from_coco_counts(slices[str(z)]["counts"], case.height_width), runs)
        for z, runs in rows.items()
    )


def coco_write(cases: Iterable[ExportCase], folder: Path) -> list[str]:
    """One COCO file: an image per slice that holds a finding, run lengths per finding and slice."""
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    categories: dict[int, str] = {}
    counted: list[ExportCase] = []
    for case in cases:
        counted.append(case)
        categories |= dict(case.label_names)
        _coco_case(case, images, annotations)
    told = {
        "info": {"description": "medseg export", "cases": [dict(c.provenance) for c in counted]},
        "images": images,
        "annotations": annotations,
        "categories": [{"id": index, "name": name} for index, name in sorted(categories.items())],
    }
    path = folder / "annotations.json"
    path.write_text(json.dumps(told, ensure_ascii=False), encoding="utf-8")
    _coco_check(path, counted)
    return [path.name]


def _coco_case(
    case: ExportCase, images: list[dict[str, Any]], annotations: list[dict[str, Any]]
) -> None:
    height, width = case.height_width
    by_slice: dict[int, list[tuple[int, Mapping[str, Any], Any]]] = {0: []}
    for number, fields in case.kept():
        drawn: list[tuple[int, Any]] = list(case.rows_of(number))
        for z, runs in drawn or [(int(fields.get("z") or 0), None)]:
            by_slice.setdefault(z, []).append((number, fields, runs))
    for z, found in sorted(by_slice.items()):
        images.append(
            {
                "id": len(images) + 1,
                "file_name": case.stem,
                "width": width,
                "height": height,
                "case": case.number,
                "z": z,
            }
        )
        for number, fields, runs in found:
            annotations.append(
                _coco_annotation(case, len(annotations) + 1, len(images), number, fields, runs)
            )


def _coco_annotation(
    case: ExportCase, key: int, image: int, number: int, fields: Mapping[str, Any], runs: Any
) -> dict[str, Any]:
    told: dict[str, Any] = {
        "id": key,
        "image_id": image,
        "category_id": int(fields["label"]),
        "iscrowd": 0,
        "finding": number,
        "score": fields.get("score"),
        "state": fields.get("state"),
    }
    box = bounding_box(runs, case.height_width[1]) if runs is not None else fields.get("box")
    if box:
        x1, y1, x2, y2 = (float(value) for value in box)
        told |= {"bbox": [x1, y1, x2 - x1, y2 - y1], "area": (x2 - x1) * (y2 - y1)}
    if runs is not None:
        counts = to_coco_string(runs, case.height_width)
        told |= {"segmentation": {"size": list(case.height_width), "counts": counts}}
        told["area"] = area(runs)
    return told


def _coco_check(path: Path, cases: Sequence[ExportCase]) -> None:
    read = json.loads(path.read_text(encoding="utf-8"))
    image_of = {image["id"]: image for image in read["images"]}
    found: dict[tuple[int, int], dict[str, Any]] = {}
    for told in read["annotations"]:
        if "segmentation" in told:
            image = image_of[told["image_id"]]
            key = (image["case"], told["finding"])
            found.setdefault(key, {})[str(image["z"])] = told["segmentation"]
    for case in cases:
        for number, _ in case.kept():
            _same(_same_runs(case, number, found.get((case.number, number), {})), path.name)


COLUMNS = (
    "case", "title", "finding", "label", "state", "score", "source", "slices", "pixels", "area_mm2",
    "volume_mm3", "x1", "y1", "x2", "y2", "reviewer", "network", "recipe", "revision", "digest",
)  # fmt: skip


def csv_write(cases: Iterable[ExportCase], folder: Path) -> list[str]:
    """One table with a row per finding; areas and volumes only where the file states a spacing."""
    rows = [row for case in cases for row in _csv_rows(case)]
    path = folder / "findings.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(rows)
    with path.open(newline="", encoding="utf-8") as file:
        _same(list(csv.reader(file)) == [list(COLUMNS), *_as_read(rows)], path.name)
    return [path.name]


def _csv_rows(case: ExportCase) -> Iterator[list[Any]]:
    origin = [case.provenance.get(key) for key in ("reviewer", "network", "recipe")]
    origin += [case.provenance.get("revision"), case.provenance.get("digest")]
    for number, fields in case.kept():
        rows = list(case.rows_of(number))
        pixels = sum(area(runs) for _, runs in rows)
        label = case.label_names.get(int(fields["label"]), "")
        box = fields.get("box") or _box_of(rows, case) or [None] * 4
        measured = _measured(case, pixels, len(rows))
        told = [case.number, case.stem, number, label, fields.get("state"), fields.get("score")]
        told += [fields.get("source"), len(rows), pixels, *measured, *box, *origin]
        yield [_cell(value) for value in told]


def _box_of(rows: Sequence[tuple[int, Any]], case: ExportCase) -> list[int] | None:
    boxes = [box for _, runs in rows if (box := bounding_box(runs, case.height_width[1]))]
    if not boxes:
        return None
    x1, y1, x2, y2 = zip(*boxes, strict=True)
    return [min(x1), min(y1), max(x2), max(y2)]


def _measured(case: ExportCase, pixels: int, slices: int) -> tuple[float | None, float | None]:
    """Area of a finding on one slice, volume of one in a volume; None where it has no meaning."""
    if case.spacing_mm is None or not pixels:
        return None, None
    z, y, x = case.spacing_mm
    if case.grid.stored_shape[0] > 1:
        return None, round(pixels * z * y * x, 3)
    return round(pixels * y * x, 6), None


def _cell(value: Any) -> Any:
    """Text that a spreadsheet would run as a formula gets an apostrophe before it."""
    if isinstance(value, str) and value.startswith(FORMULA_STARTS):
        return f"'{value}"
    return "" if value is None else value


def _as_read(rows: Sequence[Sequence[Any]]) -> list[list[str]]:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    text.seek(0)
    return list(csv.reader(text))


def _same(equal: bool, name: str) -> None:
    if not equal:
        raise ExportDamagedError(
            f"{name} does not read back as what was written, so it is not offered. Nothing is "
            "lost; try again, and report it if it happens twice."
        )
