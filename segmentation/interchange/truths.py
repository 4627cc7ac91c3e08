"""Masks and annotations onto the grid of their image, or a plain word why they do not fit."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from segmentation.interchange.coco import findings_of
from segmentation.interchange.errors import (
    InterchangeError,
    MaskSizeError,
    MissingFileError,
    UnsupportedError,
)
from segmentation.interchange.grids import closest_lps, stored_affine, usable
from segmentation.interchange.sandbox import Sandbox
from segmentation.interchange.tree import Entry
from segmentation.interchange.types import Matrix, ReadFinding, ReadImage, ReadTruth, TruthKind

_NIFTI = ("nifti", "nifti_gz")
_LABELS = ("png", "tiff", *_NIFTI)
_MAX_SHIFT_VOXELS = 0.1
_MANY_VALUES = 64
Labels = NDArray[np.uint16]


class TruthReader:
    """Reads the truths of one import; a COCO file that many images share is parsed once."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._tables: dict[int, Any] = {}

    def read(
        self, entry: Entry, image: ReadImage, tables: Sequence[Entry], *, instances: bool
    ) -> ReadTruth:
        """Read one mask or annotation file for an image. Raises the refusal of the file."""
        if entry.kind in _LABELS:
            array, affine = self._sandbox.labels(entry.path, entry.kind)
            placed = place_labels(array, affine, image, nifti=entry.kind in _NIFTI)
            names = self._names(tables)
            return _labels_truth(placed, names, instances, entry.index)
        if entry.kind == "xml":
            return _boxes(self._sandbox.table("boxes", entry.path), image, entry.index)
        if entry.kind == "json":
            return self._coco(entry, image)
        raise UnsupportedError(
            "This file cannot be read as a mask. Give label PNG, TIFF, NIfTI, COCO JSON or VOC XML."
        )

    def _coco(self, entry: Entry, image: ReadImage) -> ReadTruth:
        table = self._table(entry)
        if isinstance(table, InterchangeError):
            raise table
        name = posixpath.basename(image.name)
        match = next((v for k, v in table["images"].items() if posixpath.basename(k) == name), None)
        if match is None:
            raise MissingFileError("This COCO file does not name the image. Add it there.")
        height_width = _same_plane(match["size"], image)
        findings = findings_of(match["objects"], height_width)
        return ReadTruth("findings", findings=findings, inputs=(entry.index,))

    def _names(self, tables: Sequence[Entry]) -> Mapping[int, str]:
        """Name class values by the one COCO file beside the index, if there is just one."""
        found = [self._table(entry) for entry in tables]
        useful = [table for table in found if not isinstance(table, InterchangeError)]
        return {int(k): str(v) for k, v in useful[0]["labels"].items()} if len(useful) == 1 else {}

    def _table(self, entry: Entry) -> Any:
        if entry.index not in self._tables:
            try:
                self._tables[entry.index] = self._sandbox.table("coco", entry.path)
            except InterchangeError as error:
                self._tables[entry.index] = error
        return self._tables[entry.index]


def place_labels(array: Labels, affine: Matrix | None, image: ReadImage, *, nifti: bool) -> Labels:
    """Bring labels from their file's grid to the stored ``(z, y, x)`` grid of an image.

    Of an image with moments the labels of all come one after the other, as ``(t * z, y, x)``: from
    a fourth axis of NIfTI, or from the pages of a TIFF.

    NIfTI labels (axes i, j, k) are matched in space: their own closest LPS order must give the
    image's shape and affine within a tenth of a voxel. Where one of the two has no usable affine,
    and for pictures (axes slice, row, column), equal shapes are enough.
    """
    if not nifti:
        array = _by_moment(array, image)
    if nifti and affine is not None and image.affine_lps is not None and usable(affine):
        placed = _in_space(array, affine, image)
    else:
        placed = _by_shape(array, image, nifti=nifti)
    if placed is None:
        raise MaskSizeError(
            f"The mask ({_times(array.shape)}) does not lie on the grid of its image "
            f"({_times(image.source.shape)}). Export the mask on the image's own grid."
        )
    moments, found = len(image.pixels), len(placed) if placed.ndim == 4 else 1
    if found != moments:
        raise MaskSizeError(
            f"The mask has {found} moments, but its image has {moments}. Save one mask for each."
        )
    return np.ascontiguousarray(placed).reshape(-1, *placed.shape[-2:])


def _by_moment(array: Labels, image: ReadImage) -> Labels:
    """Pages ``(t * slice, row, column)`` as ``(t, slice, row, column)`` where the image moves."""
    moments = len(image.pixels)
    if moments == 1 or len(array) % moments or image.source.nifti is not None:
        return array
    return array.reshape(moments, -1, *array.shape[1:])


def _in_space(array: Labels, affine: Matrix, image: ReadImage) -> Labels | None:
    if array.shape[-3:] == image.source.shape:
        grid = image.source
        if _agree(stored_affine(affine, grid), image):
            return grid.from_source(array)
    i, j, k = array.shape[-3:]
    grid = closest_lps(affine, (i, j, k))
    fits = grid.stored_shape == image.pixels.shape[2:] and _agree(
        stored_affine(affine, grid), image
    )
    return grid.from_source(array) if fits else None


def _agree(affine: Matrix, image: ReadImage) -> bool:
    if image.affine_lps is None:
        return False
    z, y, x = image.pixels.shape[2:]
    corners = np.array([[i, j, k, 1] for i in (0, x) for j in (0, y) for k in (0, z)], np.float64)
    shift = np.linalg.inv(image.affine_lps) @ affine @ corners.T - corners.T
    return bool(np.abs(shift).max() <= _MAX_SHIFT_VOXELS)


def _by_shape(array: Labels, image: ReadImage, *, nifti: bool) -> Labels | None:
    of_nifti = image.source.nifti is not None
    own = array if nifti == of_nifti else array.swapaxes(-1, -3)
    if own.shape[-3:] == image.source.shape:
        return image.source.from_source(own)
    # A mask that was drawn on the upright picture of a turned photograph.
    return own if own.shape[-3:] == image.pixels.shape[2:] and not of_nifti else None


def _labels_truth(
    array: Labels, names: Mapping[int, str], instances: bool, index: int
) -> ReadTruth:
    kind: TruthKind = "instances" if instances or _numbers_objects(array) else "classes"
    ignore = next((value for value, name in names.items() if name.lower() == "ignore"), None)
    if kind == "instances":
        return ReadTruth(kind, array, inputs=(index,))
    return ReadTruth(kind, array, names, ignore, inputs=(index,))


def _numbers_objects(array: Labels) -> bool:
    """Guess whether values number objects: in one slice, 1 to n without gaps, each in one piece."""
    if len(array) != 1:
        return False
    values = np.unique(array)
    values = values[values > 0]
    if len(values) > _MANY_VALUES:
        return True
    if len(values) < 2 or values[-1] != len(values):
        return False
    whole = np.ones((3, 3), np.uint8)
    return all(ndimage.label(array[0] == value, whole)[1] == 1 for value in values)


def _boxes(table: Mapping[str, Any], image: ReadImage, index: int) -> ReadTruth:
    height, width = image.pixels.shape[3:]
    if table["size"] is not None:
        _same_plane(table["size"], image)
    findings = []
    for found in table["boxes"]:
        x1, y1, x2, y2 = found["box"]
        box = (x1, y1, min(x2, width), min(y2, height))
        if box[0] < box[2] and box[1] < box[3]:
            findings.append(ReadFinding(str(found["label"]), box))
    return ReadTruth("findings", findings=tuple(findings), inputs=(index,))


def _same_plane(size: Sequence[int], image: ReadImage) -> tuple[int, int]:
    height, width = image.pixels.shape[3:]
    if list(size) != [height, width]:
        raise MaskSizeError(
            f"The annotations are for a picture of {size[1]} x {size[0]} pixels, but it has "
            f"{width} x {height}. Export them again for this picture."
        )
    return (height, width)


def _times(shape: Sequence[int]) -> str:
    return " x ".join(str(side) for side in shape)
