"""Figures that shape a training run, per task."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from segmentation.engine.types import Task


@dataclass(frozen=True)
class TrainingPlan:
    """How one task is trained; sizes in pixels of the recipe's grid.

    ``patch_zyx`` is the largest crop; smaller images make it shrink to what they need.
    ``degrees`` and ``scales`` bound the random affine map; ``mirrored`` allows flips of x,
    ``turned`` also of y: right for microscopy, wrong for anatomy. ``stretch`` bounds how much more
    one axis is scaled than the other. ``inverted`` is the share of crops whose brightness is
    turned round, ``looks`` how far brightness, noise and the like stray, 1 for little.
    """

    patch_zyx: tuple[int, int, int]
    batch: int
    learning_rate: float = 3e-3
    degrees: float = 15.0
    scales: tuple[float, float] = (0.8, 1.25)
    mirrored: bool = False
    turned: bool = False
    inverted: float = 0.0
    stretch: float = 1.0
    looks: float = 1.0


PLANS: Final[dict[Task, TrainingPlan]] = {
    "instance2d": TrainingPlan(
        (1, 256, 256), 8, degrees=180.0, scales=(0.7, 1.4), mirrored=True, turned=True, inverted=0.2
    ),
    "boxes2d": TrainingPlan(
        (1, 256, 256), 8, degrees=0.0, scales=(0.7, 1.4), mirrored=True, turned=True, inverted=0.1
    ),
    "labels2d": TrainingPlan((1, 256, 256), 8, learning_rate=1e-3, mirrored=True),
    "semantic2d": TrainingPlan(
        (1, 320, 320), 4, learning_rate=1e-3, scales=(0.75, 1.3), stretch=1.15, looks=1.8
    ),
    "semantic3d": TrainingPlan((64, 96, 96), 2, learning_rate=1e-3, degrees=12.0),
    "prompts2d": TrainingPlan(
        (1, 256, 256),
        4,
        learning_rate=2e-3,
        degrees=180.0,
        mirrored=True,
        turned=True,
        inverted=0.1,
    ),
    "prompts3d": TrainingPlan((64, 64, 64), 2, learning_rate=2e-3, mirrored=True),
}


def plan_for(task: Task, labels: int) -> TrainingPlan:
    """The plan of a task; a single class of pixels has no side, so it may be mirrored."""
    plan = PLANS[task]
    if task in ("semantic2d", "semantic3d") and labels == 1:
        return replace(plan, mirrored=True)
    return plan


WARM_START_RATE: Final = 0.2
"""Share of the learning rate when training goes on from a network instead of from scratch."""

WEIGHT_DECAY: Final = 1e-4
WARM_UP_STEPS: Final = 50
EMA_DECAY: Final = 0.998
GRADIENT_NORM: Final = 10.0
CACHE_BYTES: Final = 1 << 30

STATE_EVERY_S: Final = 45.0
EVENT_EVERY_S: Final = 2.0
VALIDATION_CASES: Final = 24
VALIDATIONS: Final = 10
"""How often the validation cases are scored over the length of a run, the end included."""
