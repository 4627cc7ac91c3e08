"""A planned DICOM series to one image: decoded, scaled, placed in space, in LPS order."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from segmentation.interchange.budget import Budget
from segmentation.interchange.dicom_facts import description_of, plane_spacing, thickness_of
from segmentation.interchange.dicom_frames import read_frames
from segmentation.interchange.dicom_headers import (
    Place,
    check_is_image,
    frames_of,
    open_dicom,
    place_of,
)
from segmentation.interchange.dicom_pixels import (
    Scale,
    claim_pixels,
    combine,
    decode_frames,
    scale_of,
)
from segmentation.interchange.dicom_place import place_volume
from segmentation.interchange.dicom_series import stack_affine
from segmentation.interchange.errors import InterchangeError, MixedSizesError
from segmentation.interchange.grids import plain_grid, stored_affine, usable
from segmentation.interchange.types import ReadImage


def read_series(paths: Sequence[Sequence[Path]], budget: Budget) -> ReadImage:
    """Read the files ``paths[t][z]`` of one planned image.

    One file alone keeps its rows and columns as they lie; a volume is re-ordered to LPS.
    """
    first = open_dicom(paths[0][0], whole=True)
    check_is_image(first)
    claim_pixels(first, budget, sum(len(row) for row in paths))
    if frames_of(first) > 1 or "TotalPixelMatrixRows" in first:
        return read_frames(first, budget)
    if len(paths) == 1 and len(paths[0]) == 1:
        return _single(first)
    return _stack(first, paths)


def _single(dataset: Dataset) -> ReadImage:
    samples = decode_frames(dataset)[np.newaxis].transpose(0, 2, 1, 3, 4)
    scale = scale_of(dataset)
    stored = combine(samples, [scale])
    height, width = stored.pixels.shape[3:]
    grid = plain_grid((1, height, width))
    thickness = thickness_of(dataset)
    affine = stack_affine([place_of(dataset, dataset, dataset)], thickness)
    placed = None if affine is None or not usable(affine) else stored_affine(affine, grid)
    plane = plane_spacing(dataset)
    notes = (
        ()
        if plane or "PixelSpacing" not in dataset
        else ("The pixel spacing in the header is not valid; sizes are in pixels.",)
    )
    return ReadImage(
        pixels=stored.pixels,
        source=grid,
        spacing_mm=None if plane is None else (thickness or 1.0, *plane[0]),
        spacing_source=None if plane is None else plane[1],
        affine_lps=placed,
        slope=stored.slope,
        intercept=stored.intercept,
        value_error=stored.error,
        warnings=notes,
        **description_of(dataset, scale, stored.pixels),
    )


def _stack(first: Dataset, paths: Sequence[Sequence[Path]]) -> ReadImage:
    raw: NDArray[Any] | None = None
    scales: list[Scale] = []
    places: list[Place] = []
    for t, row in enumerate(paths):
        for z, path in enumerate(row):
            try:
                dataset = first if t == z == 0 else open_dicom(path, whole=True)
                samples = decode_frames(dataset)[0]
            except InterchangeError as error:
                raise type(error)(f"Slice {z + 1} of {len(row)}: {error.sentence}") from error
            if raw is None:
                raw = np.empty((len(paths), len(row), *samples.shape), samples.dtype)
            raw = _widened(raw, samples)
            raw[t, z] = samples
            scales.append(scale_of(dataset))
            if t == 0:
                places.append(place_of(dataset, dataset, dataset))
    stack = np.zeros((0,)) if raw is None else raw.transpose(0, 2, 1, 3, 4)
    notes = (
        []
        if len(set(scales)) == 1
        else ["The rescale values change between slices; each slice was scaled by its own."]
    )
    if len(paths) > 1:
        notes.append(f"{len(paths)} images lie at each position; they became time steps.")
    thickness = thickness_of(first)
    return place_volume(first, stack, scales, places, thickness, notes)


def _widened(raw: NDArray[Any], samples: NDArray[Any]) -> NDArray[Any]:
    """Make room for a slice of another number type; another shape is a damaged series."""
    if samples.shape != raw.shape[2:]:
        raise MixedSizesError(
            "The slices of this series differ in size. Export the whole series again, or import "
            "the slices as separate images."
        )
    kind = np.result_type(raw.dtype, samples.dtype)
    return raw if kind == raw.dtype else raw.astype(kind)
