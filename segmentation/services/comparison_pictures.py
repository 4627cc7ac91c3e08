"""Pictures of where two networks differ: champion on the left, challenger on the right.

Each half shows the same slice, the truth outlined in one colour and the network in another, so
that a reader sees at a glance what was missed and what was invented.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from segmentation.engine.types import Box
from segmentation.storage.pictures import eight_bit

# Okabe and Ito's palette: told apart with any colour vision.
TRUTH_COLOUR = (0, 158, 115)
NETWORK_COLOUR = (230, 159, 0)
LONGEST_PX = 480
GAP_PX = 4
Plane = NDArray[np.integer[Any]]


def picture_of_masks(
    pixels: NDArray[Any], truth: Plane, champion: Plane, challenger: Plane
) -> bytes:
    """A PNG of one slice: ``pixels`` ``(c, y, x)``, each mask an integer map ``(y, x)``."""
    step = max(1, -(-max(truth.shape) // LONGEST_PX))
    base = _colour(pixels[:, ::step, ::step])
    halves = []
    for network in (champion, challenger):
        half = base.copy()
        half[outline(truth[::step, ::step])] = TRUTH_COLOUR
        half[outline(network[::step, ::step])] = NETWORK_COLOUR
        halves.append(half)
    return _png(halves)


def picture_of_boxes(
    pixels: NDArray[Any], truth: Sequence[Box], champion: Sequence[Box], challenger: Sequence[Box]
) -> bytes:
    """The same for boxes ``(x1, y1, x2, y2)``, half-open."""
    shape = (pixels.shape[1], pixels.shape[2])
    return picture_of_masks(
        pixels, _drawn(truth, shape), _drawn(champion, shape), _drawn(challenger, shape)
    )


def worst_slice(truth: NDArray[Any], champion: NDArray[Any], challenger: NDArray[Any]) -> int:
    """The z at which the two networks differ most; the fullest slice of truth if nowhere."""
    differing = np.count_nonzero((champion > 0) != (challenger > 0), axis=(1, 2))
    if not differing.any():
        differing = np.count_nonzero(truth, axis=(1, 2))
    return int(differing.argmax())


def outline(labels: Plane) -> NDArray[np.bool_]:
    """Pixels of a label that touch another label or the ground, inside the label."""
    edge = np.zeros(labels.shape, bool)
    down = labels[1:] != labels[:-1]
    right = labels[:, 1:] != labels[:, :-1]
    edge[1:] |= down
    edge[:-1] |= down
    edge[:, 1:] |= right
    edge[:, :-1] |= right
    return edge & (labels > 0)


def _drawn(boxes: Sequence[Box], shape: tuple[int, int]) -> NDArray[np.int32]:
    labels = np.zeros(shape, np.int32)
    for number, (x1, y1, x2, y2) in enumerate(boxes, start=1):
        labels[y1:y2, x1:x2] = number
    return labels


def _colour(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    grey = eight_bit(pixels, None)
    return np.repeat(grey[..., None], 3, axis=2) if grey.ndim == 2 else grey.copy()


def _png(halves: Sequence[NDArray[np.uint8]]) -> bytes:
    gap = np.full((halves[0].shape[0], GAP_PX, 3), 128, np.uint8)
    target = io.BytesIO()
    joined = np.ascontiguousarray(np.concatenate([halves[0], gap, halves[1]], axis=1))
    Pillow.fromarray(joined).save(target, "PNG")
    return target.getvalue()
