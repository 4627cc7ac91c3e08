"""Small drawn images whose truth is known, for the tests of networks and training."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.cases import TrainingCase, Truth
from segmentation.engine.types import Picture


def discs(
    seed: int, size: int = 96, count: int = 6, classes: bool = False
) -> tuple[Picture, Truth]:
    """Bright discs that do not touch, radius 6 to 9, on a dark noisy ground.

    With ``classes`` every other disc is bright (label 1), the others dim (label 2).
    """
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size]
    instances = np.zeros((size, size), np.uint16)
    labels = np.zeros((size, size), np.uint8)
    pixels = rng.normal(20, 4, (size, size))
    value = 0
    for _ in range(400):
        if value == count:
            break
        cy, cx = rng.uniform(10, size - 10, 2)
        radius = rng.uniform(6, 9)
        inside = (y + 0.5 - cy) ** 2 + (x + 0.5 - cx) ** 2 <= radius**2
        near = (y + 0.5 - cy) ** 2 + (x + 0.5 - cx) ** 2 <= (radius + 3) ** 2
        if instances[near].any():
            continue
        value += 1
        label = 1 + value % 2 if classes else 1
        instances[inside], labels[inside] = value, label
        pixels[inside] += 180 if label == 1 else 90
    image = np.clip(pixels, 0, 255).astype(np.uint8)[None, None]
    return Picture(image), Truth(instances=instances[None], classes=labels[None])


def ball(seed: int, shape: tuple[int, int, int] = (16, 20, 24)) -> tuple[Picture, Truth]:
    """A bright ball, its upper half label 1 and the lower label 2, off the middle."""
    rng = np.random.default_rng(seed)
    z, y, x = np.mgrid[: shape[0], : shape[1], : shape[2]]
    centre = np.array(shape) / 2 + rng.uniform(-1.5, 1.5, 3)
    inside = (z - centre[0]) ** 2 + (y - centre[1]) ** 2 + (x - centre[2]) ** 2 <= 25
    classes = np.where(inside, np.where(z > centre[0], 2, 1), 0).astype(np.uint8)
    pixels = rng.normal(100, 8, shape) + 120 * (classes == 1) + 220 * (classes == 2)
    return Picture(pixels.astype(np.int16)[None], (1.0, 1.0, 1.0), "MR"), Truth(classes=classes)


def disc_cases(count: int = 6, *, validation: int = 0, size: int = 96) -> list[TrainingCase]:
    """Cases of ``discs``; the last ones are for validation."""
    return [
        TrainingCase(
            f"case{seed}",
            lambda seed=seed: discs(seed, size),
            f"group{seed}",
            "validation" if seed >= count - validation else "train",
        )
        for seed in range(count)
    ]


def distances_to_middle(mask: NDArray[np.bool_], y: float, x: float) -> NDArray[np.float64]:
    """How far the middles of a mask's pixels are from a point."""
    rows, columns = np.nonzero(mask)
    return np.hypot(rows + 0.5 - y, columns + 0.5 - x)
