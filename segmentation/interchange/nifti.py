"""NIfTI-1 and -2 volumes in (plain or gzipped, three axes or four), masks out on the same grid.

NIfTI's world is RAS millimetres; it becomes LPS here. The header's two transforms are kept as
they stand, because a mask must carry them back unchanged.
"""

from __future__ import annotations

import gzip
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
from nibabel.nifti1 import Nifti1Header, Nifti1Image
from nibabel.nifti2 import Nifti2Image
from nibabel.spatialimages import HeaderDataError
from numpy.typing import NDArray

from segmentation.interchange.budget import Budget
from segmentation.interchange.errors import UnreadableError, UnsupportedError, reading
from segmentation.interchange.grids import (
    RAS_TO_LPS,
    closest_lps,
    closest_view,
    slice_axis,
    source_affine,
    spacing_of,
    stored_affine,
    usable,
)
from segmentation.interchange.labels import as_labels
from segmentation.interchange.types import Matrix, NiftiGrid, ReadImage, SourceGrid
from segmentation.interchange.values import store

_SENTENCE = "This NIfTI file is damaged or cut short. Export it again."
_MM_OF_UNIT = {1: 1000.0, 2: 1.0, 3: 0.001}
_SECONDS_OF_UNIT = {8: 1.0, 16: 1e-3, 24: 1e-6}
_VOXELS_AT = 352
_COLOURS = ("R", "G", "B")
# nibabel's classes carry no types.
_ONE: Any = Nifti1Image
_TWO: Any = Nifti2Image
_HEADER: Any = Nifti1Header


def read_nifti(path: Path, kind: str, budget: Budget) -> ReadImage:
    """Read a NIfTI volume (``kind`` nifti or nifti_gz) as ``(t, c, z, y, x)`` in LPS order."""
    with reading(_SENTENCE), _opened(path, kind) as stream:
        image, header = _image(stream)
        samples, slope, intercept = _samples(image, budget)
    notes: list[str] = []
    affine = _affine(header, notes)
    grid = _grid(header, affine, tuple(samples.shape[2:]))
    stored = store(grid.from_source(samples), slope, intercept)
    if stored.non_finite:
        notes.append(f"{stored.non_finite} values are not numbers; they became the smallest one.")
    placed = None if affine is None else stored_affine(affine, grid)
    return ReadImage(
        pixels=stored.pixels,
        source=grid,
        spacing_mm=None if placed is None else spacing_of(placed),
        spacing_source=None if placed is None else "patient",
        affine_lps=placed,
        photometric="RGB" if stored.pixels.shape[1] == 3 else "MONOCHROME2",
        slope=stored.slope,
        intercept=stored.intercept,
        value_error=stored.error,
        frame_seconds=_frame_seconds(header, stored.pixels.shape[0]),
        acquisition_axis=slice_axis(grid, _slice_axis_of(grid)),
        warnings=tuple(notes),
    )


def read_nifti_labels(path: Path, kind: str, budget: Budget) -> tuple[NDArray[np.uint16], Matrix]:
    """Read a NIfTI mask as uint16 ``(i, j, k)`` on its own grid, and its affine in LPS mm.

    One with several time steps becomes ``(t, i, j, k)``.
    """
    with reading(_SENTENCE.replace("NIfTI file", "NIfTI mask")), _opened(path, kind) as stream:
        image, header = _image(stream)
        samples, slope, intercept = _samples(image, budget)
        affine = _affine(header, [])
    if samples.shape[1] != 1:
        raise UnsupportedError("The mask is in colour. Save it as one channel of numbers.")
    scaled = samples[0, 0] if len(samples) == 1 else samples[:, 0]
    if (slope, intercept) != (1.0, 0.0):
        scaled = scaled * slope + intercept
    return as_labels(scaled), np.full((4, 4), np.nan) if affine is None else affine


def write_nifti_mask(
    path: Path, labels: NDArray[Any], grid: SourceGrid, affine_lps: Matrix | None
) -> None:
    """Write stored labels ``(z, y, x)`` back onto the file's own grid as NIfTI-1.

    Labels ``(t, z, y, x)`` of several moments become four axes, time the last.

    An image that came from NIfTI gets its own sform, qform, codes and voxel sizes back; any other
    the affine of its own grid in both transforms. ``.gz`` in the name compresses.
    """
    array = np.ascontiguousarray(_ijk(grid.to_source(as_labels(labels)), grid))
    small = array.astype(np.uint8) if array.size == 0 or array.max() < 256 else array
    header = _HEADER()
    header.set_data_dtype(small.dtype)
    header.set_data_shape(small.shape)
    if grid.nifti is not None:
        _put_transforms(header, grid.nifti)
    else:
        affine = np.eye(4) if affine_lps is None else source_affine(affine_lps, grid)
        world = RAS_TO_LPS @ affine[:, [2, 1, 0, 3]]
        code = 0 if affine_lps is None else 1
        header.set_qform(_without_shear(world), code)
        header.set_sform(world, code)
        header.set_xyzt_units("mm")
    if grid.nifti is not None and array.ndim == 4 and grid.nifti.time_units:
        header["pixdim"][4] = grid.nifti.time_step
        header["xyzt_units"] = grid.nifti.units | grid.nifti.time_units
    header["vox_offset"] = _VOXELS_AT
    # Four zeros after the header say that no extension follows.
    raw = header.binaryblock + bytes(4) + small.tobytes(order="F")
    path.write_bytes(gzip.compress(raw, 6, mtime=0) if path.suffix == ".gz" else raw)


@contextmanager
def _opened(path: Path, kind: str) -> Iterator[BinaryIO]:
    with path.open("rb") as plain:
        if kind == "nifti_gz":
            with gzip.GzipFile(fileobj=plain) as unpacked:
                yield cast(BinaryIO, unpacked)
        else:
            yield plain


def _image(stream: BinaryIO) -> tuple[Any, Any]:
    """Open a volume with nibabel, and its header as it stands, before nibabel mends it."""
    head = stream.read(4)
    stream.seek(0)
    sizes = {int.from_bytes(head, "little"), int.from_bytes(head, "big")}
    maker = _TWO if 540 in sizes else _ONE
    header = maker.header_class.from_fileobj(stream, check=False)
    stream.seek(0)
    return maker.from_stream(stream), header


def _samples(image: Any, budget: Budget) -> tuple[NDArray[Any], float, float]:
    """Read raw voxels as ``(t, c, i, j, k)`` with the slope and intercept that scale them."""
    shape = tuple(int(side) for side in image.shape)
    dtype = image.get_data_dtype()
    while len(shape) > 4 and shape[-1] == 1:
        shape = shape[:-1]
    if not shape or len(shape) > 4:
        raise UnsupportedError(
            f"This NIfTI file has {len(shape)} axes. Save it with three axes, or four with time."
        )
    if dtype.kind == "c":
        raise UnsupportedError("The voxels are complex numbers. Export a magnitude image instead.")
    budget.claim(shape, dtype.itemsize)
    raw = np.asanyarray(image.dataobj.get_unscaled()).reshape(shape)
    # The proxy keeps the scale; nibabel clears it in the header that it hands out.
    slope, intercept = image.dataobj.slope, image.dataobj.inter
    full = raw.reshape(*shape, *(1,) * (4 - len(shape)))
    moved = np.moveaxis(full, 3, 0)[:, np.newaxis]
    if dtype.names:
        if tuple(dtype.names[:3]) != _COLOURS:
            raise UnsupportedError("The voxels are compound numbers. Export a grey or RGB image.")
        moved = np.concatenate([moved[name] for name in _COLOURS], axis=1)
    return moved, _number(slope, 1.0) or 1.0, _number(intercept, 0.0)


def _affine(header: Any, notes: list[str]) -> Matrix | None:
    """Choose the transform as nibabel does (sform, qform, then voxel sizes) and turn it to LPS."""
    sform, sform_code = header.get_sform(coded=True)
    qform = _qform(header)[0]
    if sform_code and qform is not None and not _close(sform, qform, header):
        notes.append(
            "The two transforms of the header (sform and qform) disagree; the sform was used."
        )
    best = sform if sform_code else qform
    if best is None:
        best = header.get_base_affine()
        notes.append("The header states no orientation; left and right are not certain.")
    scale = _MM_OF_UNIT.get(int(header["xyzt_units"]) & 7, 1.0)
    affine: Matrix = RAS_TO_LPS @ np.diag([scale, scale, scale, 1.0]) @ np.asarray(best, float)
    if usable(affine):
        return affine
    notes.append("The header's voxel size or orientation is not usable; sizes are in voxels.")
    return None


def _qform(header: Any) -> tuple[Matrix | None, int]:
    try:
        qform, code = header.get_qform(coded=True)
    except (ValueError, HeaderDataError):
        # An impossible quaternion is as good as none.
        return None, 0
    return (None, 0) if not code else (np.asarray(qform, float), int(code))


def _close(sform: Any, qform: Matrix, header: Any) -> bool:
    """Compare where two transforms put both ends of the volume: a tenth of a voxel is rounding."""
    tolerance = 0.1 * min((abs(float(side)) for side in header.get_zooms()[:3]), default=0.0)
    far = np.array([*(*header.get_data_shape(), 1, 1, 1)[:3], 1.0])
    difference = np.asarray(sform, np.float64) - qform
    return bool(max(np.abs(difference @ far).max(), np.abs(difference[:, 3]).max()) <= tolerance)


def _grid(header: Any, affine: Matrix | None, shape: tuple[int, ...]) -> SourceGrid:
    i, j, k = shape
    kept = _kept_transforms(header)
    if affine is None:
        return SourceGrid((2, 1, 0), (False, False, False), (i, j, k), kept)
    view = closest_view if (i, j, k).count(1) == 1 else closest_lps
    return view(affine, (i, j, k), kept)


def _kept_transforms(header: Any) -> NiftiGrid:
    rows = [header[name] for name in ("srow_x", "srow_y", "srow_z")]
    return NiftiGrid(
        rows=tuple(float(number) for row in rows for number in row),
        sform_code=int(header["sform_code"]),
        quaternion=tuple(float(header[f"quatern_{part}"]) for part in "bcd"),
        offsets=tuple(float(header[f"qoffset_{axis}"]) for axis in "xyz"),
        qform_code=int(header["qform_code"]),
        voxel_sizes=tuple(float(side) for side in header["pixdim"][:4]),
        units=int(header["xyzt_units"]) & 7,
        time_step=float(header["pixdim"][4]) if math.isfinite(header["pixdim"][4]) else 0.0,
        time_units=int(header["xyzt_units"]) & 56,
    )


def _put_transforms(header: Any, kept: NiftiGrid) -> None:
    for place, name in enumerate(("srow_x", "srow_y", "srow_z")):
        header[name] = kept.rows[4 * place : 4 * place + 4]
    for part, number in zip("bcd", kept.quaternion, strict=True):
        header[f"quatern_{part}"] = number
    for axis, number in zip("xyz", kept.offsets, strict=True):
        header[f"qoffset_{axis}"] = number
    header["sform_code"] = kept.sform_code
    header["qform_code"] = kept.qform_code
    header["pixdim"][:4] = kept.voxel_sizes
    header["xyzt_units"] = kept.units


def _ijk(array: NDArray[Any], grid: SourceGrid) -> NDArray[Any]:
    """NIfTI keeps its axes; of other files the columns become i, the rows j, the slices k."""
    own = array if grid.nifti is not None else array.swapaxes(-1, -3)
    return np.moveaxis(own, 0, -1) if own.ndim == 4 else own


def _without_shear(world: Matrix) -> Matrix:
    """Drop what a quaternion cannot hold: the nearest rotation with the same voxel sizes."""
    lengths = np.linalg.norm(world[:3, :3], axis=0)
    u, _, v = np.linalg.svd(world[:3, :3] / lengths)
    result = world.copy()
    result[:3, :3] = (u @ v) * lengths
    return result


def _slice_axis_of(grid: SourceGrid) -> int:
    """The file's axis with the fewest voxels is taken as the one across slices; ties: the last."""
    fewest = min(grid.shape)
    return max(axis for axis in range(3) if grid.shape[axis] == fewest)


def _frame_seconds(header: Any, frames: int) -> float | None:
    if frames < 2:
        return None
    seconds = float(header["pixdim"][4]) * _SECONDS_OF_UNIT.get(int(header["xyzt_units"]) & 56, 1.0)
    return seconds if math.isfinite(seconds) and seconds > 0 else None


def _number(value: Any, default: float) -> float:
    number = default if value is None else float(value)
    if not math.isfinite(number):
        raise UnreadableError("The header's scale is not a number. Export the volume again.")
    return number
