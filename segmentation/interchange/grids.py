"""Grids in space: affines, the closest LPS order of the axes, and back. Pure functions."""

from __future__ import annotations

from itertools import permutations

import numpy as np

from segmentation.interchange.types import Axis, Matrix, NiftiGrid, SourceGrid

RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
_WORLD_OF_ZYX = (2, 1, 0)


def plain_grid(shape: tuple[int, int, int]) -> SourceGrid:
    """Make the grid of a file that is stored as it lies: ``(slice, row, column)``."""
    return SourceGrid(permutation=(0, 1, 2), flips=(False, False, False), shape=shape)


def usable(affine: Matrix) -> bool:
    """Tell whether an affine is finite, and no axis of it is flat or lies in another's plane."""
    linear = affine[:3, :3]
    if not np.isfinite(affine).all():
        return False
    lengths = np.linalg.norm(linear, axis=0)
    return bool((lengths > 0).all() and abs(np.linalg.det(linear / lengths)) > 1e-4)


def spacing_of(affine_lps: Matrix) -> tuple[float, float, float]:
    """Read the spacing ``(z, y, x)`` in mm from a stored affine."""
    x, y, z = (float(length) for length in np.linalg.norm(affine_lps[:3, :3], axis=0))
    return (z, y, x)


def closest_lps(
    affine: Matrix, shape: tuple[int, int, int], nifti: NiftiGrid | None = None
) -> SourceGrid:
    """Find the permutation and flips that bring a file's axes closest to LPS, without resampling.

    affine: 4x4, the file's axes to LPS mm. Of the six ways to pair the file's axes with left,
    posterior and superior the one with the greatest sum of cosines is taken; ties keep the
    earliest permutation in lexicographic order of ``(z, y, x)``.
    """
    linear = affine[:3, :3]
    cosines = linear / np.linalg.norm(linear, axis=0)
    best = max(
        permutations(range(3)),
        key=lambda order: round(_alignment(cosines, order), 9),
    )
    flips = [bool(cosines[_WORLD_OF_ZYX[k], best[k]] < 0) for k in range(3)]
    return SourceGrid(
        permutation=(best[0], best[1], best[2]),
        flips=(flips[0], flips[1], flips[2]),
        shape=shape,
        nifti=nifti,
    )


def closest_view(
    affine: Matrix, shape: tuple[int, int, int], nifti: NiftiGrid | None = None
) -> SourceGrid:
    """Arrange a single slice for reading: its one-voxel axis becomes z, the rest lies upright.

    Columns run to the left or posterior, rows to the posterior or inferior, as on a workstation.
    """
    flat = shape.index(1)
    world = {closest_lps(affine, shape).permutation[k]: _WORLD_OF_ZYX[k] for k in range(3)}
    first, second = sorted((axis for axis in range(3) if axis != flat), key=world.__getitem__)
    wants_negative = {first: False, second: world[second] == 2, flat: False}
    flips = {axis: bool(affine[world[axis], axis] < 0) != wants_negative[axis] for axis in world}
    return SourceGrid(
        permutation=(flat, second, first),
        flips=(False, flips[second], flips[first]),
        shape=shape,
        nifti=nifti,
    )


def stored_affine(affine: Matrix, grid: SourceGrid) -> Matrix:
    """Carry an affine of the file's axes over to stored indices ``(x, y, z, 1)``."""
    step = np.zeros((4, 4))
    step[3, 3] = 1.0
    for k, axis in enumerate(grid.permutation):
        column = 2 - k
        step[axis, column] = -1.0 if grid.flips[k] else 1.0
        step[axis, 3] = grid.shape[axis] - 1 if grid.flips[k] else 0.0
    result: Matrix = affine @ step
    return result


def source_affine(affine_lps: Matrix, grid: SourceGrid) -> Matrix:
    """Undo ``stored_affine``: the affine of the file's own axes in LPS mm."""
    step = np.linalg.inv(stored_affine(np.eye(4), grid))
    result: Matrix = affine_lps @ step
    return result


def slice_axis(grid: SourceGrid, file_axis: int) -> Axis:
    """Name the stored axis that shows the file's axis along which slices were acquired."""
    axes: tuple[Axis, Axis, Axis] = ("z", "y", "x")
    return axes[grid.permutation.index(file_axis)]


def _alignment(cosines: Matrix, order: tuple[int, ...]) -> float:
    return sum(abs(float(cosines[_WORLD_OF_ZYX[k], order[k]])) for k in range(3))
