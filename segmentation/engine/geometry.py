"""Coordinates: what they mean everywhere in the product, and the few formulas about them.

Decided here, once:

* **Arrays** are ``(z, y, x)``, with a leading channel axis where there are channels; sizes and
  spacings that belong to an array stand in the same order and carry it in their name.
* **Pixels of a slice**: the origin is the corner of the top-left pixel, x runs to the right and
  y down. Pixel ``(column i, row j)`` covers ``[i, i + 1) x [j, j + 1)``; its centre is
  ``(i + 0.5, j + 0.5)``.
* **Boxes** are ``(x1, y1, x2, y2)``, half-open: ``width = x2 - x1``, and an empty box has
  ``x2 <= x1`` or ``y2 <= y1``.
* **Voxel indices** are ``(x, y, z)`` and name voxel *centres*: index ``(0, 0, 0)`` is the centre
  of the first voxel, as in DICOM and NIfTI. Slice coordinates are therefore index plus one half.
* **World** is DICOM patient space, LPS, in millimetres: x grows to the patient's left, y to the
  back, z to the head. An ``affine_lps`` is 4 x 4 and takes ``(x, y, z, 1)`` to LPS. NIfTI's RAS
  is converted at the door with ``ras_to_lps``.
* **Planes of space and time**: an image may have moments ``t`` (a cine, a dynamic series), and a
  mask lies on one plane of one moment. Planes are numbered through all moments, z running
  fastest: ``plane = t * size_z + z``. Of a still image the plane is z. Wherever masks are kept or
  sent (rows, revisions, the wire, the page) their ``z`` is this number; a network sees one moment
  at a time, and its z is the slice. ``plane_number`` and ``moment_and_z`` are the only two places
  that know it, as in the page's ``domain/moments.ts``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from segmentation.engine.errors import InvalidArrayError
from segmentation.engine.types import Box

Affine = NDArray[np.float64]
Points = NDArray[np.float64]

RAS_TO_LPS: Affine = np.diag([-1.0, -1.0, 1.0, 1.0])


def plane_number(t: int, z: int, size_z: int) -> int:
    """Return the number of slice ``z`` of moment ``t``, counted through all moments."""
    return t * size_z + z


def moment_and_z(plane: int, size_z: int) -> tuple[int, int]:
    """Return the moment and the slice of a plane: the inverse of ``plane_number``."""
    return divmod(plane, size_z)


def as_affine(affine: ArrayLike) -> Affine:
    """Check that ``affine`` is a finite, invertible 4 x 4 matrix with last row (0, 0, 0, 1)."""
    matrix = np.asarray(affine, dtype=np.float64)
    if matrix.shape != (4, 4) or not np.isfinite(matrix).all():
        raise InvalidArrayError("The position matrix must be 4 by 4 and hold finite numbers.")
    if not np.allclose(matrix[3], (0, 0, 0, 1)) or abs(np.linalg.det(matrix[:3, :3])) < 1e-12:
        raise InvalidArrayError("The position matrix of the image cannot be inverted.")
    return matrix


def affine_from_parts(
    origin_lps: ArrayLike, directions: ArrayLike, spacing_zyx: tuple[float, float, float]
) -> Affine:
    """Build the affine of a grid from the centre of its first voxel.

    ``directions`` is 3 x 3 and its columns are the unit vectors along x, y and z of the array, as
    in DICOM PS3.3 C.7.6.2.1.1; ``spacing_zyx`` is in millimetres.
    """
    matrix = np.eye(4)
    step_xyz = np.asarray(spacing_zyx[::-1], dtype=np.float64)
    matrix[:3, :3] = np.asarray(directions, dtype=np.float64) * step_xyz
    matrix[:3, 3] = np.asarray(origin_lps, dtype=np.float64)
    return as_affine(matrix)


def spacing_of(affine: ArrayLike) -> tuple[float, float, float]:
    """Return the distance in mm between neighbouring voxels, as ``(z, y, x)``."""
    step = np.linalg.norm(as_affine(affine)[:3, :3], axis=0)
    return float(step[2]), float(step[1]), float(step[0])


def voxel_to_world(affine: ArrayLike, points_xyz: ArrayLike) -> Points:
    """Take voxel indices ``(..., 3)`` in order (x, y, z) to LPS millimetres."""
    matrix = as_affine(affine)
    world: Points = np.asarray(points_xyz, dtype=np.float64) @ matrix[:3, :3].T
    world += matrix[:3, 3]
    return world


def world_to_voxel(affine: ArrayLike, points_lps: ArrayLike) -> Points:
    """Take LPS millimetres ``(..., 3)`` to fractional voxel indices (x, y, z)."""
    inverse = np.linalg.inv(as_affine(affine))
    voxels: Points = np.asarray(points_lps, dtype=np.float64) @ inverse[:3, :3].T
    voxels += inverse[:3, 3]
    return voxels


def ras_to_lps(affine: ArrayLike) -> Affine:
    """Turn a RAS affine into LPS or back: the conversion is its own inverse."""
    turned: Affine = RAS_TO_LPS @ as_affine(affine)
    return turned


def closest_axes(affine: ArrayLike) -> tuple[tuple[int, int, int], tuple[bool, bool, bool]]:
    """Say which array axis lies closest to each patient axis, and whether it runs against it.

    Returns ``(axes, flips)`` in order (left, posterior, superior): ``axes[k]`` is the index, in
    order (x, y, z), of the array axis to put at place k; ``flips[k]`` tells to reverse it. Of the
    six permutations the one with the largest summed cosine is taken; a tie (an exact 45 degrees)
    goes to the first in lexicographic order, so that the answer does not depend on rounding.
    """
    linear = as_affine(affine)[:3, :3]
    cosines = linear / np.linalg.norm(linear, axis=0)
    orders = ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0))
    sums = [round(float(sum(abs(cosines[k, a[k]]) for k in range(3))), 9) for a in orders]
    axes = orders[int(np.argmax(sums))]
    flips = tuple(bool(cosines[k, axes[k]] < 0) for k in range(3))
    return axes, (flips[0], flips[1], flips[2])


def reorient_affine(
    affine: ArrayLike,
    shape_xyz: tuple[int, int, int],
    axes: tuple[int, int, int],
    flips: tuple[bool, bool, bool],
) -> Affine:
    """Return the affine of the array after its axes were permuted and some reversed.

    ``shape_xyz`` is the shape before. New axis k is old axis ``axes[k]``, reversed where
    ``flips[k]``; the world position of every voxel stays what it was.
    """
    to_old = np.zeros((4, 4))
    to_old[3, 3] = 1.0
    for new, (old, flip) in enumerate(zip(axes, flips, strict=True)):
        to_old[old, new] = -1.0 if flip else 1.0
        to_old[old, 3] = shape_xyz[old] - 1.0 if flip else 0.0
    return as_affine(as_affine(affine) @ to_old)


def box_of_mask(mask: NDArray[np.bool_]) -> Box | None:
    """Return the smallest box around the true pixels of a 2-D mask; None for an empty one."""
    rows = np.flatnonzero(mask.any(axis=1))
    if rows.size == 0:
        return None
    columns = np.flatnonzero(mask.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def box_area(box: Box) -> int:
    """Return the number of pixels in a box, 0 for an empty one."""
    return max(0, box[2] - box[0]) * max(0, box[3] - box[1])


def clip_box(box: Box, height_width: tuple[int, int]) -> Box:
    """Cut a box at the edges of the image; outside it becomes an empty box on the edge."""
    height, width = height_width
    x1, x2 = (min(max(value, 0), width) for value in (box[0], box[2]))
    y1, y2 = (min(max(value, 0), height) for value in (box[1], box[3]))
    return x1, y1, x2, y2


def box_iou(first: ArrayLike, second: ArrayLike) -> NDArray[np.float64]:
    """Return intersection over union of every box of one list with every box of another.

    ``first`` is ``(n, 4)``, ``second`` ``(m, 4)``; the result is ``(n, m)``. An empty box
    overlaps nothing: its values are 0.
    """
    a = np.asarray(first, dtype=np.float64).reshape(-1, 4)
    b = np.asarray(second, dtype=np.float64).reshape(-1, 4)
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=2)
    area_a = np.clip(a[:, 2:] - a[:, :2], 0, None).prod(axis=1)
    area_b = np.clip(b[:, 2:] - b[:, :2], 0, None).prod(axis=1)
    union = area_a[:, None] + area_b[None, :] - shared
    iou: NDArray[np.float64] = np.zeros_like(shared)
    np.divide(shared, union, out=iou, where=union > 0)
    return iou
