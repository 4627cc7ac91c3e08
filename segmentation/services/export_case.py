"""One case as it is exported: its findings on the file's own grid, and where they come from.

"The file's slices" are what a reader of the file sees: of NIfTI the planes of k with rows j and
columns i, of all others its slices, rows and columns. Masks and boxes leave on that grid; where
the image has moments, its planes are counted through all of them (see ``engine.geometry``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.geometry import moment_and_z, plane_number
from segmentation.engine.masks import bounding_box, encode, from_bytes, paint
from segmentation.engine.types import RunLengths
from segmentation.errors import ExportDamagedError, InvalidInputError
from segmentation.interchange.types import Matrix, SourceGrid
from segmentation.services.truths import Fields, counting, lowest_first

HIGHEST_VALUE = 65_535
Slices = dict[int, RunLengths]
Ranges = tuple[slice, slice, slice]


@dataclass(frozen=True)
class Place:
    """Half-open ranges on some grid: slices ``z``, and the box ``(x1, y1, x2, y2)`` in them."""

    z: tuple[float, float]
    box: tuple[float, float, float, float]


@dataclass(frozen=True)
class ExportMeasurement:
    """A length or an angle; ``points`` are voxel positions (x, y, z) on the stored grid,
    ``figure`` its value (None where it has none) and unit."""

    key: str
    kind: str
    plane: str
    moment: int
    points: tuple[tuple[float, float, float], ...]
    figure: tuple[float | None, str]
    note: str
    author: str


@dataclass(frozen=True)
class ExportCase:
    """A case at one revision. ``rows`` lie on the stored grid, as wire bytes per finding and
    plane; ``values_at`` gives the image's values ``(c, z, y, x)`` at a moment and ranges of z, y
    and x of that grid."""

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
    values_at: Callable[[int, Ranges], NDArray[Any]]
    moments: int = 1
    measurements: tuple[ExportMeasurement, ...] = ()

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
        for (finding, plane), runs in sorted(self.rows.items()):
            if runs:
                found.setdefault(finding, {})[plane] = from_bytes(runs)
        return found

    def stored_slices(self, number: int) -> Slices:
        """The masks of a finding on the stored grid, by plane."""
        return self._by_finding.get(number, {})

    def moment_slices(self, number: int) -> dict[int, Slices]:
        """The masks of a finding on the stored grid, by moment and z."""
        return by_moment(self.stored_slices(number), self.grid.stored_shape[0])

    def file_slices(self, number: int) -> Slices:
        """The masks of a finding by the file's own planes."""
        return {
            plane_number(t, k, self.file_depth): runs
            for t, slices in self.moment_slices(number).items()
            for k, runs in to_file_slices(slices, self.grid).items()
        }

    def moments_of(self, number: int, fields: Fields) -> list[int]:
        """The moments at which a finding stands; none for a label of the whole image."""
        if drawn := sorted(self.moment_slices(number)):
            return drawn
        if not fields.get("box"):
            return []
        return [moment_and_z(int(fields.get("z") or 0), self.grid.stored_shape[0])[0]]

    @property
    def file_depth(self) -> int:
        """How many slices of the file make one moment."""
        return self.grid.shape[2] if self.grid.nifti is not None else self.grid.shape[0]

    @property
    def file_height_width(self) -> tuple[int, int]:
        """Rows and columns of the file's slices."""
        shape = self.grid.shape
        return (shape[1], shape[0]) if self.grid.nifti is not None else (shape[1], shape[2])

    def place(self, number: int, fields: Fields, moment: int | None = None) -> Place | None:
        """Where a finding lies in the file, at one moment or over all: around its pixels, else its
        box; None without both."""
        depth, _, width = self.grid.stored_shape
        found = self.moment_slices(number)
        shown = found if moment is None else {moment: found.get(moment, {})}
        masks = [(z, runs) for slices in shown.values() for z, runs in slices.items()]
        boxes = [box for _, runs in masks if (box := bounding_box(runs, width))]
        if boxes:
            lows, highs = np.array(boxes)[:, :2].min(axis=0), np.array(boxes)[:, 2:].max(axis=0)
            x1, y1, x2, y2 = (int(side) for side in (*lows, *highs))
            first, last = min(z for z, _ in masks), max(z for z, _ in masks)
            return to_file_place(Place((first, last + 1), (x1, y1, x2, y2)), self.grid)
        if not fields.get("box"):
            return None
        x1, y1, x2, y2 = fields["box"]
        z = moment_and_z(int(fields.get("z") or 0), depth)[1]
        return to_file_place(Place((z, z + 1), (x1, y1, x2, y2)), self.grid)

    def file_points(self, measurement: ExportMeasurement) -> list[list[float]]:
        """The points ``[x, y, slice]`` of a measurement on the file's own grid."""
        places = [
            to_file_place(Place((z, z), (x, y, x, y)), self.grid) for x, y, z in measurement.points
        ]
        return [[place.box[0], place.box[1], place.z[0]] for place in places]

    def label_map(self) -> NDArray[np.uint16]:
        """Labels ``(t, z, y, x)`` on the stored grid, ``(z, y, x)`` of a still image; see
        ``values``. Where findings overlap the one with the higher score is on top, a person's own
        above all."""
        depth, height, width = self.grid.stored_shape
        labels = np.zeros((self.moments * depth, height, width), np.uint16)
        for number, _ in lowest_first(self.kept):
            for plane, runs in self.stored_slices(number).items():
                paint(labels[plane], runs, self.values[number])
        return labels if self.moments == 1 else labels.reshape(self.moments, depth, height, width)


def by_moment(planes: Mapping[int, RunLengths], depth: int) -> dict[int, Slices]:
    """Masks by plane as masks by moment and slice; ``depth`` slices make a moment."""
    found: dict[int, Slices] = {}
    for plane, runs in planes.items():
        t, z = moment_and_z(plane, depth)
        found.setdefault(t, {})[z] = runs
    return found


def to_stored_planes(planes: Mapping[int, RunLengths], case: ExportCase) -> Slices:
    """The way back from ``ExportCase.file_slices``."""
    return {
        plane_number(t, z, case.grid.stored_shape[0]): runs
        for t, slices in by_moment(planes, case.file_depth).items()
        for z, runs in to_stored_slices(slices, case.grid).items()
    }


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
