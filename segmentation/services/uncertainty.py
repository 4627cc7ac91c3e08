"""A run's map of uncertainty: written plane by plane while the network is at work, then stored."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.uncertain_places import PlaceFinder
from segmentation.models import Blob, Image
from segmentation.storage.blobs import blob_put
from segmentation.storage.folders import scratch_folder
from segmentation.storage.volumes import PackDraft


@dataclass(frozen=True)
class Uncertainty:
    """The stored map, None where the network makes none, and its places ``[plane, y, x, pixels]``,
    the largest first."""

    pack: Blob | None
    places: list[list[int]]


class UncertaintyDraft:
    """Takes the planes of all moments of an image in order; nothing of them stays in memory."""

    def __init__(self, image: Image, path: Path, file: IO[bytes]) -> None:
        shape = (image.size_t, 1, image.size_z, image.size_y, image.size_x)
        self._path, self._file = path, file
        self._pack = PackDraft(file, shape, "uint8")
        self._finder = PlaceFinder(image.size_z)
        self._any = False

    def add(self, plane: int, levels: NDArray[np.uint8]) -> None:
        self._any = True
        self._pack.add(levels[None])
        self._finder.add(plane, levels)

    def finish(self) -> Uncertainty:
        if not self._any:
            return Uncertainty(None, [])
        self._pack.finish()
        self._file.flush()
        places = [[p.plane, p.y, p.x, p.pixels] for p in self._finder.places()]
        return Uncertainty(blob_put(self._path, Blob.Kind.UNCERTAINTY), places)


@contextmanager
def uncertainty_draft(image: Image) -> Iterator[UncertaintyDraft]:
    """A draft for one run over an image; its file goes when the run is over."""
    with tempfile.TemporaryDirectory(dir=scratch_folder()) as folder:
        path = Path(folder) / "uncertainty"
        with path.open("wb") as file:
            yield UncertaintyDraft(image, path, file)
