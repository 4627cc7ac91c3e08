"""COCO JSON in and out: categories, boxes, polygons, and run lengths in both spellings.

COCO counts pixels column by column. Uncompressed run lengths are a list; the compressed string
writes each count (from the fourth on its difference to the one two before) in groups of five
bits, lowest first, as characters from "0" on, the sixth bit saying that another group follows.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from skimage.draw import polygon2mask

from segmentation.interchange.budget import Budget
from segmentation.interchange.errors import TooLargeError, UnreadableError, reading
from segmentation.interchange.types import ReadFinding

Mask = NDArray[np.bool_]
# scikit-image carries no types.
_fill: Any = polygon2mask
_SENTENCE = "This JSON file holds no COCO annotations. Export them again."


def read_coco(path: Path, budget: Budget) -> dict[str, Any]:
    """Read a COCO file as ``{"labels": {id: name}, "images": {file_name: {...}}}``.

    Each image has ``size`` ``[height, width]`` and ``objects``, each with ``label``, ``box``
    ``[x, y, width, height]`` and ``segmentation`` as they stand in the file.
    """
    if path.stat().st_size > budget.limits.text_bytes:
        raise TooLargeError("This JSON file is too large. Split the annotations over several.")
    with reading(_SENTENCE):
        text = json.loads(path.read_bytes())
        labels = {int(entry["id"]): str(entry["name"]) for entry in text["categories"]}
        by_id: dict[int, dict[str, Any]] = {}
        images: dict[str, dict[str, Any]] = {}
        for entry in text["images"]:
            size = [int(entry["height"]), int(entry["width"])]
            by_id[int(entry["id"])] = {"size": size, "objects": []}
            images[str(entry["file_name"])] = by_id[int(entry["id"])]
        for entry in text["annotations"]:
            by_id[int(entry["image_id"])]["objects"].append(
                {
                    "label": labels[int(entry["category_id"])],
                    "box": [float(side) for side in entry.get("bbox") or []],
                    "segmentation": entry.get("segmentation") or [],
                }
            )
    return {"labels": labels, "images": images}


def findings_of(
    objects: Iterable[dict[str, Any]], height_width: tuple[int, int]
) -> tuple[ReadFinding, ...]:
    """Draw the objects of one image: polygons and run lengths as pixels, bare boxes as boxes.

    A pixel belongs to a polygon if its centre does; the parts of one object are united. Objects
    that cover no pixel are left out.
    """
    with reading(_SENTENCE):
        drawn = (_finding(entry, height_width) for entry in objects)
        return tuple(finding for finding in drawn if finding is not None)


def counts_of(mask: Mask) -> list[int]:
    """Give the column-major run lengths of a mask, the zeros first (0 if there are none)."""
    flat = np.asarray(mask, np.uint8).ravel(order="F")
    edges = np.flatnonzero(np.diff(flat)) + 1
    bounds = np.concatenate([[0], edges, [flat.size]])
    counts = np.diff(bounds).tolist()
    return [0, *counts] if flat.size and flat[0] else counts


def mask_of_counts(counts: Sequence[int], height_width: tuple[int, int]) -> Mask:
    """Draw column-major run lengths; they must fill the picture exactly."""
    lengths = np.asarray(counts, np.int64)
    size = height_width[0] * height_width[1]
    if (lengths < 0).any() or int(lengths.sum()) != size:
        raise UnreadableError("The run lengths of a COCO object do not fill its image.")
    values = np.arange(len(lengths)) % 2 == 1
    return np.repeat(values, lengths).reshape(height_width, order="F")


def compress(counts: Sequence[int]) -> str:
    """Spell run lengths as COCO's compressed string."""
    characters = []
    for place, count in enumerate(counts):
        rest = count - counts[place - 2] if place > 2 else count
        more = True
        while more:
            group, rest = rest & 31, rest >> 5
            more = rest != (-1 if group & 16 else 0)
            characters.append(chr(48 + (group | 32 if more else group)))
    return "".join(characters)


def decompress(text: str) -> list[int]:
    """Read run lengths from COCO's compressed string."""
    counts: list[int] = []
    value = shift = 0
    for character in text:
        group = ord(character) - 48
        if not 0 <= group < 64 or shift > 60:
            raise UnreadableError("The run lengths of a COCO object are not valid.")
        value |= (group & 31) << shift
        shift += 5
        if group & 32:
            continue
        if group & 16:
            value -= 1 << shift
        counts.append(value + (counts[-2] if len(counts) > 2 else 0))
        value = shift = 0
    if shift:
        raise UnreadableError("The run lengths of a COCO object are cut short.")
    return counts


def coco_document(
    images: Sequence[tuple[str, tuple[int, int], Sequence[ReadFinding]]], labels: Sequence[str]
) -> dict[str, Any]:
    """Build a COCO document from ``(file_name, (height, width), findings)`` per image.

    Labels are numbered from 1 in their order. Overlapping findings stay apart; a finding with
    pixels is written as compressed run lengths, one without as a box alone.
    """
    number = {label: place for place, label in enumerate(labels, start=1)}
    annotations: list[dict[str, Any]] = []
    for image_id, (_, size, findings) in enumerate(images, start=1):
        for finding in findings:
            entry = _annotation(finding, size)
            entry |= {"id": len(annotations) + 1, "image_id": image_id}
            entry["category_id"] = number[finding.label]
            annotations.append(entry)
    return {
        "images": [
            {"id": place, "file_name": name, "height": size[0], "width": size[1]}
            for place, (name, size, _) in enumerate(images, start=1)
        ],
        "categories": [{"id": place, "name": label} for label, place in number.items()],
        "annotations": annotations,
    }


def _annotation(finding: ReadFinding, size: tuple[int, int]) -> dict[str, Any]:
    x1, y1, x2, y2 = finding.box
    entry: dict[str, Any] = {"bbox": [x1, y1, x2 - x1, y2 - y1], "iscrowd": 0}
    if finding.crop is None:
        return entry | {"area": (x2 - x1) * (y2 - y1), "segmentation": []}
    mask = np.zeros(size, np.bool_)
    mask[y1:y2, x1:x2] = finding.crop
    counts = compress(counts_of(mask))
    return entry | {
        "area": int(mask.sum()),
        "segmentation": {"size": list(size), "counts": counts},
    }


def _finding(entry: dict[str, Any], size: tuple[int, int]) -> ReadFinding | None:
    shape = entry["segmentation"]
    if shape:
        return cut_out(entry["label"], _drawn(shape, size))
    x, y, width, height = entry["box"]
    box = (
        max(round(x), 0),
        max(round(y), 0),
        min(round(x + width), size[1]),
        min(round(y + height), size[0]),
    )
    return ReadFinding(entry["label"], box) if box[0] < box[2] and box[1] < box[3] else None


def cut_out(label: str, mask: Mask, z: int = 0) -> ReadFinding | None:
    """Cut a mask to its own box; None where it covers nothing."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not rows.size:
        return None
    x1, x2, y1, y2 = columns[0], columns[-1] + 1, rows[0], rows[-1] + 1
    box = (int(x1), int(y1), int(x2), int(y2))
    return ReadFinding(label, box, z, mask[y1:y2, x1:x2].copy())


def _drawn(shape: Any, size: tuple[int, int]) -> Mask:
    if isinstance(shape, dict):
        if [int(side) for side in shape["size"]] != list(size):
            raise UnreadableError("A COCO object has another size than its image.")
        counts = shape["counts"]
        return mask_of_counts(decompress(counts) if isinstance(counts, str) else counts, size)
    mask = np.zeros(size, np.bool_)
    for outline in shape:
        corners = np.asarray(outline, np.float64).reshape(-1, 2)
        # COCO's pixel n reaches from n to n + 1; skimage puts its centre at n.
        mask |= _fill(size, corners[:, ::-1] - 0.5)
    return mask
