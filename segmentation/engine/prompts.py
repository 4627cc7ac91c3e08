"""Interactive segmentation: clicks, scribbles and a box on any image, answered by a mask.

What a person gives is drawn on a small grid around it (``prompt_region``), a ``Solver`` says for
every cell of that grid how likely it belongs to the object, and the answer is taken back to the
source grid. Nothing beyond the region is read. A region that turns out too small for the object,
because the answer runs over its border, is looked at again at half the scale, as nnInteractive
does (Isensee et al., arXiv:2503.08373, 2025).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from segmentation.engine import masks
from segmentation.engine.errors import InvalidArrayError
from segmentation.engine.prompt_region import (
    Bools,
    Floats,
    Region,
    draw_box,
    draw_line,
    draw_mask,
    enlarge,
    first_region,
    pixels_of,
    zoomed_out,
)
from segmentation.engine.types import Box, Picture, RunLengths

Voxel = tuple[int, int, int]

MAX_POINTS: Final = 20_000
RUNS_OVER: Final = 0.02
"""Share of the region's inner border that an answer may touch before it is looked at from afar."""


@dataclass(frozen=True)
class Stroke:
    """A click (one point) or a scribble (points joined by straight lines); ``(z, y, x)`` indices
    of pixels of the source grid. ``positive`` says whether the object is there or is not."""

    points: tuple[Voxel, ...]
    positive: bool = True


@dataclass(frozen=True)
class Prompts:
    """What a person says about one object.

    ``plane`` is the z of the one slice that is asked about, None where a volume is. The object
    lies wholly inside ``box``; in a volume ``depth`` bounds it along z, half-open. ``previous`` is
    a mask to correct, z to run lengths. Later strokes overrule earlier ones.
    """

    strokes: tuple[Stroke, ...] = ()
    box: Box | None = None
    plane: int | None = None
    depth: tuple[int, int] | None = None
    previous: Mapping[int, RunLengths] = field(default_factory=dict)


@dataclass(frozen=True)
class Look:
    """What a solver sees: one small grid of ``(z, y, x)`` cells, z = 1 for a plane.

    ``pixels`` (c, *grid) are in the image's own unit; ``inside`` and ``outside`` are the cells
    that strokes say are in or out; ``box`` the cells within the box, None without one;
    ``previous`` the mask to correct, None without one. ``cell_zyx`` is the size of a cell relative
    to the smallest side of one; ``cut`` tells for each axis whether the image goes on beyond the
    first and the last cell.
    """

    pixels: Floats
    inside: Bools
    outside: Bools
    box: Bools | None
    previous: Bools | None
    cell_zyx: tuple[float, float, float]
    cut: tuple[tuple[bool, bool], ...]

    @property
    def banned(self) -> Bools:
        """The cells that cannot belong to the object."""
        return self.outside if self.box is None else self.outside | ~self.box


Solver = Callable[[Look], Floats]
"""From a look to the probability of the object in every cell, float32 ``(z, y, x)``."""


@dataclass(frozen=True)
class Answer:
    """The object: z to run lengths on the source grid, empty planes left out.

    ``score`` is the mean probability inside the mask (0 for an empty one), ``region`` what was
    looked at: half-open ``(start, stop)`` along z, y and x.
    """

    slices: Mapping[int, RunLengths]
    score: float
    region: tuple[tuple[int, int], ...]


def answer(picture: Picture, prompts: Prompts, solver: Solver, extent: float = 0.0) -> Answer:
    """Find the object that the prompts mean.

    ``extent`` is how long such objects usually are, in pixels of the source, 0 where nobody
    knows: the first region is chosen to hold one. The answer contains every positive stroke and no
    negative one, as far as the region's scale allows; each of its parts holds a positive stroke
    or something of the mask before (without any, the largest is kept) and no part has a hole,
    unless a negative stroke lies in it.

    Raises InvalidArrayError where the prompts are empty, lie outside the image or contradict it.
    """
    grid = picture.pixels.shape[1:]
    if extent == 0 and prompts.box is not None:
        extent = float(max(prompts.box[2] - prompts.box[0], prompts.box[3] - prompts.box[1]))
    check(prompts, (grid[0], grid[1], grid[2]))
    region: Region | None = first_region(
        (grid[0], grid[1], grid[2]), picture.spacing_mm, _extremes(prompts, grid[2]), extent,
        flat=prompts.plane is not None,
    )  # fmt: skip
    while region is not None:
        look = look_at(picture, prompts, region)
        probability = settle(solver(look), look)
        kept, region = region, zoomed_out(region) if _runs_over(probability, look) else None
    return _on_source(probability, look, kept, grid)


def check(prompts: Prompts, grid_zyx: tuple[int, int, int]) -> None:
    """Refuse prompts that say nothing about this image."""
    depth, height, width = grid_zyx
    points = [point for stroke in prompts.strokes for point in stroke.points]
    if len(points) > MAX_POINTS:
        raise InvalidArrayError(f"A scribble may have at most {MAX_POINTS} points.")
    pointed = any(stroke.positive and stroke.points for stroke in prompts.strokes)
    if not pointed and prompts.box is None and not prompts.previous:
        raise InvalidArrayError("Click on the object, or draw a box around it, first.")
    for point in points:
        if not all(0 <= place < size for place, size in zip(point, grid_zyx, strict=True)):
            raise InvalidArrayError("A click lies outside the image.")
    if prompts.plane is not None:
        elsewhere = {point[0] for point in points} | set(prompts.previous)
        if not 0 <= prompts.plane < depth or elsewhere - {prompts.plane}:
            raise InvalidArrayError("The clicks must lie on the slice that is asked about.")
    if any(not 0 <= z < depth for z in prompts.previous):
        raise InvalidArrayError("The mask to correct has a slice that the image does not have.")
    if prompts.box is not None:
        x1, y1, x2, y2 = prompts.box
        if not (x1 < x2 and y1 < y2 and x2 > 0 and y2 > 0 and x1 < width and y1 < height):
            raise InvalidArrayError("The box is empty or lies outside the image.")


def look_at(picture: Picture, prompts: Prompts, region: Region) -> Look:
    """Draw image and prompts on the region's grid."""
    inside, outside = (np.zeros(region.grid, np.bool_) for _ in range(2))
    for stroke in prompts.strokes:
        drawn = draw_line(stroke.points, region)
        (inside if stroke.positive else outside)[drawn] = True
        (outside if stroke.positive else inside)[drawn] = False
    box = None
    if prompts.box is not None:
        box = draw_box(prompts.box, prompts.depth, region)
        inside &= box
    height_width = (picture.pixels.shape[2], picture.pixels.shape[3])
    previous = draw_mask(prompts.previous, height_width, region) if prompts.previous else None
    pixels = pixels_of(picture.pixels, region)
    return Look(pixels, inside, outside, box, previous, region.cell_zyx, region.cut)


def settle(probability: Floats, look: Look) -> Floats:
    """Make a solver's answer obey the prompts: parts, holes, and the strokes themselves."""
    result = np.clip(probability, 0.0, 1.0).astype(np.float32)
    mask = (result > 0.5) & ~look.banned | look.inside
    kept = _filled(_seeded(mask, look), look)
    result[kept] = np.maximum(result[kept], 0.51)
    result[~kept] = np.minimum(result[~kept], 0.49)
    result[look.inside] = 1.0
    result[look.banned] = 0.0
    return result


def _seeded(mask: Bools, look: Look) -> Bools:
    """The parts that hold a positive stroke or something of the mask before; without any, the
    largest part. What a person drew earlier goes only where a negative stroke takes it away."""
    parts, count = ndimage.label(mask)
    if count <= 1:
        return mask
    meant = look.inside if look.previous is None else look.inside | look.previous
    wanted = np.unique(parts[meant & mask])
    if wanted.size == 0:
        wanted = np.array([np.bincount(parts.reshape(-1))[1:].argmax() + 1])
    return np.asarray(np.isin(parts, wanted))


def _filled(mask: Bools, look: Look) -> Bools:
    """Fill holes that no negative stroke lies in; in a volume, holes of the volume."""
    if mask.shape[0] == 1:
        holes = ndimage.binary_fill_holes(mask[0])[None] & ~mask
    else:
        holes = ndimage.binary_fill_holes(mask) & ~mask
    parts, count = ndimage.label(holes)
    if count == 0:
        return mask
    meant = np.unique(parts[look.banned & holes])
    return mask | holes & ~np.isin(parts, meant)


def _runs_over(probability: Floats, look: Look) -> bool:
    """Whether the object goes on beyond the region where the image does."""
    mask = probability > 0.5
    touched = cells = 0
    for axis, ends in enumerate(look.cut):
        for end, goes_on in zip((0, -1), ends, strict=True):
            if goes_on:
                side = mask.take(end, axis=axis)
                touched += int(side.sum())
                cells += side.size
    return touched > RUNS_OVER * cells


def _extremes(prompts: Prompts, width: int) -> NDArray[np.int64]:
    """The corners ``(n, 3)`` of everything the region must show, as ``(z, y, x)``."""
    points = [point for stroke in prompts.strokes for point in stroke.points]
    depth = prompts.depth or ((prompts.plane, prompts.plane + 1) if prompts.plane is not None
                              else None)  # fmt: skip
    if prompts.box is not None:
        x1, y1, x2, y2 = prompts.box
        zs = depth or _depth_of(points, prompts)
        points += [(zs[0], y1, x1), (zs[1] - 1, y2 - 1, x2 - 1)]
    for z, runs in prompts.previous.items():
        around = masks.bounding_box(runs, width)
        if around is not None:
            points += [(z, around[1], around[0]), (z, around[3] - 1, around[2] - 1)]
    return np.asarray(points, dtype=np.int64).reshape(-1, 3)


def _depth_of(points: list[Voxel], prompts: Prompts) -> tuple[int, int]:
    zs = [point[0] for point in points] or list(prompts.previous)
    if not zs:
        raise InvalidArrayError("A box in a volume must say which slices it spans.")
    return min(zs), max(zs) + 1


def _on_source(probability: Floats, look: Look, region: Region, grid: tuple[int, ...]) -> Answer:
    mask = probability > 0.5
    score = float(probability[mask].mean()) if mask.any() else 0.0
    whole = enlarge(probability, region) > 0.5
    (z1, _), (y1, _), (x1, _) = region.window
    slices = {
        z1 + k: masks.encode_at(plane, (y1, x1), (grid[1], grid[2]))
        for k, plane in enumerate(whole)
        if plane.any()
    }
    return Answer(slices, score, region.window)
