"""Decoded DICOM slices to an image in space."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray
from pydicom.dataset import Dataset

from segmentation.interchange.dicom_facts import description_of, frame_seconds_of
from segmentation.interchange.dicom_headers import Place
from segmentation.interchange.dicom_pixels import Scale, combine
from segmentation.interchange.dicom_series import stack_affine
from segmentation.interchange.grids import (
    closest_lps,
    plain_grid,
    slice_axis,
    spacing_of,
    stored_affine,
    usable,
)
from segmentation.interchange.types import ReadImage


def place_volume(
    dataset: Dataset,
    raw: NDArray[Any],
    scales: Sequence[Scale],
    places: Sequence[Place],
    thickness_mm: float | None,
    notes: Sequence[str] = (),
) -> ReadImage:
    """Bring decoded slices ``(t, c, z, y, x)`` in order of depth to the stored grid.

    places: one per z. Two slices or more are re-ordered to LPS, one alone stays as it lies.
    """
    stored = combine(raw, scales)
    shape = (raw.shape[2], raw.shape[3], raw.shape[4])
    affine = stack_affine(places, thickness_mm)
    if affine is not None and not usable(affine):
        affine = None
    grid = plain_grid(shape) if affine is None or shape[0] == 1 else closest_lps(affine, shape)
    placed = None if affine is None else stored_affine(affine, grid)
    return ReadImage(
        pixels=grid.from_source(stored.pixels),
        source=grid,
        spacing_mm=None if placed is None else spacing_of(placed),
        spacing_source=None if placed is None else "patient",
        affine_lps=placed,
        slope=stored.slope,
        intercept=stored.intercept,
        value_error=stored.error,
        frame_seconds=frame_seconds_of(dataset) if len(raw) > 1 else None,
        acquisition_axis=slice_axis(grid, 0),
        warnings=tuple(notes),
        **description_of(dataset, scales[0], stored.pixels),
    )
