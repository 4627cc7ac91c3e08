"""What training is made of: images with their truth, a budget, and the events it reports."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.types import Box, Picture

Split = Literal["train", "validation"]
StopWord = Literal["cancel", "pause"]


@dataclass(frozen=True)
class Truth:
    """What people say about one image, on its source grid; None where they say nothing.

    ``instances`` is uint16 ``(z, y, x)``: 0 background, each object its own value. ``classes`` is
    uint8 ``(z, y, x)``: 0 background, else the label counted from 1; beside ``instances`` it tells
    the label of each object. ``boxes`` pairs a label with a box. ``label`` is the label of the
    whole image, 0 where none applies. ``ignore`` marks pixels about which nothing is said.
    """

    instances: NDArray[np.uint16] | None = None
    classes: NDArray[np.uint8] | None = None
    boxes: tuple[tuple[int, Box], ...] | None = None
    label: int | None = None
    ignore: NDArray[np.bool_] | None = None


@dataclass(frozen=True)
class TrainingCase:
    """One image to learn from. ``load`` reads it when needed, so a set may exceed memory.

    Cases of one ``group`` (a patient, a slide) belong to one split; ``weight`` says how often a
    case is drawn relative to the others.
    """

    id: str
    load: Callable[[], tuple[Picture, Truth]]
    group: str
    split: Split = "train"
    weight: float = 1.0
    kind: str = ""


@dataclass(frozen=True)
class Budget:
    """How long to train: a number of steps (repeatable) or of minutes (as far as it gets)."""

    steps: int | None = None
    minutes: float | None = None


@dataclass(frozen=True)
class TrainingEvent:
    """A point on the training curve. ``of`` is None where the budget is in minutes."""

    step: int
    of: int | None
    loss: float
    seconds: float
    validation: Mapping[str, Any] | None = None
    message: str = ""
