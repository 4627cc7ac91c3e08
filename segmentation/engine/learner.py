"""A training run in progress: network, optimiser and running mean, one step at a time."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from segmentation.engine.checkpoints import Network
from segmentation.engine.losses import StarTruth, label_loss, semantic_loss, star_loss
from segmentation.engine.networks.build import architecture_for, build
from segmentation.engine.networks.star import StarNet, StarOutput
from segmentation.engine.pixels import round_up
from segmentation.engine.plans import (
    EMA_DECAY,
    GRADIENT_NORM,
    PLANS,
    WARM_START_RATE,
    WARM_UP_STEPS,
    WEIGHT_DECAY,
)
from segmentation.engine.prompt_samples import corrected, region_patch, rounds_of
from segmentation.engine.runtime import laid_out, moved, place
from segmentation.engine.samples import (
    Batch,
    CaseStore,
    Prefetcher,
    Sampler,
    extent_in,
    longest_in,
)
from segmentation.engine.training_state import Progress, load_state, save_state
from segmentation.engine.types import PROMPT_TASKS, SOLID_TASKS, Task

SIZES_LOOKED_AT = 16
PATCH_STEP = 32
PATCH_STEP_3D = 8


class Learner:
    """Everything that changes while training, and the rules by which it changes."""

    def __init__(
        self,
        store: CaseStore,
        task: Task,
        labels: int,
        seed: int,
        start: Network | None,
        device: torch.device,
        architecture: Mapping[str, Any] | None = None,
        rate: float | None = None,
    ) -> None:
        self.task = task
        self.seed = seed
        self.device = device
        self.channels, self.patch_zyx = look_at(store, task, start)
        self.architecture = _architecture(task, labels, self.channels, start, architecture)
        self.module = place(_started(self.architecture, seed, start), device).train()
        self.extent = _extent(store, task, start)
        if task in PROMPT_TASKS and start is None:
            self.patch_zyx = region_patch(self.patch_zyx, longest_in(store, SIZES_LOOKED_AT))
        rays, grid = (int(self.architecture.get(key, 0)) for key in ("rays", "grid"))
        sampler = Sampler(
            store,
            task,
            labels,
            self.channels,
            self.patch_zyx,
            rays,
            grid=2 if grid == 2 else 4,
            extent=self.extent,
        )
        self._batches = Prefetcher(sampler, seed, _helpers(device))
        usual = 1.0 if start is None else WARM_START_RATE
        self._rate = PLANS[task].learning_rate * (usual if rate is None else rate)
        self._optimiser = torch.optim.AdamW(
            self.module.parameters(), lr=self._rate, weight_decay=WEIGHT_DECAY
        )
        self._mean = {n: t.detach().clone() for n, t in self.module.state_dict().items()}

    def step(self, number: int, part: float) -> float:
        """Learn from batch ``number``; ``part`` in 0..1 says how much of the budget is spent."""
        batch = self._batches.batch(number)
        if self.task in PROMPT_TASKS:
            batch = self._with_corrections(batch, number)
        warm = min(1.0, (number + 1) / WARM_UP_STEPS)
        for group in self._optimiser.param_groups:
            group["lr"] = self._rate * warm * 0.5 * (1 + math.cos(math.pi * min(part, 1.0)))
        loss = loss_of(self.module, batch, self.task, self.device)
        self._optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(self.module.parameters(), GRADIENT_NORM)
        self._optimiser.step()
        self._average(number)
        return float(loss.detach())

    def _with_corrections(self, batch: Batch, number: int) -> Batch:
        """Some steps start from clicks on the network's own mistakes."""
        rounds = rounds_of(np.random.default_rng([self.seed, number]))
        if not isinstance(batch.truth, Tensor):
            return batch
        for _ in range(rounds):
            pixels = corrected(self.module, batch.pixels.to(self.device), batch.truth)
            batch = Batch(pixels, batch.truth)
        return batch

    def _average(self, number: int) -> None:
        """Move the running mean of weights and statistics a little towards the weights."""
        decay = min(EMA_DECAY, (1 + number) / (10 + number))
        with torch.no_grad():
            for name, tensor in self.module.state_dict().items():
                mean = self._mean[name]
                if tensor.is_floating_point():
                    mean.lerp_(tensor, 1 - decay)
                else:
                    mean.copy_(tensor)

    def averaged(self) -> nn.Module:
        """A copy of the network with the running mean of its weights, ready to predict."""
        module = build(self.architecture)
        module.load_state_dict(self._mean)
        return place(module, self.device).eval()

    def save(self, folder: Path, progress: Progress, run: str) -> None:
        """Write the state of the run to disk."""
        save_state(folder, self.module, self._mean, self._optimiser, progress, run)

    def close(self) -> None:
        """End what works beside the training."""
        self._batches.close()

    def load(self, folder: Path, run: str) -> Progress | None:
        """Take up the state of the same run from disk; None where there is none."""
        return load_state(folder, self.module, self._mean, self._optimiser, run)


def loss_of(module: nn.Module, batch: Batch, task: Task, device: torch.device) -> Tensor:
    """The task's loss of one batch."""
    pixels = laid_out(module, moved(batch.pixels, device))
    half = half_precision(module, device)
    with torch.autocast(device.type, torch.bfloat16, enabled=half):
        output = module(pixels)
    truth = batch.truth
    if isinstance(truth, StarTruth):
        maps = StarOutput(*(each.float() for each in output))
        return star_loss(maps, StarTruth(*(t.to(device) for t in truth)))
    wanted = truth.to(device)
    return label_loss(output, wanted) if task == "labels2d" else semantic_loss(output, wanted)


def _helpers(device: torch.device) -> int:
    """Threads that make batches ahead: none where the network computes on the same cores."""
    return min(8, max(1, (os.cpu_count() or 1) - 1)) if device.type == "cuda" else 0


def half_precision(module: nn.Module, device: torch.device) -> bool:
    """Whether convolutions are trained in bfloat16: where the device computes in it.

    Measured for the star network only: a step takes 0.6 of the time on a CPU with AVX512-BF16.
    Weights, losses and their gradients stay in float32, and so does every prediction.
    """
    if not isinstance(module, StarNet):
        return False
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return bool(torch.cpu.get_capabilities().get("avx512_bf16", False))


def look_at(
    store: CaseStore, task: Task, start: Network | None
) -> tuple[int, tuple[int, int, int]]:
    """Channels and patch for these images, from the first few of them.

    The patch is the plan's, or smaller where all images are. Going on from a network keeps its
    channels and its patch, so that its weights fit.
    """
    if start is not None:
        z, y, x = start.card["patch_zyx"]
        return int(start.card["architecture"]["inputs"]), (z, y, x)
    shapes = [
        store.example(index).layers.pixels.shape
        for index in range(min(len(store.cases), SIZES_LOOKED_AT))
    ]
    most = [max(shape[axis] for shape in shapes) for axis in (1, 2, 3)]
    plan = PLANS[task].patch_zyx
    step = PATCH_STEP_3D if task in SOLID_TASKS else PATCH_STEP
    z, y, x = (min(p, round_up(n, step)) for p, n in zip(plan, most, strict=True))
    return max(shape[0] for shape in shapes), (z if task in SOLID_TASKS else 1, y, x)


def _extent(store: CaseStore, task: Task, start: Network | None) -> float:
    if task not in PROMPT_TASKS:
        return 0.0
    known = None if start is None else start.card.get("extent_px")
    return extent_in(store, SIZES_LOOKED_AT) if known is None else float(known)


def _architecture(
    task: Task,
    labels: int,
    channels: int,
    start: Network | None,
    changes: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """The task's own architecture with ``changes``; going on from a network keeps its grid."""
    own = architecture_for(task, labels, channels)
    if start is not None and "grid" in own and start.card["architecture"].get("name") == "star":
        own["grid"] = start.card["architecture"].get("grid", 4)
    return own | dict(changes or {})


def _started(architecture: dict[str, Any], seed: int, start: Network | None) -> nn.Module:
    """Fresh weights from the seed; those of ``start`` wherever name and shape agree.

    Where a layer has more inputs than before, only the new ones keep fresh weights: a network that
    segments goes on as one that also sees clicks.
    """
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        module = build(architecture)
    if start is not None:
        own = module.state_dict()
        given = start.module.state_dict()
        for name, tensor in given.items():
            if name in own and _lies_in(tensor, own[name]):
                own[name][tuple(slice(n) for n in tensor.shape)] = tensor
        module.load_state_dict(own)
    return module


def _lies_in(given: Tensor, own: Tensor) -> bool:
    """Whether two weights agree in all but the number of inputs, of which ``own`` may have more."""
    if given.ndim < 2 or given.ndim != own.ndim:
        return given.shape == own.shape
    rest = [n for n in range(own.ndim) if n != 1]
    same = all(given.shape[n] == own.shape[n] for n in rest)
    return same and given.shape[1] <= own.shape[1]
