"""Cases laid down on disk while they are read, so that training may draw them in any order."""

from __future__ import annotations

import uuid
from pathlib import Path

import numpy as np

from segmentation.engine.cases import Truth
from segmentation.engine.types import Picture

_MAPS = ("instances", "classes", "ignore")


class Spool:
    """A folder of cases as plain arrays; memory holds none of them. The folder is the caller's."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, picture: Picture, truth: Truth) -> SpooledCase:
        """Write one case; what comes back reads it when called."""
        path = self._folder / f"{uuid.uuid4().hex}.npz"
        arrays = {name: getattr(truth, name) for name in _MAPS if getattr(truth, name) is not None}
        np.savez(path, pixels=picture.pixels, allow_pickle=False, **arrays)
        return SpooledCase(path, picture.spacing_mm, picture.modality, truth.boxes, truth.label)


class SpooledCase:
    """Reads one case back: ``case()`` gives the picture and the truth that were put down."""

    def __init__(
        self,
        path: Path,
        spacing_mm: tuple[float, float, float] | None,
        modality: str,
        boxes: tuple[tuple[int, tuple[int, int, int, int]], ...] | None,
        label: int | None,
    ) -> None:
        self._path = path
        self._spacing_mm = spacing_mm
        self._modality = modality
        self._boxes = boxes
        self._label = label

    def __call__(self) -> tuple[Picture, Truth]:
        with np.load(self._path, allow_pickle=False) as arrays:
            maps = {name: arrays[name] for name in _MAPS if name in arrays}
            picture = Picture(arrays["pixels"], self._spacing_mm, self._modality)
        return picture, Truth(boxes=self._boxes, label=self._label, **maps)
