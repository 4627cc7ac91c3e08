"""From truth to what the networks are asked to say.

Star-convex targets follow StarDist (Schmidt et al., MICCAI 2018): per grid point inside an object
the distance to the object's border along evenly spread rays. The object probability is the
distance to the nearest border relative to its largest value in the object, so that its maximum
stands in the object's middle; here it is taken from the rays themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from segmentation.engine.networks.star import Grid
from segmentation.engine.types import Box

IGNORED = 255
"""Value in a class target where nothing is known."""

EVEN_AREA = 256
"""Area in pixels of an object whose points weigh as much as background."""

WEIGHTS = (0.5, 3.0)


@dataclass(frozen=True)
class StarTargets:
    """``probability`` (h/grid, w/grid) in 0..1; ``rays`` (rays, h/grid, w/grid) in pixels, 0
    outside objects; ``foreground`` uint8 (h, w): 0, 1 or IGNORED; ``classes`` uint8 (h, w): the
    label counted from 1 inside objects of known label, else 0; ``weight`` (h/grid, w/grid) is 1
    outside objects, 0 where nothing is known; inside, on a grid of two, the more the smaller an
    object is, else 1."""

    probability: NDArray[np.float32]
    rays: NDArray[np.float32]
    foreground: NDArray[np.uint8]
    classes: NDArray[np.uint8]
    weight: NDArray[np.float32]


def ray_directions(rays: int) -> NDArray[np.float32]:
    """Unit steps ``(rays, 2)`` as (dy, dx); ray k points at the angle 2 pi k / rays from +x,
    turning towards +y."""
    angles = 2 * np.pi * np.arange(rays) / rays
    return np.stack([np.sin(angles), np.cos(angles)], axis=1).astype(np.float32)


def star_targets(
    instances: NDArray[np.integer],
    classes: NDArray[np.uint8] | None,
    ignore: NDArray[np.bool_] | None,
    rays: int,
    grid: Grid = 4,
) -> StarTargets:
    """Targets of one crop ``(h, w)`` whose sides are multiples of ``grid``.

    Pixels where two objects touch are no foreground: the gap between them is what lets the
    decoder tell them apart. Ignored pixels teach nothing.
    """
    labels = np.ascontiguousarray(instances, dtype=np.int32)
    if ignore is not None:
        labels = np.where(ignore, 0, labels)
    distances = _distances(labels, ray_directions(rays), grid)
    centres = labels[grid // 2 :: grid, grid // 2 :: grid]
    nearest = distances.min(axis=0)
    largest = np.zeros(int(labels.max(initial=0)) + 1, dtype=np.float32)
    np.maximum.at(largest, centres, nearest)
    inside = centres > 0
    probability = np.where(inside, nearest / np.maximum(largest[centres], 1e-6), 0)
    foreground = ((labels > 0) & ~_touching(labels)).astype(np.uint8)
    weight = _weights(labels)[centres] if grid == 2 else np.ones(centres.shape, np.float32)
    if ignore is not None:
        foreground[ignore] = IGNORED
        weight[ignore[grid // 2 :: grid, grid // 2 :: grid]] = 0
    named = (
        np.zeros(labels.shape, np.uint8) if classes is None else np.where(labels > 0, classes, 0)
    )
    return StarTargets(
        probability.astype(np.float32), distances, foreground, named.astype(np.uint8), weight
    )


def _weights(labels: NDArray[np.int32]) -> NDArray[np.float32]:
    """By label the weight of its points: an object counts by its diameter, not by its area, so
    that small ones are not lost among large ones. Background counts 1."""
    areas = np.bincount(labels.reshape(-1))
    weights = np.clip((EVEN_AREA / np.maximum(areas, 1)) ** 0.5, *WEIGHTS).astype(np.float32)
    weights[0] = 1
    return weights


def _touching(labels: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Pixels of an object beside (4-neighbourhood) a pixel of another object."""
    touching = np.zeros(labels.shape, dtype=np.bool_)
    for axis in (0, 1):
        first = labels[:-1] if axis == 0 else labels[:, :-1]
        second = labels[1:] if axis == 0 else labels[:, 1:]
        differ = (first != second) & (first > 0) & (second > 0)
        if axis == 0:
            touching[:-1] |= differ
            touching[1:] |= differ
        else:
            touching[:, :-1] |= differ
            touching[:, 1:] |= differ
    return touching


@njit(cache=True)
def _distances(
    labels: NDArray[np.int32], directions: NDArray[np.float32], grid: int
) -> NDArray[np.float32]:
    """March along every ray from every grid point in an object until the object ends."""
    height, width = labels.shape
    rays = directions.shape[0]
    out = np.zeros((rays, height // grid, width // grid), dtype=np.float32)
    for i in range(height // grid):
        for j in range(width // grid):
            y0, x0 = grid * i + grid // 2, grid * j + grid // 2
            label = labels[y0, x0]
            if label == 0:
                continue
            for k in range(rays):
                dy, dx = directions[k, 0], directions[k, 1]
                distance = np.float32(0.5)
                while True:
                    y = int(np.floor(y0 + 0.5 + dy * distance))
                    x = int(np.floor(x0 + 0.5 + dx * distance))
                    if y < 0 or x < 0 or y >= height or x >= width or labels[y, x] != label:
                        break
                    distance += np.float32(0.5)
                out[k, i, j] = distance
    return out


def class_targets(
    classes: NDArray[np.integer], ignore: NDArray[np.bool_] | None
) -> NDArray[np.uint8]:
    """Class per pixel, IGNORED where nothing is known; any number of axes."""
    out = np.array(classes, dtype=np.uint8)
    if ignore is not None:
        out[ignore] = IGNORED
    return out


def boxes_as_objects(
    boxes: Sequence[tuple[int, Box]], height_width: tuple[int, int]
) -> tuple[NDArray[np.uint16], NDArray[np.uint8]]:
    """Draw each box as the ellipse that fills it: ``(instances, classes)``, both ``(h, w)``.

    Rays of an ellipse are smooth where those of a rectangle have corners, and its bounding box is
    the box. Smaller boxes are drawn later, so that a small object on a large one is not lost.
    """
    instances = np.zeros(height_width, dtype=np.uint16)
    classes = np.zeros(height_width, dtype=np.uint8)
    by_size = sorted(boxes, key=lambda b: -(b[1][2] - b[1][0]) * (b[1][3] - b[1][1]))
    for value, (label, (x1, y1, x2, y2)) in enumerate(by_size, start=1):
        top, left = max(y1, 0), max(x1, 0)
        bottom, right = min(y2, height_width[0]), min(x2, height_width[1])
        if top >= bottom or left >= right:
            continue
        dy = (np.arange(top, bottom) + 0.5 - (y1 + y2) / 2) / ((y2 - y1) / 2)
        dx = (np.arange(left, right) + 0.5 - (x1 + x2) / 2) / ((x2 - x1) / 2)
        inside = dy[:, None] ** 2 + dx[None, :] ** 2 <= 1
        instances[top:bottom, left:right][inside] = value
        classes[top:bottom, left:right][inside] = label
    return instances, classes
