"""One image through one network: ``segment``.

The image is brought to the network's grid by the recipe, cut into tiles that bound memory,
predicted, decoded, and every mask taken back to the source grid.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import torch

from segmentation.engine import preprocessing
from segmentation.engine.checkpoints import Network
from segmentation.engine.config import Recipe
from segmentation.engine.errors import CancelledError, InvalidArrayError, UnsuitableImageError
from segmentation.engine.pixels import match_channels
from segmentation.engine.predict_labels import predict_labels
from segmentation.engine.predict_objects import predict_objects
from segmentation.engine.predict_regions import predict_regions
from segmentation.engine.prediction import Found, Work
from segmentation.engine.runtime import choose_device, runner_for, thread_count
from segmentation.engine.types import Picture, Segmentation, Settings, Task
from segmentation.engine.uncertainty import PlaneKeeper


def _refuse(work: Work) -> Found:
    raise UnsuitableImageError(
        "This network answers clicks and finds nothing by itself. Choose another network here."
    )


PREDICTORS: Final[dict[Task, Callable[[Work], Found]]] = {
    "instance2d": predict_objects,
    "boxes2d": predict_objects,
    "semantic2d": predict_regions,
    "semantic3d": predict_regions,
    "labels2d": predict_labels,
    "prompts2d": _refuse,
    "prompts3d": _refuse,
}


def segment(
    picture: Picture,
    network: Network,
    settings: Settings,
    recipe: Recipe | None = None,
    progress: Callable[[float, str], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    keep_plane: PlaneKeeper | None = None,
) -> Segmentation:
    """Everything the network says about one image, on the grid of the image.

    ``settings`` may override the network's cut-offs, device and threads, ``recipe`` its
    preprocessing. ``progress`` is told a share 0..1 and a sentence; ``cancelled`` is asked between
    tiles. ``keep_plane`` takes the map of uncertainty, on the source grid, plane by plane in order;
    networks for labels of a whole image make none. On the CPU the answer repeats to the bit for one
    number of threads.

    Raises UnsuitableImageError where the image cannot be brought to the network, CancelledError
    after ``cancelled`` said yes, UnavailableDeviceError for a device that is not there.
    """
    began = time.monotonic()
    report = progress or _say_nothing
    stopped = cancelled or _never
    if stopped():
        raise CancelledError("The prediction was cancelled.")
    report(0.0, "Preparing the image")
    with thread_count(settings.threads), torch.inference_mode():
        work = prepare_work(picture, network, settings, recipe, report, stopped, keep_plane)
        found = PREDICTORS[network.task](work)
    report(1.0, "Done")
    depth, height, width = picture.pixels.shape[1:]
    return Segmentation(
        task=network.task,
        labels=network.labels,
        candidates=found.candidates,
        overlaps=found.overlaps,
        grid_zyx=(depth, height, width),
        score_cutoff=work.score_cutoff,
        overlap_cutoff=work.overlap_cutoff,
        uncertainty=min(max(found.uncertainty, 0.0), 1.0),
        device=work.runner.described,
        seconds=time.monotonic() - began,
    )


def _say_nothing(part: float, sentence: str) -> None:
    """Where nobody asked for progress."""


def _never() -> bool:
    return False


def prepare_work(
    picture: Picture,
    network: Network,
    settings: Settings,
    recipe: Recipe | None = None,
    report: Callable[[float, str], None] = _say_nothing,
    stopped: Callable[[], bool] = _never,
    keep_plane: PlaneKeeper | None = None,
) -> Work:
    """The image on the network's grid and all that its predictor needs; raises as ``segment``."""
    score_cutoff = _cutoff(settings.score_cutoff, network.card["score_cutoff"], "score")
    overlap_cutoff = _cutoff(settings.overlap_cutoff, network.card["overlap_cutoff"], "overlap")
    device = choose_device(settings.device)
    prepared = preprocessing.apply(
        recipe or preprocessing.parse_recipe(network.card["recipe"]), picture
    )
    channels = int(network.card["architecture"]["inputs"])
    z, y, x = network.card["patch_zyx"]
    return Work(
        task=network.task,
        labels=len(network.labels),
        runner=runner_for(network.module, channels, device, settings.runtime),
        pixels=match_channels(prepared.pixels, channels),
        prepared=prepared,
        patch_zyx=(z, y, x),
        score_cutoff=score_cutoff,
        overlap_cutoff=overlap_cutoff,
        progress=lambda part, sentence: report(0.05 + 0.9 * part, sentence),
        cancelled=stopped,
        temperature=temperature_of(network.card),
        keep_plane=keep_plane,
    )


def temperature_of(card: Mapping[str, Any]) -> float:
    """The temperature that training found for a network's probabilities; 1 where it found none."""
    calibration = card.get("calibration")
    value = calibration.get("temperature", 1.0) if isinstance(calibration, Mapping) else 1.0
    return float(value) if isinstance(value, (int, float)) and 0.05 <= value <= 20 else 1.0


def _cutoff(wish: float | None, own: float, name: str) -> float:
    value = float(own if wish is None else wish)
    if not 0 <= value <= 1:
        raise InvalidArrayError(f"The {name} cut-off must lie between 0 and 1, not {value:g}.")
    return value
