"""One case as it is exported: its findings on the file's own grid, and where they come from.

"The file's slices" are what a reader of the file sees: of NIfTI the planes of k with rows j and
columns i, of all others its slices, rows and columns. Masks and boxes leave on that grid.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.masks import bounding_box, encode, from_bytes, paint
from segmentation.engine.types import RunLengths
from segmentation.errors import ExportDamagedError, InvalidInputError
from segmentation.interchange.types import Matrix, SourceGrid
from segmentation.services.truths import Fields, counting, lowest_first

HIGHEST_VALUE = 65_535
Slices = dict[int, RunLengths]


@dataclass(frozen=True)
class Place:
    """Half-open ranges on some grid: slices ``z``, and the box ``(x1, y1, x2, y2)`` in them."""

    z: tuple[float, float]
    box: tuple[float, float, float, float]


@dataclass(frozen=True)
class ExportCase:
    """A case at one revision. ``rows`` lie on the stored grid, as wire bytes per finding and z."""

    stem: str
    number: int
    title: str
    task: str
    findings: Mapping[int, Fields]
    rows: Mapping[tuple[int, int], bytes]
    grid: SourceGrid
    affine_lps: Matrix | None
    spacing_mm: tuple[float, float, float] | None
    spacing_source: str
    label_names: Mapping[int, str]
    provenance: Mapping[str, Any]

    @cached_property
    def kept(self) -> tuple[tuple[int, Fields], ...]:
        """Findings that count, in the order of their numbers."""
        return counting(self.findings)

    @cached_property
    def values(self) -> Mapping[int, int]:
        """The value of each finding in a label map: objects count from 1 in the order of their
        numbers where instances are asked for, else it is the label's index."""
        if self.task != "instances":
            return {number: int(fields["label"]) for number, fields in self.kept}
        if len(self.kept) > HIGHEST_VALUE:
            raise InvalidInputError(
                f"Case {self.number} has more than {HIGHEST_VALUE:,} objects, which no label map "
                "can number. Export it as COCO."
            )
        return {number: value for value, (number, _) in enumerate(self.kept, start=1)}

    @cached_property
    def _by_finding(self) -> Mapping[int, Slices]:
        found: dict[int, Slices] = {}
        for (finding, z), runs in sorted(self.rows.items()):
            if runs:
                found.setdefault(finding, {})[z] = from_bytes(runs)
        return found

    def stored_slices(self, number: int) -> Slices:
        """The masks of a finding on the stored grid, by z."""
        return self._by_finding.get(number, {})

    def file_slices(self, number: int) -> Slices:
        """The masks of a finding by the file's own slices."""
        return to_file_slices(self.stored_slices(number), self.grid)

    @property
    def file_height_width(self) -> tuple[int, int]:
        """Rows and columns of the file's slices."""
        shape = self.grid.shape
        return (shape[1], shape[0]) if self.grid.nifti is not None else (shape[1], shape[2])

    def place(self, number: int, fields: Fields) -> Place | None:
        """Where a finding lies in the file: around its pixels, else its box; None without both."""
        slices = self.stored_slices(number)
        width = self.grid.stored_shape[2]
        boxes = [box for runs in slices.values() if (box := bounding_box(runs, width))]
        if boxes:
            lows, highs = np.array(boxes)[:, :2].min(axis=0), np.array(boxes)[:, 2:].max(axis=0)
            x1, y1, x2, y2 = (int(side) for side in (*lows, *highs))
            return to_file_place(Place((min(slices), max(slices) + 1), (x1, y1, x2, y2)), self.grid)
        if not fields.get("box"):
            return None
        x1, y1, x2, y2 = fields["box"]
        z = int(fields.get("z") or 0)
        return to_file_place(Place((z, z + 1), (x1, y1, x2, y2)), self.grid)

    def label_map(self) -> NDArray[np.uint16]:
        """Labels ``(z, y, x)`` on the stored grid, see ``values``. Where findings overlap the one
        with the higher score is on top, a person's own above all."""
        labels = np.zeros(self.grid.stored_shape, np.uint16)
        for number, _ in lowest_first(self.kept):
            for z, runs in self.stored_slices(number).items():
                paint(labels[z], runs, self.values[number])
        return labels


def to_file_slices(slices: Mapping[int, RunLengths], grid: SourceGrid) -> Slices:
    """Masks on the stored grid, by z, as masks on the file's slices; empty ones are left out."""
    if _is_plain(grid):
        return dict(slices)
    return _encoded(_file_view(_painted(slices, grid.stored_shape), grid)) if slices else {}


def to_stored_slices(slices: Mapping[int, RunLengths], grid: SourceGrid) -> Slices:
    """The way back from ``to_file_slices``."""
    if _is_plain(grid):
        return dict(slices)
    if not slices:
        return {}
    i, j, k = grid.shape
    shape = (k, j, i) if grid.nifti is not None else grid.shape
    own = _painted(slices, shape)
    return _encoded(grid.from_source(own.transpose(2, 1, 0) if grid.nifti is not None else own))


def to_file_place(place: Place, grid: SourceGrid) -> Place:
    """A place on the stored grid as the same place in the file."""
    x1, y1, x2, y2 = place.box
    own: dict[int, tuple[float, float]] = {}
    for axis, flip, (low, high) in zip(
        grid.permutation, grid.flips, (place.z, (y1, y2), (x1, x2)), strict=True
    ):
        side = grid.shape[axis]
        own[axis] = (side - high, side - low) if flip else (low, high)
    across, down, along = (2, 1, 0) if grid.nifti is not None else (0, 1, 2)
    (x1, x2), (y1, y2) = own[along], own[down]
    return Place(own[across], (x1, y1, x2, y2))


def same_slices(first: Mapping[int, RunLengths], second: Mapping[int, RunLengths]) -> bool:
    """Whether two sets of masks are equal, slice by slice."""
    return first.keys() == second.keys() and all(np.array_equal(first[z], second[z]) for z in first)


def require_same(equal: bool, name: str) -> None:
    """Refuse to offer a file that does not read back as what was written."""
    if not equal:
        raise ExportDamagedError(
            f"{name} does not read back as what was written, so it is not offered. Nothing is "
            "lost; try again, and report it if it happens twice."
        )


def _is_plain(grid: SourceGrid) -> bool:
    """Whether the file's slices are the stored ones."""
    order = (2, 1, 0) if grid.nifti is not None else (0, 1, 2)
    return grid.permutation == order and not any(grid.flips)


def _file_view(stored: NDArray[Any], grid: SourceGrid) -> NDArray[Any]:
    own = grid.to_source(stored)
    return own.transpose(2, 1, 0) if grid.nifti is not None else own


def _painted(slices: Mapping[int, RunLengths], shape: Sequence[int]) -> NDArray[np.bool_]:
    mask = np.zeros(shape, np.bool_)
    for z, runs in slices.items():
        paint(mask[z], runs, True)
    return mask


def _encoded(mask: NDArray[np.bool_]) -> Slices:
    filled = np.flatnonzero(mask.any(axis=(1, 2)))
    return {int(z): encode(np.ascontiguousarray(mask[z])) for z in filled}
