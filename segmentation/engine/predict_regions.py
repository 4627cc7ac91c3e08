"""Pixel classes in two and three dimensions: a window slides over the image, weighted in its
middle, and what it is done with is settled slab by slab so that memory stays bounded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from segmentation.engine import masks
from segmentation.engine.prediction import Found, Work, tile_starts
from segmentation.engine.preprocessing import invert_probabilities
from segmentation.engine.types import Box, Candidate
from segmentation.engine.uncertainty import DoubtfulMean, PlaneKeeper, entropy_plane

Floats = NDArray[np.float32]
Classes = NDArray[np.uint8]

OVERLAP = 0.25
"""Share of a window that the next one covers again; measured: half costs 1.6 times the windows."""

EMPTY_RANGE = 1e-6
"""A window whose pixels differ by no more than this shows nothing, and nothing is found in it."""


@dataclass
class _Tally:
    """Sums over the whole image that become scores and the uncertainty."""

    probability: NDArray[np.float64]
    voxels: NDArray[np.int64]
    doubt: DoubtfulMean

    def add(self, probabilities: Floats, best: Classes) -> None:
        """Count one settled slab: ``(classes, z, y, x)`` and its best class per voxel."""
        classes = probabilities.shape[0]
        for label in range(1, classes):
            there = best == label
            self.probability[label] += float(probabilities[label][there].sum(dtype=np.float64))
            self.voxels[label] += int(there.sum())
        self.doubt.add(probabilities)


def predict_regions(work: Work) -> Found:
    """One candidate for every label that is present; its score is its mean probability."""
    classes = work.labels + 1
    tally = _Tally(np.zeros(classes), np.zeros(classes, np.int64), DoubtfulMean(work.temperature))
    grid, source = work.prepared.inverse.grid_zyx, work.prepared.inverse.source_zyx
    settled = np.zeros(grid, np.uint8)
    whole = np.zeros((classes, *grid), np.float32) if grid != source else None
    look = _looking(work.keep_plane, work.temperature)
    for z, slab in settled_slabs(work, classes):
        best = slab.argmax(axis=0).astype(np.uint8)
        tally.add(slab, best)
        settled[z : z + slab.shape[1]] = best
        if whole is not None:
            whole[:, z : z + slab.shape[1]] = slab
        elif look is not None:
            for k in range(slab.shape[1]):
                look(z + k, slab[:, k])
    on_source = settled if whole is None else invert_probabilities(work.prepared, whole, look)
    candidates = [
        _candidate(label, on_source == label, tally)
        for label in range(1, classes)
        if tally.voxels[label] and (on_source == label).any()
    ]
    candidates.sort(key=lambda c: (-c.score, c.label))
    return Found(tuple(candidates), (), tally.doubt.value)


def _looking(
    keep_plane: PlaneKeeper | None, temperature: float
) -> Callable[[int, Floats], None] | None:
    """What turns a plane's probabilities into its uncertainty, where somebody wants it."""
    if keep_plane is None:
        return None
    return lambda z, plane: keep_plane(z, entropy_plane(plane, temperature))


def _candidate(label: int, mask: NDArray[np.bool_], tally: _Tally) -> Candidate:
    filled = np.flatnonzero(mask.any(axis=(1, 2)))
    slices = {int(z): masks.encode(mask[z]) for z in filled}
    score = float(tally.probability[label] / tally.voxels[label])
    return Candidate(label, min(max(score, 0.0), 1.0), _box(mask), slices)


def _box(mask: NDArray[np.bool_]) -> Box:
    rows = np.flatnonzero(mask.any(axis=(0, 2)))
    columns = np.flatnonzero(mask.any(axis=(0, 1)))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def settled_slabs(work: Work, classes: int) -> Iterator[tuple[int, Floats]]:
    """Settled probabilities ``(classes, dz, y, x)`` with the z of their first slice, in order.

    All windows of one depth are summed into a buffer as deep as a window; the slices above the
    next depth's first slice are then final.
    """
    pixels, margins = _padded(work.pixels, work.patch_zyx)
    size = pixels.shape[1:]
    steps = [max(1, int(p * (1 - OVERLAP))) for p in work.patch_zyx]
    zs, ys, xs = (tile_starts(n, p, s) for n, p, s in zip(size, work.patch_zyx, steps, strict=True))
    weight = _middle_weight(work.patch_zyx)
    total = np.zeros((classes, work.patch_zyx[0], *size[1:]), np.float32)
    parts = np.zeros((work.patch_zyx[0], *size[1:]), np.float32)
    inner = (slice(margins[1], margins[1] + work.pixels.shape[2]),
             slice(margins[2], margins[2] + work.pixels.shape[3]))  # fmt: skip
    done = 0
    for z, following in zip(zs, [*zs[1:], size[0]], strict=True):
        for y in ys:
            for x in xs:
                where = (slice(None), slice(y, y + weight.shape[1]), slice(x, x + weight.shape[2]))
                window = pixels[:, z : z + weight.shape[0], where[1], where[2]]
                total[(slice(None), *where)] += _probabilities(work, window, classes) * weight
                parts[where] += weight
                done += 1
                work.tell(done, len(zs) * len(ys) * len(xs))
        depth = following - z
        final = total[:, :depth] / parts[:depth]
        keep = slice(max(0, margins[0] - z), min(depth, margins[0] + work.pixels.shape[1] - z))
        if keep.stop > keep.start:
            first = z + keep.start - margins[0]
            yield first, np.ascontiguousarray(final[:, keep, inner[0], inner[1]])
        _move_on(total, depth, axis=1)
        _move_on(parts, depth, axis=0)


def _move_on(buffer: Floats, depth: int, axis: int) -> None:
    """Shift a buffer by settled slices, in place; what comes in is zero."""
    moved = np.moveaxis(buffer, axis, 0)
    rest = moved.shape[0] - depth
    moved[:rest] = moved[depth:].copy()
    moved[rest:] = 0


def _padded(pixels: Floats, patch: tuple[int, int, int]) -> tuple[Floats, list[int]]:
    """Extend an image smaller than the window on both sides; returns what stands before it."""
    missing = [max(0, p - n) for p, n in zip(patch, pixels.shape[1:], strict=True)]
    before = [m // 2 for m in missing]
    widths = [(b, m - b) for b, m in zip(before, missing, strict=True)]
    return np.pad(pixels, [(0, 0), *widths], mode="edge"), before


def _middle_weight(patch: tuple[int, int, int]) -> Floats:
    """A Gaussian over the window, an eighth of its size wide (nnU-Net), never quite 0."""
    weight = np.ones((1, 1, 1))
    for axis, size in enumerate(patch):
        if size == 1:
            continue
        places = (np.arange(size) - (size - 1) / 2) / (size / 8)
        shape = [1, 1, 1]
        shape[axis] = size
        weight = weight * np.exp(-(places**2) / 2).reshape(shape)
    return np.maximum(weight, 1e-3).astype(np.float32)


def _probabilities(work: Work, window: Floats, classes: int) -> Floats:
    """Class probabilities ``(classes, z, y, x)`` of one window; an empty one is background."""
    if float(window.max()) - float(window.min()) <= EMPTY_RANGE:
        nothing = np.zeros((classes, *window.shape[1:]), np.float32)
        nothing[0] = 1
        return nothing
    flat = work.task == "semantic2d"
    logits = work.run(window[:, 0] if flat else window)
    if not isinstance(logits, Tensor):
        raise TypeError("A network for pixel classes must answer with one tensor.")
    found = torch.softmax(logits[0], dim=0).to("cpu").numpy()
    result: Floats = found[:, None] if flat else found
    return result
