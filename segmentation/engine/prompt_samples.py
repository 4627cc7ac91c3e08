"""Training crops for networks that answer clicks: one object, its surroundings, simulated prompts.

The first prompt is drawn with the crop; corrections are drawn from the network's own mistakes while
it learns (``corrected``), as RITM does (Sofiiuk et al., 2021).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor, nn

from segmentation.engine import resampling
from segmentation.engine.augment import Layers, crop_flat, crop_volume, vary_looks
from segmentation.engine.pixels import round_up
from segmentation.engine.plans import TrainingPlan
from segmentation.engine.prompt_channels import INSIDE, OUTSIDE, PREVIOUS, encode, spots
from segmentation.engine.prompt_clicks import middle_of, next_stroke
from segmentation.engine.prompt_region import pixels_of, region_around, usual_reach
from segmentation.engine.prompts import Look
from segmentation.engine.targets import IGNORED

Bools = NDArray[np.bool_]
Objects = NDArray[np.uint16]

MARGIN: Final = 1.5
"""How much more than the crop is read, for turning and scaling it."""

ZOOMS: Final = (0.8, 1.8)
"""How far a training region's scale strays from the one that is looked at first."""

BOXES, SCRIBBLES, BEFORE = 0.2, 0.1, 0.15
"""Shares of crops that start with a box, a scribble, or a mask to correct."""

ROUNDS: Final = (0.4, 0.25, 0.12, 0.08, 0.05, 0.04, 0.03, 0.03)
"""Shares of steps that learn from 0, 1, 2, ... corrections; a person may well need eight."""

LEAST_CELLS: Final = 8
PATCH_STEP: Final = 32


def objects_of(classes: NDArray[np.uint8]) -> Objects:
    """The connected parts of every class as objects 1, 2, ... in a mask ``(z, y, x)``."""
    found = np.zeros(classes.shape, np.uint16)
    last = 0
    for value in np.unique(classes[classes > 0]):
        parts, count = ndimage.label(classes == value)
        found[parts > 0] = parts[parts > 0] + last
        last += count
    return found


def usual_extent(maps: Iterable[Objects]) -> float:
    """How long objects are, in pixels: nine in ten are at most this long; 0 without any."""
    longest = [
        max(part.stop - part.start for part in window)
        for objects in maps
        for window in ndimage.find_objects(objects)
        if window is not None
    ]
    return float(np.percentile(longest, 90)) if longest else 0.0


def region_patch(patch_zyx: tuple[int, int, int], extent: float) -> tuple[int, int, int]:
    """The patch, no larger than the region that is looked at for objects of that length."""
    reach = round_up(math.ceil(usual_reach(extent, flat=patch_zyx[0] == 1)), PATCH_STEP)
    z, y, x = (min(n, reach) for n in patch_zyx)
    return z, y, x


def prompted_crop(
    layers: Layers,
    spacing_mm: tuple[float, float, float] | None,
    patch_zyx: tuple[int, int, int],
    extent: float,
    plan: TrainingPlan,
    rng: np.random.Generator,
) -> Layers:
    """A crop around one object: the network's input as pixels, 0 or 1 as the map "classes"."""
    flat = patch_zyx[0] == 1
    if flat and layers.pixels.shape[1] > 1:
        layers = _one_plane(layers, rng)
    objects = layers.maps["objects"]
    windows = [(k, w) for k, w in enumerate(ndimage.find_objects(objects), 1) if w is not None]
    if not windows:
        crop = _cut(layers, (np.array(objects.shape) - 1) / 2, spacing_mm, patch_zyx, extent, plan,
                    rng)  # fmt: skip
        return _prompted(crop, np.zeros(patch_zyx, np.bool_), plan, rng)
    value, window = windows[int(rng.integers(len(windows)))]
    length = max(part.stop - part.start for part in window)
    middle = np.array([(part.start + part.stop - 1) / 2 for part in window])
    strays = rng.uniform(-0.5, 0.5, 3) * max(length, extent)
    usual = _between(extent, length, rng)
    crop = _cut(layers, middle + strays, spacing_mm, patch_zyx, usual, plan, rng)
    return _prompted(crop, crop.maps["objects"] == value, plan, rng)


def _between(extent: float, length: float, rng: np.random.Generator) -> float:
    """A scale between that of the usual object and that of this one: an answer starts from the
    former and is looked at from further away until all of the object is seen."""
    return float(np.exp(rng.uniform(*np.sort(np.log([max(extent, 1.0), max(length, 1.0)])))))


def _one_plane(layers: Layers, rng: np.random.Generator) -> Layers:
    """A slice of a volume, one with an object where there is any."""
    filled = np.flatnonzero(layers.maps["objects"].any(axis=(1, 2)))
    z = int(rng.choice(filled)) if filled.size else int(rng.integers(layers.pixels.shape[1]))
    part = slice(z, z + 1)
    maps = {name: values[part] for name, values in layers.maps.items()}
    ignore = None if layers.ignore is None else layers.ignore[part]
    return Layers(layers.pixels[:, part], maps, ignore)


def _cut(
    layers: Layers,
    middle: NDArray[np.float64],
    spacing_mm: tuple[float, float, float] | None,
    patch_zyx: tuple[int, int, int],
    extent: float,
    plan: TrainingPlan,
    rng: np.random.Generator,
) -> Layers:
    """What lies around ``middle`` on a grid of cells, turned and scaled like other crops."""
    shape = layers.pixels.shape[1:]
    source = (shape[0], shape[1], shape[2])
    flat = patch_zyx[0] == 1
    z, y, x = (int(np.clip(round(m), 0, n - 1)) for m, n in zip(middle, source, strict=True))
    zoom = float(np.exp(rng.uniform(*np.log(ZOOMS))))
    region = region_around((z, y, x), source, spacing_mm, extent, flat=flat, zoom=zoom,
                           margin=MARGIN)  # fmt: skip
    (z1, z2), (y1, y2), (x1, x2) = region.window
    maps = {
        name: resampling.resample_nearest(values[z1:z2, y1:y2, x1:x2], region.grid)
        for name, values in layers.maps.items()
    }
    ignore = None
    if layers.ignore is not None:
        ignore = resampling.resample_nearest(layers.ignore[z1:z2, y1:y2, x1:x2], region.grid)
    near = Layers(pixels_of(layers.pixels, region), maps, ignore)
    cells = region.cells([(z, y, x)])[0]
    centre = [
        (n - 1) / 2 if n <= p else float(np.clip(at, p / 2, n - 1 - p / 2))
        for at, n, p in zip(cells, region.grid, patch_zyx, strict=True)
    ]
    if flat:
        return crop_flat(near, patch_zyx[1:], (centre[1], centre[2]), plan, rng)
    return crop_volume(near, patch_zyx, (centre[0], centre[1], centre[2]), plan, rng)


def _prompted(crop: Layers, truth: Bools, plan: TrainingPlan, rng: np.random.Generator) -> Layers:
    """The crop as the network sees it, with a first prompt on the object."""
    inside, outside = np.zeros(truth.shape, np.bool_), np.zeros(truth.shape, np.bool_)
    pixels = vary_looks(crop.pixels, plan, rng)
    look = Look(pixels, inside, outside, None, None, (1.0, 1.0, 1.0), ((False, False),) * 3)
    place = middle_of(truth)
    if place is not None and place.size >= LEAST_CELLS:
        look = _first_prompt(look, truth, rng)
    target = {"classes": truth.astype(np.uint16)}
    return Layers(encode(look, look.pixels.shape[0]), target, crop.ignore)


def _first_prompt(look: Look, truth: Bools, rng: np.random.Generator) -> Look:
    draw = rng.random()
    if draw < BOXES:
        return replace(look, box=_loose_box(truth, rng))
    if draw < BOXES + BEFORE:
        before = _spoilt(truth, rng)
        stroke = next_stroke(truth, before)
        look = replace(look, previous=before)
        if stroke is not None:
            (look.inside if stroke.positive else look.outside)[stroke.points[0]] = True
        return look
    cells = np.argwhere(truth)
    if draw < BOXES + BEFORE + SCRIBBLES:
        start, stop = cells[rng.integers(len(cells), size=2)]
        line = np.rint(start + (stop - start) * np.linspace(0, 1, 64)[:, None]).astype(np.int64)
        look.inside[tuple(line.T)] = truth[tuple(line.T)]
        return look
    place = middle_of(truth)
    if place is not None:
        distances = ((cells - np.array(place.voxel)) ** 2).sum(axis=1)
        nearest = cells[np.argsort(distances, kind="stable")]
        look.inside[tuple(nearest[int(rng.random() ** 3 * 0.3 * len(nearest))])] = True
    return look


def _loose_box(truth: Bools, rng: np.random.Generator) -> Bools:
    """The cells of a box around the object, drawn a little askew."""
    drawn = np.zeros(truth.shape, np.bool_)
    ends = []
    for axis, size in enumerate(truth.shape):
        there = np.flatnonzero(truth.any(axis=tuple(a for a in range(3) if a != axis)))
        low, high = int(there[0]), int(there[-1]) + 1
        slack = 0.06 * (high - low)
        low, high = (round(v + rng.normal(0, slack)) for v in (low, high))
        ends.append(slice(max(0, low), max(min(size, high), low + 1)) if size > 1 else slice(0, 1))
    drawn[ends[0], ends[1], ends[2]] = True
    return drawn


def _spoilt(truth: Bools, rng: np.random.Generator) -> Bools:
    """The truth with its border moved in and out at random, as a worse network draws it."""
    sampling = None if truth.shape[0] > 1 else (1e3, 1.0, 1.0)
    depth = ndimage.distance_transform_edt(truth, sampling=sampling)
    signed = depth - ndimage.distance_transform_edt(~truth, sampling=sampling)
    coarse = rng.normal(0, 1, [1 if n == 1 else 6 for n in truth.shape])
    shape = (truth.shape[0], truth.shape[1], truth.shape[2])
    wave = resampling.resample(coarse[None].astype(np.float32), shape, order=1)[0]
    return np.asarray(signed + wave * rng.uniform(0.3, 1.2) * float(depth.max()) > 0)


def rounds_of(rng: np.random.Generator) -> int:
    """How many corrections one step of training starts from."""
    return int(rng.choice(len(ROUNDS), p=ROUNDS))


def corrected(module: nn.Module, pixels: Tensor, truth: Tensor) -> Tensor:
    """The batch after one correction: what the network answered, and a click on its worst mistake.

    ``pixels`` (b, c + 4, *s), ``truth`` uint8 (b, *s) with IGNORED; returns new pixels.
    """
    with torch.no_grad():
        logits: Tensor = module(pixels)
    found = (logits[:, 1] > logits[:, 0]).cpu().numpy()
    given = pixels.cpu().numpy().copy()
    wanted = truth.cpu().numpy()
    for one, mask, right in zip(given, found, wanted, strict=True):
        known = right != IGNORED
        solid = mask.ndim == 3
        pair = [part if solid else part[None] for part in ((right == 1) & known, mask & known)]
        stroke = next_stroke(pair[0], pair[1])
        one[PREVIOUS] = mask
        if stroke is not None:
            cell = np.zeros(pair[0].shape, np.bool_)
            cell[stroke.points[0]] = True
            drawn = spots(cell) if solid else spots(cell)[0]
            channel = INSIDE if stroke.positive else OUTSIDE
            one[channel] = np.maximum(one[channel], drawn)
    return torch.from_numpy(given).to(pixels.device)
