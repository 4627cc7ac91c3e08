"""What the predictors of all tasks share: their input and their answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from segmentation.engine.errors import CancelledError
from segmentation.engine.preprocessing import Prepared
from segmentation.engine.runtime import Runner
from segmentation.engine.types import Candidate, Task
from segmentation.engine.uncertainty import PlaneKeeper

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Work:
    """One prepared image and the network to run over it.

    ``pixels`` is ``(c, z, y, x)`` on the network's grid with the network's channels. ``keep_plane``
    is given the map of uncertainty, where somebody wants it.
    """

    task: Task
    labels: int
    runner: Runner
    pixels: Floats
    prepared: Prepared
    patch_zyx: tuple[int, int, int]
    score_cutoff: float
    overlap_cutoff: float
    progress: Callable[[float, str], None]
    cancelled: Callable[[], bool]
    temperature: float = 1.0
    keep_plane: PlaneKeeper | None = None

    def tell(self, done: int, of: int) -> None:
        """Report a finished tile; raises CancelledError where the caller wants to stop."""
        if self.cancelled():
            raise CancelledError("The prediction was cancelled.")
        self.progress(done / max(of, 1), f"Part {done} of {of}")

    def run(self, patch: Floats) -> Tensor | tuple[Tensor, ...]:
        """The network's answer to one patch ``(c, *s)``, as a batch of one."""
        return self.runner.answer(torch.from_numpy(np.ascontiguousarray(patch))[None])


@dataclass(frozen=True)
class Found:
    """The candidates of one image, best first, which pairs overlap, and how unsure the network is
    (0 sure, 1 a coin's toss)."""

    candidates: tuple[Candidate, ...]
    overlaps: tuple[tuple[int, int, float], ...]
    uncertainty: float


def binary_entropy(probabilities: NDArray[np.floating]) -> NDArray[np.float64]:
    """Entropy in bits of yes-or-no probabilities, 0 to 1."""
    p = np.clip(np.asarray(probabilities, dtype=np.float64), 1e-9, 1 - 1e-9)
    return -(p * np.log2(p) + (1 - p) * np.log2(1 - p))


def tile_starts(size: int, patch: int, step: int) -> list[int]:
    """Where tiles of ``patch`` begin so that they cover ``size``, at most ``step`` apart.

    Evenly spread; one tile where the patch covers everything.
    """
    if size <= patch:
        return [0]
    count = -(-(size - patch) // step) + 1
    return [round(k * (size - patch) / (count - 1)) for k in range(count)]
