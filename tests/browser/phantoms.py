"""Drawn volumes in every orientation, and what nibabel and pydicom say of them.

Nothing here comes from the product: the expected values are read back from the files by the two
libraries, and brought into the order of the screen by themselves (nibabel's closest canonical
order; DICOM's Image Plane module, PS3.3 C.7.6.2).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import permutations, product
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pydicom
from numpy.typing import NDArray

from tests.interchange.drawn import save, slice_of

Array = NDArray[Any]
SIZE_XYZ = (9, 7, 5)
SPACING_XYZ = (0.5, 0.8, 3.0)
TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
# The patient lies a little askew: no axis of the scanner is one of the body's.
_TURN = np.radians((4, -3, 6))


def turned() -> Array:
    """A rotation by a few degrees around each axis."""
    (ca, sa), (cb, sb), (cc, sc) = ((np.cos(one), np.sin(one)) for one in _TURN)
    about_x = np.array([[1, 0, 0], [0, ca, -sa], [0, sa, ca]])
    about_y = np.array([[cb, 0, sb], [0, 1, 0], [-sb, 0, cb]])
    about_z = np.array([[cc, -sc, 0], [sc, cc, 0], [0, 0, 1]])
    return np.asarray(about_z @ about_y @ about_x)


@dataclass(frozen=True)
class Expected:
    """A volume ``[x, y, z]`` with axes nearest to left, posterior and superior, and its affine to
    LPS millimetres, as an independent reader has it."""

    name: str
    values: Array
    affine_lps: Array

    @property
    def spacing(self) -> Array:
        return np.asarray(np.linalg.norm(self.affine_lps[:3, :3], axis=0))


def body() -> Array:
    """Every voxel has a value of its own, far from its neighbours'."""
    count = int(np.prod(SIZE_XYZ))
    return (
        (np.random.default_rng(7).permutation(count) * 5 - 300).astype(np.int16).reshape(SIZE_XYZ)
    )


def axis_orders() -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
    """All 48 ways in which three axes can lie: which is which, and which way each runs."""
    yield from product(permutations(range(3)), product((1, -1), repeat=3))


def is_mirrored(order: tuple[int, ...], signs: tuple[int, ...]) -> bool:
    return float(np.linalg.det(np.eye(3)[:, order] * signs)) < 0


def write_nifti(folder: Path, only_mirrored: bool) -> Iterator[Path]:
    """All 48, or the 24 mirrored ones, which DICOM cannot have."""
    folder.mkdir(parents=True)
    for number, (order, signs) in enumerate(axis_orders()):
        if only_mirrored and not is_mirrored(order, signs):
            continue
        linear = np.zeros((3, 3))
        for axis, (world, sign) in enumerate(zip(order, signs, strict=True)):
            linear[world, axis] = sign * SPACING_XYZ[world]
        affine = np.eye(4)
        affine[:3, :3] = turned() @ linear
        affine[:3, 3] = (-11.0, 23.0, 5.5)
        sides = tuple(SIZE_XYZ[world] for world in order)
        values = np.moveaxis(body(), order, (0, 1, 2))
        assert values.shape == sides
        path = folder / f"nifti{number:02d}.nii"
        nibabel.save(nibabel.Nifti1Image(values, affine), path)
        yield path


def write_dicom(folder: Path) -> Iterator[Path]:
    """The 24 ways in which rows and columns can run, in DICOM always a rotation; every other
    series is sent with its last slice first."""
    rotations = [one for one in axis_orders() if not is_mirrored(*one)]
    assert len(rotations) == 24
    for number, (order, signs) in enumerate(rotations):
        series = folder / f"dicom{number:02d}"
        directions = turned() @ (np.eye(3)[:, order] * signs)
        values = np.moveaxis(body(), order, (0, 1, 2))
        across, down, along = (SPACING_XYZ[world] for world in order)
        for k in range(values.shape[2]):
            place = np.array([-11.0, 23.0, 5.5]) + directions[:, 2] * k * along
            rank = values.shape[2] - k if number % 2 else k + 1
            dataset = slice_of(
                np.ascontiguousarray(values[:, :, k].T),
                series=f"1.2.826.{number}",
                StudyInstanceUID=f"1.2.827.{number}",
                FrameOfReferenceUID=f"1.2.828.{number}",
                PatientID=f"phantom{number}",
                ImageOrientationPatient=[
                    float(f"{part:.9f}") for part in (*directions[:, 0], *directions[:, 1])
                ],
                ImagePositionPatient=[float(f"{part:.9f}") for part in place],
                PixelSpacing=[down, across],
                SliceThickness=str(along),
                InstanceNumber=rank,
            )
            save(dataset, series / f"{rank:03d}.dcm")
        yield series


def read_nifti(path: Path) -> Expected:
    """As nibabel turns it: closest to right, anterior, superior; then mirrored to LPS."""
    image = nibabel.as_closest_canonical(nibabel.load(path))
    values = np.asanyarray(image.dataobj)
    return in_lps(path.stem, values[::-1, ::-1], TO_LPS @ image.affine @ mirrored(values.shape))


def mirrored(shape: tuple[int, ...]) -> Array:
    step = np.diag([-1.0, -1.0, 1.0, 1.0])
    step[:2, 3] = shape[0] - 1, shape[1] - 1
    return step


def read_dicom(folder: Path) -> Expected:
    """The slices by their place along the normal; columns, rows and slices are the axes."""
    slices = [pydicom.dcmread(path) for path in folder.iterdir()]
    across, down = np.reshape(np.array(slices[0].ImageOrientationPatient, float), (2, 3))
    normal = np.cross(across, down)
    slices.sort(key=lambda one: float(normal @ np.array(one.ImagePositionPatient, float)))
    first, last = (np.array(slices[k].ImagePositionPatient, float) for k in (0, -1))
    rows_mm, columns_mm = (float(step) for step in slices[0].PixelSpacing)
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1] = across * columns_mm, down * rows_mm
    affine[:3, 2], affine[:3, 3] = (last - first) / (len(slices) - 1), first
    values = np.stack([one.pixel_array.T for one in slices], axis=2)
    return in_lps(folder.name, values, affine)


def in_lps(name: str, values: Array, affine: Array) -> Expected:
    """Exchange and flip axes until each runs nearest to left, posterior and superior."""
    cosines = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    order = [int(np.argmax(np.abs(cosines[world]))) for world in range(3)]
    values, affine = values.transpose(order), affine[:, [*order, 3]]
    for axis in range(3):
        if affine[axis, axis] < 0:
            affine = affine.copy()
            affine[:3, 3] += affine[:3, axis] * (values.shape[axis] - 1)
            affine[:3, axis] *= -1
            values = np.flip(values, axis)
    return Expected(name, values, affine)
