"""Multi-frame DICOM: enhanced volumes, cine loops, stacks by vector, and tiled slides."""

from __future__ import annotations

import numpy as np
from pydicom import config
from pydicom.dataset import Dataset

from segmentation.interchange.budget import Budget
from segmentation.interchange.dicom_facts import (
    description_of,
    frame_seconds_of,
    plane_spacing,
    thickness_of,
    window_of,
)
from segmentation.interchange.dicom_headers import Place, frames_of, number, place_of, whole
from segmentation.interchange.dicom_pixels import Scale, combine, decode_frames, scale_of
from segmentation.interchange.dicom_place import place_volume
from segmentation.interchange.dicom_series import arrange
from segmentation.interchange.errors import UnsupportedError, reading
from segmentation.interchange.grids import plain_grid
from segmentation.interchange.types import ReadImage

_SENTENCE = "The frames of this DICOM file are not described correctly. Export it again."
_SLICE_VECTORS = frozenset({0x3004000C, 0x00182005, 0x00540080})
"""Grid Frame Offset, Slice Location and Slice Vector: frames that follow each other in space."""


def read_frames(dataset: Dataset, budget: Budget) -> ReadImage:
    """Read a file of several frames: as tiles, as a volume in space, as a stack or as time."""
    if "TotalPixelMatrixRows" in dataset:
        return _slide(dataset, budget)
    with reading(_SENTENCE), config.disable_value_validation():
        groups = _Groups(dataset)
        places = [groups.place(frame) for frame in range(frames_of(dataset))]
    if any(place.position for place in places):
        return _volume(dataset, groups, places)
    return _loop(dataset)


class _Groups:
    """The functional groups of an enhanced file: a frame's own first, then the shared ones."""

    def __init__(self, dataset: Dataset) -> None:
        self._own = dataset.get("PerFrameFunctionalGroupsSequence") or []
        shared = dataset.get("SharedFunctionalGroupsSequence") or []
        self._shared = shared[0] if shared else Dataset()

    def find(self, frame: int, name: str) -> Dataset:
        """Give the first entry of a group; an empty dataset where it is absent."""
        own = self._own[frame].get(name) if frame < len(self._own) else None
        found = own or self._shared.get(name) or []
        return found[0] if found else Dataset()

    def place(self, frame: int) -> Place:
        """Give where a frame lies; its moment ends with its number, so that order is kept."""
        place = place_of(
            self.find(frame, "PlanePositionSequence"),
            self.find(frame, "PlaneOrientationSequence"),
            self.find(frame, "PixelMeasuresSequence"),
        )
        content = self.find(frame, "FrameContentSequence")
        echo = self.find(frame, "MREchoSequence")
        moment = (
            number(content, "TemporalPositionIndex") or 0.0,
            number(echo, "EffectiveEchoTime") or 0.0,
            number(content, "FrameAcquisitionNumber") or 0.0,
            float(frame),
        )
        return Place(place.position, place.orientation, place.spacing, moment)

    def scale(self, frame: int) -> Scale:
        """Give the rescale of a frame."""
        return scale_of(self.find(frame, "PixelValueTransformationSequence"))


def _volume(dataset: Dataset, groups: _Groups, places: list[Place]) -> ReadImage:
    order = arrange(places)
    samples = decode_frames(dataset)
    raw = samples[np.array(order)].transpose(0, 2, 1, 3, 4)
    scales = [groups.scale(frame) for row in order for frame in row]
    if all(scale == Scale() for scale in scales):
        scales = [scale_of(dataset)] * len(scales)
    # The voxel window and rescale type of an enhanced file stand in groups of their own.
    transform = groups.find(0, "PixelValueTransformationSequence")
    for name in ("RescaleSlope", "RescaleIntercept", "RescaleType"):
        if name in transform and name not in dataset:
            setattr(dataset, name, transform.get(name))
    window = window_of(groups.find(0, "FrameVOILUTSequence"))
    if window is not None:
        dataset.WindowCenter, dataset.WindowWidth = window
    thickness = thickness_of(groups.find(0, "PixelMeasuresSequence"))
    notes = (
        []
        if len(order) == 1
        else [f"{len(order)} frames lie at each position; they became time steps."]
    )
    ordered = [places[frame] for frame in order[0]]
    return place_volume(dataset, raw, scales, ordered, thickness, notes)


def _loop(dataset: Dataset) -> ReadImage:
    """Frames without positions: slices where a vector counts them in space, otherwise time."""
    samples = decode_frames(dataset)
    in_space = _SLICE_VECTORS & _increments(dataset)
    raw = samples.transpose(1, 0, 2, 3)[np.newaxis] if in_space else samples[:, :, np.newaxis]
    scale = scale_of(dataset)
    stored = combine(raw, [scale] * (raw.shape[0] * raw.shape[2]))
    plane = plane_spacing(dataset)
    thickness = thickness_of(dataset)
    depth, height, width = stored.pixels.shape[2:]
    known = plane is not None and (depth == 1 or thickness is not None)
    return ReadImage(
        pixels=stored.pixels,
        source=plain_grid((depth, height, width)),
        spacing_mm=(thickness or 1.0, *plane[0]) if plane is not None and known else None,
        spacing_source=plane[1] if plane is not None and known else None,
        slope=stored.slope,
        intercept=stored.intercept,
        value_error=stored.error,
        frame_seconds=frame_seconds_of(dataset) if len(raw) > 1 else None,
        **description_of(dataset, scale, stored.pixels),
    )


def _increments(dataset: Dataset) -> set[int]:
    pointer = dataset.get("FrameIncrementPointer")
    if pointer in (None, ""):
        return set()
    several = pointer if isinstance(pointer, list) or hasattr(pointer, "append") else [pointer]
    return {int(tag) for tag in several}


def _slide(dataset: Dataset, budget: Budget) -> ReadImage:
    """Lay the tiles of a whole-slide image side by side into one picture."""
    height, width = (
        whole(dataset, "TotalPixelMatrixRows"),
        whole(dataset, "TotalPixelMatrixColumns"),
    )
    rows, columns = whole(dataset, "Rows"), whole(dataset, "Columns")
    count = frames_of(dataset)
    corners = _corners(dataset, count, (rows, columns), width)
    tiles = decode_frames(dataset)
    budget.claim((tiles.shape[1], height, width), tiles.itemsize)
    picture = np.zeros((tiles.shape[1], height, width), tiles.dtype)
    for tile, (top, left) in zip(tiles, corners, strict=True):
        if not (0 <= top < height and 0 <= left < width):
            raise UnsupportedError("A tile of this slide lies outside it. Export the slide again.")
        part = tile[:, : height - top, : width - left]
        picture[:, top : top + part.shape[1], left : left + part.shape[2]] = part
    stored = combine(picture[np.newaxis, :, np.newaxis], [scale_of(dataset)])
    spacing = _Groups(dataset).place(0).spacing
    return ReadImage(
        pixels=stored.pixels,
        source=plain_grid((1, height, width)),
        spacing_mm=None if spacing is None else (1.0, *spacing),
        spacing_source=None if spacing is None else "pixel_size",
        slope=stored.slope,
        intercept=stored.intercept,
        value_error=stored.error,
        **description_of(dataset, scale_of(dataset), stored.pixels),
    )


def _corners(
    dataset: Dataset, count: int, tile: tuple[int, int], width: int
) -> list[tuple[int, int]]:
    """Give the top and left of each tile, stated per frame or implied by a full grid in rows."""
    groups = _Groups(dataset)
    stated = [groups.find(frame, "PlanePositionSlideSequence") for frame in range(count)]
    tops = [number(place, "RowPositionInTotalImagePixelMatrix") for place in stated]
    lefts = [number(place, "ColumnPositionInTotalImagePixelMatrix") for place in stated]
    corners = [
        (int(top) - 1, int(left) - 1)
        for top, left in zip(tops, lefts, strict=True)
        if top is not None and left is not None
    ]
    if not corners:
        across = -(-width // tile[1])
        corners = [(n // across * tile[0], n % across * tile[1]) for n in range(count)]
    if len(set(corners)) != count:
        raise UnsupportedError(
            "This slide has several colours or focal planes. Export one plane in RGB."
        )
    return corners
