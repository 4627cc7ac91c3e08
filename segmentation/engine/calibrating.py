"""The temperature at which a network's probabilities mean what they say, found on validation cases.

One number divides all logits (Guo et al., On calibration of modern neural networks, ICML 2017,
section 4.2). It is kept only where it helps on cases that it was not fitted on; masks and scores
never change by it, only what is said of their uncertainty.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from segmentation.engine.calibration import calibration_error
from segmentation.engine.cases import TrainingCase, Truth
from segmentation.engine.checkpoints import Network
from segmentation.engine.config import Recipe
from segmentation.engine.inference import prepare_work
from segmentation.engine.predict_objects import over_tiles
from segmentation.engine.predict_regions import settled_slabs
from segmentation.engine.preprocessing import prepare_labels
from segmentation.engine.runtime import thread_count
from segmentation.engine.types import Picture, Settings
from segmentation.engine.uncertainty import tempered

Floats = NDArray[np.float32]
Known = tuple[Floats, NDArray[np.int64]]
"""Probabilities ``(classes, n)`` of pixels, and their true classes ``(n,)``."""

MOST_PIXELS = 50_000
"""Of one image, evenly spread."""

SEARCHED = np.exp(np.linspace(np.log(0.25), np.log(4.0), 97))
"""Temperatures that are tried, 3 % apart."""


def known_pixels(
    network: Network,
    picture: Picture,
    truth: Truth,
    settings: Settings,
    recipe: Recipe | None = None,
    most: int = MOST_PIXELS,
) -> Known | None:
    """What a network says of pixels whose class is known, on its own grid, without a temperature.

    None where the task or the truth says nothing of single pixels. Objects and ground are two
    classes. Ignored pixels are left out.
    """
    objects = network.task == "instance2d"
    classes = truth.instances if objects else truth.classes
    if network.task not in ("instance2d", "semantic2d", "semantic3d") or classes is None:
        return None
    with thread_count(settings.threads), torch.inference_mode():
        work = prepare_work(picture, network, settings, recipe)
        if objects:
            depth = range(work.pixels.shape[1])
            levels = np.stack([over_tiles(work, z)[1] for z in depth]).astype(np.float32) / 255
            p = np.stack([1 - levels, levels])
        else:
            p = np.concatenate([s for _, s in settled_slabs(work, work.labels + 1)], axis=1)
    drawn = prepare_labels(work.prepared, (classes > 0).astype(np.uint8) if objects else classes)
    there = np.ones(drawn.shape, np.bool_)
    if truth.ignore is not None:
        there = ~prepare_labels(work.prepared, truth.ignore)
    places = np.flatnonzero(there)
    places = places[:: max(1, -(-places.size // most))]
    flat = p.reshape(p.shape[0], -1)[:, places]
    return flat.astype(np.float32), drawn.reshape(-1)[places].astype(np.int64)


def surprise(known: Known, temperature: float) -> float:
    """The mean negative logarithm of the true class's probability, in nats."""
    p, classes = known
    chosen = np.take_along_axis(tempered(p, temperature), classes[None], axis=0)
    return float(-np.log(np.maximum(chosen, 1e-7), dtype=np.float64).mean())


def fit_temperature(known: Known) -> float:
    """Return the temperature of the least surprise among those searched."""
    return float(SEARCHED[int(np.argmin([surprise(known, t) for t in SEARCHED]))])


def confidence_error(known: Known, temperature: float = 1.0) -> float:
    """Return the expected calibration error of the best class's probability."""
    p, classes = known
    soft = np.clip(tempered(p, temperature), 0, 1)
    return calibration_error(soft.max(axis=0), p.argmax(axis=0) == classes)


def calibrated(cases: Sequence[Known]) -> dict[str, Any]:
    """The card's entry: the temperature, and the calibration error without it and with it.

    Cases are halved, and each half is judged at the temperature of the other: only where that
    lowers the surprise of both is the temperature of all kept, else it is 1. Empty for fewer than
    two cases.
    """
    if len(cases) < 2:
        return {}
    halves = (joined(cases[::2]), joined(cases[1::2]))
    helps = all(
        surprise(judged, fit_temperature(fitted)) < surprise(judged, 1.0)
        for fitted, judged in (halves, halves[::-1])
    )
    every = joined(cases)
    temperature = fit_temperature(every) if helps else 1.0
    return {
        "temperature": round(temperature, 4),
        "error_without": round(confidence_error(every), 5),
        "error": round(confidence_error(every, temperature), 5),
        "cases": len(cases),
        "pixels": int(every[1].size),
    }


def joined(cases: Iterable[Known]) -> Known:
    parts = list(cases)
    return np.concatenate([p for p, _ in parts], axis=1), np.concatenate([y for _, y in parts])


def calibrate(
    network: Network, cases: Sequence[TrainingCase], recipe: Recipe, device: str = "cpu"
) -> dict[str, Any]:
    """The card's entry from validation cases; empty where nothing can be said."""
    settings = Settings(device=device, runtime="torch")
    found = (known_pixels(network, *case.load(), settings, recipe) for case in cases)
    return calibrated([known for known in found if known is not None])
