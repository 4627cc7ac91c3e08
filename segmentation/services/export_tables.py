"""All cases of an export in one file: COCO, or a table with a row per finding."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from segmentation.engine.coco_runs import to_coco_string
from segmentation.engine.features import FEATURES, finding_features
from segmentation.engine.geometry import moment_and_z, plane_number
from segmentation.engine.masks import area, bounding_box
from segmentation.engine.types import RunLengths
from segmentation.services.export_case import ExportCase, require_same
from segmentation.services.export_formats import reads_back
from segmentation.services.truths import Fields

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
PICTURE_ENDINGS = (".png", ".jpg", ".jpeg", ".tif", ".tiff")
COLUMNS = (
    "case", "title", "finding", "label", "state", "score", "source", "pixels", "area_mm2",
    "volume_mm3", "spacing", "slice1", "slice2", "x1", "y1", "x2", "y2", "reviewer", "network",
    "recipe", "revision", "digest", "moment", *FEATURES,
)  # fmt: skip
MEASURED_COLUMNS = (
    "case", "title", "measurement", "kind", "value", "unit", "spacing",
    "x1", "y1", "slice1", "x2", "y2", "slice2", "x3", "y3", "slice3", "moment", "note", "author",
)  # fmt: skip


@dataclass
class _Coco:
    """A COCO document in the making."""

    images: list[dict[str, Any]] = field(default_factory=list)
    annotations: list[dict[str, Any]] = field(default_factory=list)


def coco_write(cases: Sequence[ExportCase], folder: Path) -> list[str]:
    """One COCO file: an image per plane that holds a finding, run lengths per finding and plane.

    An image of one slice stands in it even without findings. Labels of a whole image, which COCO
    does not know, are listed with the image.
    """
    made = _Coco()
    categories: dict[int, str] = {}
    for case in cases:
        categories |= dict(case.label_names)
        _coco_case(case, made)
    told = {
        "info": {"description": "medseg export", "cases": [dict(c.provenance) for c in cases]},
        "images": made.images,
        "annotations": made.annotations,
        "categories": [{"id": index, "name": name} for index, name in sorted(categories.items())],
    }
    path = folder / "annotations.json"
    text = json.dumps(told, ensure_ascii=False, allow_nan=False)
    path.write_text(text, encoding="utf-8")
    _coco_check(path, cases)
    return [path.name]


def _coco_case(case: ExportCase, made: _Coco) -> None:
    by_plane: dict[int, list[tuple[int, Fields, RunLengths | None]]] = {}
    if case.grid.stored_shape[0] * case.moments == 1:
        by_plane[0] = []
    words = []
    for number, fields in case.kept:
        slices = case.file_slices(number)
        for plane, runs in slices.items():
            by_plane.setdefault(plane, []).append((number, fields, runs))
        place = case.place(number, fields)
        if not slices and place is not None:
            (moment,) = case.moments_of(number, fields)
            plane = plane_number(moment, int(place.z[0]), case.file_depth)
            by_plane.setdefault(plane, []).append((number, fields, None))
        if place is None:
            words.append(case.label_names.get(int(fields["label"]), str(fields["label"])))
    for plane, found in sorted(by_plane.items()):
        made.images.append(_coco_image(case, len(made.images) + 1, plane, words))
        for number, fields, drawn in found:
            told = {"id": len(made.annotations) + 1, "image_id": len(made.images)}
            made.annotations.append(told | _coco_annotation(case, number, fields, drawn))


def _coco_image(case: ExportCase, key: int, plane: int, words: Sequence[str]) -> dict[str, Any]:
    """A picture goes by its own file name where that is known, a slice and a frame by number."""
    height, width = case.file_height_width
    moment, z = moment_and_z(plane, case.file_depth)
    if case.moments > 1:
        name = f"{case.stem}.t{moment:04d}.{z:04d}"
    elif case.grid.stored_shape[0] > 1:
        name = f"{case.stem}.{z:04d}"
    else:
        name = case.title if case.title.lower().endswith(PICTURE_ENDINGS) else case.stem
    told = {"id": key, "file_name": name, "width": width, "height": height}
    when = {"moment": moment} if case.moments > 1 else {}
    return told | {"case": case.number, "z": z, **when, "labels": list(words)}


def _coco_annotation(
    case: ExportCase, number: int, fields: Fields, runs: RunLengths | None
) -> dict[str, Any]:
    told: dict[str, Any] = {
        "category_id": int(fields["label"]),
        "iscrowd": 0,
        "finding": number,
        "score": fields.get("score"),
        "state": fields.get("state"),
    }
    size = case.file_height_width
    place = case.place(number, fields)
    box = bounding_box(runs, size[1]) if runs is not None else place and place.box
    if box:
        x1, y1, x2, y2 = (float(side) for side in box)
        told |= {"bbox": [x1, y1, x2 - x1, y2 - y1], "area": (x2 - x1) * (y2 - y1)}
    if runs is not None:
        told["segmentation"] = {"size": list(size), "counts": to_coco_string(runs, size)}
        told["area"] = area(runs)
    return told


def _coco_check(path: Path, cases: Sequence[ExportCase]) -> None:
    read = json.loads(path.read_text(encoding="utf-8"))
    image_of = {image["id"]: image for image in read["images"]}
    depth_of = {case.number: case.file_depth for case in cases}
    found: dict[tuple[int, int], dict[str, Any]] = {}
    for told in read["annotations"]:
        if "segmentation" in told:
            image = image_of[told["image_id"]]
            key = (image["case"], told["finding"])
            plane = plane_number(image.get("moment", 0), image["z"], depth_of[image["case"]])
            found.setdefault(key, {})[str(plane)] = told["segmentation"]
    for case in cases:
        for number, _ in case.kept:
            masks = found.get((case.number, number), {})
            require_same(reads_back(case, number, masks), path.name)


def csv_write(cases: Sequence[ExportCase], folder: Path) -> list[str]:
    """One table with a row per finding, and per moment at which it stands where the image has
    moments; areas and volumes only where the file states a spacing.

    ``spacing`` says what that is: of the patient, or at the detector, where sizes are larger. The
    columns from ``length_unit`` on are features of the mask on the stored grid. A second table has
    a row per measurement, its points on the file's own grid.
    """
    findings = [row for case in cases for row in _csv_rows(case)]
    measured = [row for case in cases for row in _measurement_rows(case)]
    return [
        _table(folder / "findings.csv", COLUMNS, findings),
        _table(folder / "measurements.csv", MEASURED_COLUMNS, measured),
    ]


def _table(path: Path, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(rows)
    with path.open(newline="", encoding="utf-8") as file:
        require_same(list(csv.reader(file)) == [list(columns), *_as_read(rows)], path.name)
    return path.name


def _measurement_rows(case: ExportCase) -> Iterator[list[Any]]:
    for one in case.measurements:
        value, unit = one.figure
        points = [side for point in case.file_points(one) for side in point]
        where = [*points, *[None] * (9 - len(points))]
        moment = one.moment if case.moments > 1 else None
        told = [case.number, case.title, one.key, one.kind, _figure(value), unit]
        told += [case.spacing_source, *where, moment, one.note, one.author]
        yield [_cell(cell) for cell in told]


def _csv_rows(case: ExportCase) -> Iterator[list[Any]]:
    origin = [case.provenance.get(key) for key in ("reviewer", "network", "recipe")]
    origin += [case.provenance.get("revision"), case.provenance.get("digest")]
    for number, fields in case.kept:
        label = case.label_names.get(int(fields["label"]), "")
        known = [case.number, case.title, number, label, fields.get("state"), fields.get("score")]
        drawn = case.moment_slices(number)
        moments: list[int | None] = [None]
        if case.moments > 1:
            moments = [*case.moments_of(number, fields)] or moments
        for moment in moments:
            shown = drawn.values() if moment is None else [drawn.get(moment, {})]
            pixels = sum(area(runs) for slices in shown for runs in slices.values())
            place = case.place(number, fields, moment)
            where = [None] * 6 if place is None else [*place.z, *place.box]
            size = [pixels, *_measured(case, pixels), case.spacing_source]
            features = finding_features(
                drawn.get(moment or 0, {}),
                case.grid.stored_shape,
                case.spacing_mm,
                partial(case.values_at, moment or 0),
            )
            told = (*known, fields.get("source"), *size, *where, *origin, moment)
            told = (*told, *(_figure(features[name]) for name in FEATURES))
            yield [_cell(value) for value in told]


def _measured(case: ExportCase, pixels: int) -> tuple[float | None, float | None]:
    """Area of a finding on one slice, volume of one in a volume; None where it has no meaning."""
    if case.spacing_mm is None or not pixels:
        return None, None
    z, y, x = case.spacing_mm
    if case.grid.stored_shape[0] > 1:
        return None, round(pixels * z * y * x, 3)
    return round(pixels * y * x, 6), None


def _figure(value: float | str | None) -> float | str | None:
    """Nine significant figures: more than any of them means."""
    return float(f"{value:.9g}") if isinstance(value, float) else value


def _cell(value: Any) -> Any:
    """Text that a spreadsheet would run as a formula gets an apostrophe before it."""
    if isinstance(value, str) and value.startswith(FORMULA_STARTS):
        return f"'{value}"
    return "" if value is None else value


def _as_read(rows: Iterable[Sequence[Any]]) -> list[list[str]]:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    text.seek(0)
    return list(csv.reader(text))
