"""Loose DICOM files to series, and series to volumes that are really volumes.

A series becomes a volume only if its slices are parallel, of one size, evenly spaced and not
sheared: all of that is measured on Image Position and Orientation, never on names or numbers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segmentation.interchange.dicom_headers import DicomHeader, Place
from segmentation.interchange.errors import (
    GantryTiltError,
    InterchangeError,
    MissingSlicesError,
    MixedOrientationError,
    MixedSizesError,
    UnevenSpacingError,
    UnreadableError,
)
from segmentation.interchange.types import Matrix

_SAME_PLACE_MM = 0.01
_SAME_DIRECTION = 1e-3
_SPACING_SHARE = 0.02
_TILT_DEGREES = 0.5
_ADVICE = "Export the whole series again, or import the slices as separate images."


@dataclass(frozen=True)
class SeriesPlan:
    """Which files make one image: ``order[t][z]`` are their indices; ``spare`` are copies."""

    order: tuple[tuple[int, ...], ...]
    spare: tuple[int, ...] = ()

    @property
    def members(self) -> tuple[int, ...]:
        """All files of the image, copies last."""
        return tuple(index for row in self.order for index in row) + self.spare


@dataclass(frozen=True)
class RefusedSeries:
    """A series that is no volume, and why."""

    members: tuple[int, ...]
    error: InterchangeError


def plan_series(
    headers: Sequence[DicomHeader], digests: Sequence[str], *, separate: bool = False
) -> tuple[list[SeriesPlan], list[RefusedSeries]]:
    """Group files by series and decide what each series becomes.

    headers, digests: one per file, the digest over its bytes. Multi-frame files, localizers and
    slices without a position are images of their own, and so is every file if ``separate``. The
    rest of a series is one volume, or is refused as a whole. Files of equal bytes are copies.
    Results keep the order in which the first file of each study came; within a study the series
    with the most slices comes first, and overviews last.
    """
    plans: list[SeriesPlan] = []
    refused: list[RefusedSeries] = []
    for members in _by_series(headers):
        kept, spare = _without_copies(members, digests)
        stack = [] if separate else [index for index in kept if _stacks(headers[index])]
        placed = any(headers[index].place.position for index in stack)
        stack = stack if placed and len(stack) > 1 else []
        alone = [index for index in kept if index not in set(stack)]
        plans += [SeriesPlan(((index,),), tuple(spare.get(index, ()))) for index in alone]
        if stack:
            extra = tuple(copy for index in stack for copy in spare.get(index, ()))
            try:
                plans.append(_plan_stack(headers, stack, extra))
            except InterchangeError as error:
                refused.append(RefusedSeries((*stack, *extra), error))
    return _in_order(plans, headers), refused


def arrange(places: Sequence[Place]) -> tuple[tuple[int, ...], ...]:
    """Order frames by position along their normal, and by moment where several share a position.

    Returns ``order[t][z]``, indices into ``places``. Raises the refusal of a set of frames that
    is not a regular grid.
    """
    positions, normal = _positions_and_normal(places)
    depth = positions @ normal
    by_depth = sorted(range(len(places)), key=lambda index: (depth[index], places[index].moment))
    levels: list[list[int]] = []
    for index in by_depth:
        if levels and abs(depth[index] - depth[levels[-1][0]]) <= _SAME_PLACE_MM:
            levels[-1].append(index)
        else:
            levels.append([index])
    _check_equal_counts(levels)
    ordered = [sorted(level, key=lambda index: places[index].moment) for level in levels]
    if len(ordered) > 1:
        first = np.array([row[0] for row in ordered])
        _check_tilt(positions[first], normal, _least_spacing(places))
        _check_spacing(depth[first])
        _check_line(positions[first], _least_spacing(places))
    return tuple(tuple(level[t] for level in ordered) for t in range(len(ordered[0])))


def stack_affine(places: Sequence[Place], thickness_mm: float | None) -> Matrix | None:
    """Give the affine of ``(slice, row, column)`` to LPS mm for frames in order of depth.

    The step between slices is measured from the first to the last position; one slice alone takes
    its thickness, or 1 mm. None where position, orientation or pixel spacing is missing.
    """
    first, last = places[0], places[-1]
    if first.position is None or first.orientation is None or first.spacing is None:
        return None
    across, down = np.array(first.orientation[:3]), np.array(first.orientation[3:])
    affine = np.eye(4)
    if len(places) > 1 and last.position is not None:
        affine[:3, 0] = (np.array(last.position) - first.position) / (len(places) - 1)
    else:
        affine[:3, 0] = np.cross(across, down) * (thickness_mm or 1.0)
    affine[:3, 1] = down * first.spacing[0]
    affine[:3, 2] = across * first.spacing[1]
    affine[:3, 3] = first.position
    return affine


def _in_order(plans: list[SeriesPlan], headers: Sequence[DicomHeader]) -> list[SeriesPlan]:
    """Studies as they came; of one study the largest series first, whatever the files' names."""
    came: dict[str, int] = {}
    for plan in plans:
        first = min(plan.members)
        study = headers[first].study_key
        came[study] = min(first, came.get(study, first))

    def rank(plan: SeriesPlan) -> tuple[int, int, int]:
        first = min(plan.members)
        study = headers[first].study_key
        return (came[study] if study else first, -_depth(plan, headers[first]), first)

    return sorted(plans, key=rank)


def _depth(plan: SeriesPlan, header: DicomHeader) -> int:
    return len(plan.order[0]) * header.frames


def _by_series(headers: Sequence[DicomHeader]) -> list[list[int]]:
    groups: dict[object, list[int]] = {}
    for index, header in enumerate(headers):
        groups.setdefault(header.series_key or index, []).append(index)
    return list(groups.values())


def _without_copies(
    members: Sequence[int], keys: Sequence[str]
) -> tuple[list[int], dict[int, list[int]]]:
    """Keep the first file of each key; give the others as its copies."""
    first: dict[str, int] = {}
    spare: dict[int, list[int]] = {}
    for index in members:
        keeper = first.setdefault(keys[index], index)
        if keeper != index:
            spare.setdefault(keeper, []).append(index)
    return list(first.values()), spare


def _plan_stack(
    headers: Sequence[DicomHeader], stack: list[int], extra: tuple[int, ...]
) -> SeriesPlan:
    """Order a stack; slices that were sent twice with other headers count once, if that helps."""
    try:
        return SeriesPlan(_order_stack(headers, stack), extra)
    except UnevenSpacingError:
        names = [header.instance_key for header in headers]
        kept, spare = _without_copies([index for index in stack if names[index]], names)
        if len(kept) == len(stack) or len(kept) + sum(map(len, spare.values())) < len(stack):
            raise
        again = tuple(copy for copies in spare.values() for copy in copies)
        return SeriesPlan(_order_stack(headers, kept), (*extra, *again))


def _stacks(header: DicomHeader) -> bool:
    return header.frames == 1 and not header.localizer


def _order_stack(headers: Sequence[DicomHeader], stack: list[int]) -> tuple[tuple[int, ...], ...]:
    sizes = {headers[index].size for index in stack}
    if len(sizes) > 1:
        words = " and ".join(f"{columns} x {rows}" for rows, columns, _ in sorted(sizes)[:2])
        raise MixedSizesError(f"The slices of this series differ in size ({words}). {_ADVICE}")
    order = arrange([headers[index].place for index in stack])
    return tuple(tuple(stack[place] for place in row) for row in order)


def _positions_and_normal(
    places: Sequence[Place],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    missing = [p for p in places if p.position is None or p.orientation is None]
    if missing:
        raise UnreadableError(
            f"The position is not stated in {len(missing)} of the {len(places)} slices of this "
            f"series. {_ADVICE}"
        )
    orientations = np.array([place.orientation for place in places])
    if np.abs(orientations - orientations[0]).max() > _SAME_DIRECTION:
        raise MixedOrientationError(f"The slices of this series are not parallel. {_ADVICE}")
    spacings = [place.spacing for place in places if place.spacing is not None]
    if spacings and np.ptp(np.array(spacings), axis=0).max() > 1e-3:
        raise MixedSizesError(f"The pixel size changes inside this series. {_ADVICE}")
    normal = np.cross(orientations[0][:3], orientations[0][3:])
    length = float(np.linalg.norm(normal))
    if length < 0.5:
        raise UnreadableError(f"The orientation of this series is not valid. {_ADVICE}")
    return np.array([place.position for place in places]), normal / length


def _check_equal_counts(levels: list[list[int]]) -> None:
    counts = [len(level) for level in levels]
    if len(set(counts)) == 1:
        return
    usual = min(counts)
    number = next(z for z, count in enumerate(counts, start=1) if count != usual)
    raise UnevenSpacingError(
        f"{counts[number - 1]} different slices lie at the place of slice {number}, where others "
        f"have {usual}; the series seems to hold more than one scan. {_ADVICE}"
    )


def _check_tilt(
    positions: NDArray[np.float64], normal: NDArray[np.float64], pixel_mm: float
) -> None:
    run = positions[-1] - positions[0]
    along = float(run @ normal)
    sideways = float(np.linalg.norm(run - along * normal))
    degrees = math.degrees(math.atan2(sideways, along))
    if degrees > _TILT_DEGREES and sideways > pixel_mm / 2:
        raise GantryTiltError(
            f"The slices of this series are sheared by {degrees:.1f} degrees (a tilted gantry), so "
            "they form no rectangular volume. Resample the series at the scanner or workstation, "
            "or import the slices as separate images."
        )


def _check_spacing(depth: NDArray[np.float64]) -> None:
    gaps = np.diff(depth)
    usual = float(np.median(gaps))
    odd = np.flatnonzero(np.abs(gaps - usual) > max(_SPACING_SHARE * usual, _SAME_PLACE_MM))
    if not odd.size:
        return
    multiples = gaps[odd] / usual
    at = int(odd[0])
    more = f" There are {odd.size - 1} more such places." if odd.size > 1 else ""
    if (np.abs(multiples - np.rint(multiples)) < 0.1).all() and (multiples > 1.5).all():
        first, count = at + 2, round(float(multiples[0])) - 1
        names = (
            f"Slice {first} of this series is missing"
            if count == 1
            else (f"Slices {first} to {first + count - 1} of this series are missing")
        )
        raise MissingSlicesError(
            f"{names} (spacing jumps from {usual:.1f} to {gaps[at]:.1f} mm).{more} {_ADVICE}"
        )
    raise UnevenSpacingError(
        f"The distance between slices is not even: {gaps[at]:.2f} mm after slice {at + 1}, "
        f"{usual:.2f} mm elsewhere.{more} {_ADVICE}"
    )


def _check_line(positions: NDArray[np.float64], pixel_mm: float) -> None:
    """Refuse slices that are shifted sideways, each by its own amount."""
    steps = np.linspace(0.0, 1.0, len(positions))[:, np.newaxis]
    line = positions[0] + steps * (positions[-1] - positions[0])
    if np.linalg.norm(positions - line, axis=1).max() > max(pixel_mm / 2, 0.1):
        raise UnevenSpacingError(f"The slices of this series do not lie on one line. {_ADVICE}")


def _least_spacing(places: Sequence[Place]) -> float:
    return min((min(place.spacing) for place in places if place.spacing), default=1.0)
