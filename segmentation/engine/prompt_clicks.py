"""A simulated person: clicks in the middle of the object, then of the largest thing that is wrong.

The usual protocol for interactive segmentation (Xu et al., CVPR 2016; RITM, Sofiiuk et al., 2021).
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from segmentation.engine import masks
from segmentation.engine.prompts import Answer, Prompts, Solver, Stroke, Voxel, answer
from segmentation.engine.types import Box, Picture

Bools = NDArray[np.bool_]


class Place(NamedTuple):
    """The cell of a mask's largest part that is furthest from its border, and that part's size."""

    voxel: Voxel
    size: int


def middle_of(mask: Bools) -> Place | None:
    """Where a person would click on a mask ``(z, y, x)``; None on an empty one.

    The image's border counts as one. Ties go to the first in row-major order.
    """
    parts, count = ndimage.label(mask)
    if count == 0:
        return None
    sizes = np.bincount(parts.reshape(-1))
    sizes[0] = 0
    largest = int(sizes.argmax())
    window = ndimage.find_objects(parts, max_label=largest)[largest - 1]
    part = parts[window] == largest
    widths = [(1, 1) if n > 1 else (0, 0) for n in mask.shape]
    depths = ndimage.distance_transform_edt(np.pad(part, widths))
    place = np.unravel_index(int(depths.argmax()), depths.shape)
    z, y, x = (
        int(at) - width[0] + part_of.start
        for at, width, part_of in zip(place, widths, window, strict=True)
    )
    return Place((z, y, x), int(sizes[largest]))


def next_stroke(truth: Bools, found: Bools) -> Stroke | None:
    """The click that a person would make next; None where nothing is wrong."""
    missing, surplus = middle_of(truth & ~found), middle_of(found & ~truth)
    if missing is None and surplus is None:
        return None
    if surplus is None or (missing is not None and missing.size >= surplus.size):
        return None if missing is None else Stroke((missing.voxel,), positive=True)
    return Stroke((surplus.voxel,), positive=False)


def first_prompts(truth: Bools, *, boxed: bool = False) -> Prompts:
    """A click in the object's middle, or the smallest box around it; ``truth`` is not empty."""
    plane = 0 if truth.shape[0] == 1 else None
    if boxed:
        z, y, x = (np.flatnonzero(truth.any(axis=axes)) for axes in ((1, 2), (0, 2), (0, 1)))
        box: Box = (int(x[0]), int(y[0]), int(x[-1]) + 1, int(y[-1]) + 1)
        depth = None if plane == 0 else (int(z[0]), int(z[-1]) + 1)
        return Prompts(box=box, plane=plane, depth=depth)
    place = middle_of(truth)
    if place is None:
        raise ValueError("An empty mask has no middle.")
    return Prompts((Stroke((place.voxel,)),), plane=plane)


def dense(found: Answer, shape_zyx: tuple[int, int, int]) -> Bools:
    """The answer as a mask of the whole source."""
    mask = np.zeros(shape_zyx, np.bool_)
    for z, runs in found.slices.items():
        masks.paint(mask[z], runs, True)
    return mask


def click_through(
    picture: Picture,
    truth: Bools,
    solver: Solver,
    extent: float,
    clicks: int,
    *,
    boxed: bool = False,
    enough: float = 1.0,
) -> list[float]:
    """IoU with ``truth`` after each of at most ``clicks`` prompts; ends early where ``enough``.

    Each answer becomes the mask that the next click corrects, as in the page.
    """
    prompts = first_prompts(truth, boxed=boxed)
    reached: list[float] = []
    while len(reached) < clicks:
        found = answer(picture, prompts, solver, extent)
        mask = dense(found, (truth.shape[0], truth.shape[1], truth.shape[2]))
        reached.append(float((mask & truth).sum() / (mask | truth).sum()))
        stroke = next_stroke(truth, mask)
        if stroke is None or reached[-1] >= enough:
            break
        prompts = replace(prompts, strokes=(*prompts.strokes, stroke), previous=found.slices)
    return reached
