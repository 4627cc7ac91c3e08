"""What ``segment`` writes beside a segmentation: a label file and a list of findings."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from segmentation.engine import masks
from segmentation.engine.checkpoints import Network
from segmentation.engine.coco_runs import to_coco_string
from segmentation.engine.geometry import moment_and_z
from segmentation.engine.render import label_map
from segmentation.engine.types import Candidate, Segmentation
from segmentation.interchange.nifti import write_nifti_mask
from segmentation.interchange.types import ReadImage, SourceGrid

ENDINGS = (".nii.gz", ".ome.tif", ".ome.tiff")
Pages = NDArray[np.uint8] | NDArray[np.uint16]


def stem_of(path: Path) -> str:
    """The name of an input without its ending; a folder's name stays whole."""
    if path.is_dir():
        return path.resolve().name
    lower = path.name.lower()
    for ending in ENDINGS:
        if lower.endswith(ending):
            return path.name[: -len(ending)]
    return path.stem


def write_results(
    folder: Path, stem: str, image: ReadImage, network: Network, found: Segmentation
) -> tuple[Path, Path]:
    """Write ``STEM.labels.tif`` or ``.labels.nii.gz`` and ``STEM.findings.json``, each whole.

    A cine of single slices is a TIFF with a page for each moment; a volume with moments, and all
    that came as NIfTI with four axes, a NIfTI with four.
    """
    labels = _write_stack(folder / f"{stem}.labels", label_map(found), image, found, np.uint16)
    findings = folder / f"{stem}.findings.json"
    text = json.dumps(_document(image, network, found), ensure_ascii=False, allow_nan=False)
    _whole(findings, lambda part: _write_text(part, text))
    return labels, findings


def write_uncertainty(
    folder: Path,
    stem: str,
    image: ReadImage,
    found: Segmentation,
    planes: Sequence[NDArray[np.uint8]] | None,
) -> Path | None:
    """Write ``STEM.uncertainty.tif`` or ``.nii.gz``, bytes on the grid of the file that came in.

    ``planes`` are those of all moments in order; without any, nothing is written.
    """
    if not planes:
        return None
    return _write_stack(folder / f"{stem}.uncertainty", np.stack(planes), image, found, np.uint8)


def _write_stack(
    target: Path,
    planes: NDArray[np.integer],
    image: ReadImage,
    found: Segmentation,
    page_type: type[np.uint8] | type[np.uint16],
) -> Path:
    """The planes of all moments as one file, with the ending that suits them."""
    drawn = planes.reshape(found.moments, *found.grid_zyx)
    moves = found.moments > 1
    if found.grid_zyx[0] > 1 or (moves and image.source.nifti is not None):
        path = target.with_name(f"{target.name}.nii.gz")
        stack = drawn if moves else drawn[0]
        _whole(path, lambda part: write_nifti_mask(part, stack, image.source, image.affine_lps))
    else:
        path = target.with_name(f"{target.name}.tif")
        turned = np.ascontiguousarray(image.source.to_source(drawn))
        pages = turned.astype(np.uint8) if page_type is np.uint8 else turned.astype(np.uint16)
        _whole(path, lambda part: _write_tiff(part, pages if moves else pages[0]))
    return path


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _write_tiff(path: Path, stack: Pages) -> None:
    """One page, or ``(t, 1, y, x)`` with a page for each moment and the axes in the description."""
    plane = stack[0] if stack.ndim == 3 and stack.shape[0] == 1 else stack
    told = None
    if stack.ndim == 4:
        plane, told = stack.reshape(len(stack), *stack.shape[-2:]), {"axes": "TYX"}
    tifffile.imwrite(path, plane, compression="deflate", photometric="minisblack", metadata=told)


def _whole(path: Path, write: Callable[[Path], Any]) -> None:
    """Let a file appear only when it is complete; its ending stays last, for writers that look."""
    part = path.with_name(f".part-{os.getpid()}-{path.name}")
    try:
        write(part)
        with part.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def _document(image: ReadImage, network: Network, found: Segmentation) -> dict[str, Any]:
    """Everything found, on the file's own grid, suppressed candidates too."""
    grid = image.source
    return {
        "network": {key: network.card[key] for key in ("name", "version", "digest")},
        "recipe": network.card["recipe"],
        "task": found.task,
        "labels": list(found.labels),
        "shape": list(grid.shape),
        "axes": "i, j, k" if grid.nifti is not None else "slice, row, column",
        "moments": found.moments,
        "score_cutoff": found.score_cutoff,
        "overlap_cutoff": found.overlap_cutoff,
        "uncertainty": found.uncertainty,
        "device": found.device,
        "seconds": round(found.seconds, 3),
        "findings": [
            _finding(n, candidate, found, grid) for n, candidate in enumerate(found.candidates)
        ],
        "overlaps": [[i, j, round(share, 6)] for i, j, share in found.overlaps],
    }


def _finding(
    number: int, candidate: Candidate, found: Segmentation, grid: SourceGrid
) -> dict[str, Any]:
    depth = found.grid_zyx[0]
    by_moment: dict[int, dict[int, NDArray[np.uint32]]] = {}
    for plane, runs in sorted(candidate.slices.items()):
        t, z = moment_and_z(plane, depth)
        by_moment.setdefault(t, {})[z] = runs
    rows = [
        {"moment": t, **row} if found.moments > 1 else row
        for t, slices in by_moment.items()
        for row in _slices(slices, found.grid_zyx, grid)
    ]
    moments = sorted(by_moment) or [moment_and_z(candidate.z, depth)[0]]
    told = {"moments": moments} if found.moments > 1 and found.task != "labels2d" else {}
    return {
        "id": number,
        "label": found.labels[candidate.label - 1],
        "score": round(candidate.score, 6),
        "box": _box(candidate, found.grid_zyx, grid),
        "kept": candidate.suppressed_by is None and candidate.score >= found.score_cutoff,
        "suppressed_by": candidate.suppressed_by,
        "overlap": None if candidate.overlap is None else round(candidate.overlap, 6),
        "area": sum(masks.area(runs) for runs in candidate.slices.values()),
        **told,
        "slices": rows,
    }


def _unmoved(grid: SourceGrid) -> bool:
    return grid.permutation == (0, 1, 2) and not any(grid.flips)


def _slices(
    slices: Mapping[int, NDArray[np.uint32]], shape: tuple[int, int, int], grid: SourceGrid
) -> list[dict[str, Any]]:
    """COCO's compressed run lengths per slice of the file; rows are j and columns i of NIfTI."""
    if _unmoved(grid):
        return [_coco(z, runs, shape[1:]) for z, runs in sorted(slices.items())]
    mask = np.zeros(shape, np.bool_)
    for z, runs in slices.items():
        masks.paint(mask[z], runs, True)
    own = grid.to_source(mask)
    if grid.nifti is not None:
        own = own.transpose(2, 1, 0)
    filled = np.flatnonzero(own.any(axis=(1, 2)))
    size = (own.shape[1], own.shape[2])
    return [_coco(int(k), masks.encode(own[k]), size) for k in filled]


def _coco(z: int, runs: NDArray[np.uint32], size: tuple[int, int]) -> dict[str, Any]:
    return {"slice": z, "size": list(size), "counts": to_coco_string(runs, size)}


def _box(candidate: Candidate, shape: tuple[int, int, int], grid: SourceGrid) -> list[int] | None:
    """The box (x1, y1, x2, y2), half-open, in columns and rows of the file's own slices."""
    if candidate.box is None:
        return None
    if _unmoved(grid):
        return list(candidate.box)
    x1, y1, x2, y2 = candidate.box
    planes = sorted(candidate.slices) or [candidate.z]
    zs = sorted(moment_and_z(plane, shape[0])[1] for plane in planes)
    corner = np.zeros(shape, np.bool_)
    corner[zs[0] : zs[-1] + 1, y1:y2, x1:x2] = True
    own = grid.to_source(corner)
    if grid.nifti is not None:
        own = own.transpose(2, 1, 0)
    rows = np.flatnonzero(own.any(axis=(0, 2)))
    columns = np.flatnonzero(own.any(axis=(0, 1)))
    return [int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1]
