"""Clicks answered by a network that segments volumes: its own object there, mended by clicks.

It never learnt what a click is, but it knows the anatomy: the first click (or the mask before)
chooses one of its labels, whose probability is the first answer; later clicks pull it to their side
around them. Where it finds nothing at the place that is meant, a contour answers instead.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from segmentation.engine import preprocessing
from segmentation.engine.checkpoints import Network
from segmentation.engine.pixels import match_channels, round_up
from segmentation.engine.prompt_contour import contour_solver
from segmentation.engine.prompt_network import network_solver, pulled
from segmentation.engine.prompts import Look, Solver
from segmentation.engine.runtime import choose_device, runner_for, thread_count
from segmentation.engine.types import PROMPT_TASKS, Picture

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]

KNOWN: Final = 0.2
"""Mean probability of a label, where the person points, from which the network's word counts."""


class PriorSolver:
    """A ``Solver`` from a network of the task "semantic3d".

    ``is_contour`` says whether the last look was answered by a contour. The network's answer to
    one grid is kept, since a person's clicks mostly share it.
    """

    def __init__(self, network: Network, device: str = "cpu", threads: int | None = None) -> None:
        self._recipe = preprocessing.parse_recipe(network.card["recipe"])
        self._channels = int(network.card["architecture"]["inputs"])
        self._stride = int(network.module.stride) if isinstance(network.module.stride, int) else 1
        self._device, self._threads = choose_device(device), threads
        with thread_count(threads):
            self._runner = runner_for(network.module, self._channels, self._device, "auto")
        self._seen: tuple[bytes, Floats] | None = None
        self.is_contour = False

    def __call__(self, look: Look) -> Floats:
        labels = self._probabilities(look.pixels)[1:]
        meant = _meant(look)
        strength = labels[:, meant].mean(axis=1)
        best = int(strength.argmax())
        self.is_contour = not strength[best] >= KNOWN
        if self.is_contour:
            return contour_solver(look)
        found = np.clip(labels[best], 1e-6, 1 - 1e-6)
        return pulled(np.log(found / (1 - found)), look)

    def _probabilities(self, pixels: Floats) -> Floats:
        """Of every label, background first: ``(1 + labels, z, y, x)``."""
        key = pixels.tobytes()
        if self._seen is None or self._seen[0] != key:
            self._seen = key, self._predicted(pixels)
        return self._seen[1]

    def _predicted(self, pixels: Floats) -> Floats:
        prepared = preprocessing.apply(self._recipe, Picture(pixels))
        given = torch.from_numpy(match_channels(prepared.pixels, self._channels))[None]
        grid = given.shape[2:]
        pads = [w for n in reversed(grid) for w in (0, round_up(n, self._stride) - n)]
        padded = functional.pad(given, pads, mode="replicate").contiguous()
        with thread_count(self._threads), torch.inference_mode():
            logits = self._runner.answer(padded)
            if not isinstance(logits, Tensor):
                raise TypeError("A network for pixel classes must answer with one tensor.")
            found = torch.softmax(logits[0], dim=0).cpu().numpy()
        return np.ascontiguousarray(found[:, : grid[0], : grid[1], : grid[2]])


def _meant(look: Look) -> Bools:
    """The cells that say which object is meant: the mask before, else the clicks, else the box."""
    for cells in (look.previous, look.inside, look.box):
        if cells is not None and cells.any():
            return cells
    return ~look.outside


def keeps_cells(network: Network) -> bool:
    """Whether the network sees an image at its own pixels, as a look shows it."""
    recipe = preprocessing.parse_recipe(network.card["recipe"])
    return network.task == "semantic3d" and recipe.step("size").method == "keep"


def solver_for(network: Network, device: str = "cpu", threads: int | None = None) -> Solver:
    """How a network answers a look, whether it learnt about clicks or not."""
    if network.task in PROMPT_TASKS:
        return network_solver(network, device, threads)
    return PriorSolver(network, device, threads)
