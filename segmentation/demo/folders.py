"""A folder as a person would bring it: images, masks, and the ``index.csv`` that joins them."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segmentation.demo.phantoms import NucleiField, Nucleus


@dataclass(frozen=True)
class Row:
    """One image of a folder: its title, its files, and where it comes from.

    Rows of one ``group`` show the same specimen, so they stay on one side of the hold-out.
    ``split`` is ``train`` or ``test``.
    """

    id: str
    image: str
    source: str
    licence: str
    mask: str = ""
    kind: str = ""
    group: str = ""
    split: str = "train"


def write_index(folder: Path, rows: Sequence[Row], *, instances: bool) -> None:
    """Write the rows; with ``instances`` the masks number objects rather than classes."""
    columns = [field.name for field in fields(Row)] + (["n_instances"] if instances else [])
    with (folder / "index.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, restval="")
        writer.writeheader()
        writer.writerows(asdict(row) for row in rows)


def write_nuclei(path: Path, field: NucleiField, image_name: str) -> None:
    """Write every nucleus of a drawn field whole, as COCO run lengths; overlaps stay."""
    height, width = field.pixels.shape
    annotations = [
        _annotation(number, nucleus, (height, width))
        for number, nucleus in enumerate(field.nuclei, start=1)
    ]
    image = {"id": 1, "file_name": image_name, "height": height, "width": width}
    told = {
        "images": [image],
        "categories": [{"id": 1, "name": "nucleus"}],
        "annotations": annotations,
    }
    path.write_text(json.dumps(told), encoding="utf-8")


def _annotation(number: int, nucleus: Nucleus, height_width: tuple[int, int]) -> dict[str, Any]:
    top, left = nucleus.top_left
    rows, columns = (np.flatnonzero(nucleus.mask.any(axis=axis)) for axis in (1, 0))
    box = [left + columns[0], top + rows[0], np.ptp(columns) + 1, np.ptp(rows) + 1]
    counts = column_counts(nucleus.mask, nucleus.top_left, height_width)
    return {
        "id": number,
        "image_id": 1,
        "category_id": 1,
        "iscrowd": 0,
        "area": int(nucleus.mask.sum()),
        "bbox": [int(side) for side in box],
        "segmentation": {"size": list(height_width), "counts": counts},
    }


def column_counts(
    crop: NDArray[np.bool_], top_left: tuple[int, int], height_width: tuple[int, int]
) -> list[int]:
    """COCO's column-major run lengths of a crop at a place in an image, without drawing the image.

    crop: bool ``(y, x)`` that lies wholly inside and is not as high as the image.
    """
    (top, left), (height, width) = top_left, height_width
    columns = np.zeros((crop.shape[1], crop.shape[0] + 2), np.int8)
    columns[:, 1:-1] = crop.T
    at, edge = np.nonzero(np.diff(columns, axis=1))
    bounds = (left + at) * height + top + edge
    return [int(n) for n in np.diff(bounds, prepend=0, append=height * width)]
