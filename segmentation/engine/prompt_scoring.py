"""The figures of a network that answers clicks, by a simulated person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from segmentation.engine.cases import TrainingCase, Truth
from segmentation.engine.checkpoints import Network
from segmentation.engine.prompt_clicks import click_through
from segmentation.engine.prompt_network import extent_of, network_solver
from segmentation.engine.prompt_samples import objects_of

Bools = NDArray[np.bool_]

VALIDATION_CLICKS: Final = 3
VALIDATION_OBJECTS: Final = 8


def validate_prompts(
    network: Network, cases: Sequence[TrainingCase], device: str
) -> dict[str, float | None]:
    """Mean IoU after 1 and after 3 clicks, over the largest object of every case."""
    solver = network_solver(network, device)
    reached: list[list[float]] = []
    for case in cases[:: -(-len(cases) // VALIDATION_OBJECTS) or 1]:
        picture, truth = case.load()
        largest = _largest(truth)
        if largest is None:
            continue
        z = int(largest.sum(axis=(1, 2)).argmax())
        if network.task == "prompts2d" and largest.shape[0] > 1:
            largest = largest[z : z + 1]
            picture = replace(picture, pixels=picture.pixels[:, z : z + 1])
        curve = click_through(picture, largest, solver, extent_of(network), VALIDATION_CLICKS)
        reached.append(curve + curve[-1:] * (VALIDATION_CLICKS - len(curve)))
    if not reached:
        return {"iou1": None, "iou3": None}
    means = np.mean(reached, axis=0)
    return {"iou1": float(means[0]), "iou3": float(means[-1])}


def _largest(truth: Truth) -> Bools | None:
    objects = truth.instances if truth.instances is not None else None
    if objects is None and truth.classes is not None:
        objects = objects_of(truth.classes)
    if objects is None or not objects.any():
        return None
    sizes = ndimage.sum_labels(np.ones(objects.shape), objects, np.arange(1, objects.max() + 1))
    return np.asarray(objects == int(np.argmax(sizes)) + 1)
