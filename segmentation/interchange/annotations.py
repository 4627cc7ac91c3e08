"""Boxes from Pascal VOC XML. The XML is read without entities, so that it cannot grow."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.parsers import expat

from segmentation.interchange.budget import Budget
from segmentation.interchange.errors import TooLargeError, UnreadableError, reading

_SIDES = ("xmin", "ymin", "xmax", "ymax")
_SENTENCE = "This XML file holds no Pascal VOC boxes. Export the annotations again."


class _Collector:
    """Collects the text of ``object/name``, ``object/bndbox/*`` and ``size/*`` while parsing."""

    def __init__(self) -> None:
        self.objects: list[dict[str, str]] = []
        self.size: dict[str, str] = {}
        self._path: list[str] = []
        self._text = ""

    def start(self, name: str, _: Any) -> None:
        self._path.append(name)
        self._text = ""
        if name == "object":
            self.objects.append({})

    def text(self, part: str) -> None:
        self._text += part

    def end(self, name: str) -> None:
        self._path.pop()
        parent = self._path[-1] if self._path else ""
        if (name == "name" and parent == "object") or (name in _SIDES and parent == "bndbox"):
            self.objects[-1][name] = self._text.strip()
        elif parent == "size":
            self.size[name] = self._text.strip()

    def refuse(self, *_: Any) -> None:
        raise UnreadableError("XML files with a document type are not read. Remove the DOCTYPE.")


def read_boxes(path: Path, budget: Budget) -> dict[str, Any]:
    """Read Pascal VOC boxes as ``{"size": [height, width] or None, "boxes": [...]}``.

    Each box is ``{"label", "box": [x1, y1, x2, y2]}``. VOC counts pixels from 1 and includes the
    last one, so ``x1 = xmin - 1`` and ``x2 = xmax`` half-open; files that count from 0 are met by
    never going below 0.
    """
    if path.stat().st_size > budget.limits.text_bytes:
        raise TooLargeError("This XML file is too large for a list of boxes. Split it.")
    collector = _Collector()
    parser = expat.ParserCreate()
    parser.StartElementHandler = collector.start
    parser.EndElementHandler = collector.end
    parser.CharacterDataHandler = collector.text
    parser.StartDoctypeDeclHandler = collector.refuse
    with reading(_SENTENCE):
        parser.Parse(path.read_bytes(), True)
        boxes = [_box(found) for found in collector.objects]
        width, height = collector.size.get("width"), collector.size.get("height")
        size = [int(height), int(width)] if width and height else None
    return {"size": size, "boxes": boxes}


def _box(found: dict[str, str]) -> dict[str, Any]:
    x1, y1, x2, y2 = (round(float(found[side])) for side in _SIDES)
    if x2 < x1 or y2 < y1:
        raise UnreadableError("A box ends before it begins. Export the annotations again.")
    return {"label": found["name"], "box": [max(x1 - 1, 0), max(y1 - 1, 0), x2, y2]}
