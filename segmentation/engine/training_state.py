"""The state of a training run on disk, so that a killed run goes on where it was.

One safetensors file holds the weights, their running mean, the optimiser's moments and, in its
header, the counters; it is replaced in one rename, so there is always a whole one.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from segmentation.engine.errors import InvalidCheckpointError

STATE = "state.safetensors"


@dataclass(frozen=True)
class Progress:
    """How far a run is: steps done, seconds spent on them, the last smoothed loss."""

    step: int = 0
    seconds: float = 0.0
    loss: float = 0.0


def fingerprint(**parts: Any) -> str:
    """A digest of what makes a run what it is; a state of another run must not be taken up."""
    text = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def save_state(
    folder: Path,
    module: nn.Module,
    mean: Mapping[str, Tensor],
    optimiser: torch.optim.Optimizer,
    progress: Progress,
    run: str,
) -> None:
    """Write the state; a reader finds either the one before or this one, never a part."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {f"module.{name}": tensor for name, tensor in module.state_dict().items()}
    tensors |= {f"mean.{name}": tensor for name, tensor in mean.items()}
    for index, moments in optimiser.state_dict()["state"].items():
        tensors |= {f"optimiser.{index}.{name}": value for name, value in moments.items()}
    plain = {
        name: tensor.detach().to("cpu").contiguous().clone() for name, tensor in tensors.items()
    }
    fresh = folder / f"{STATE}.{os.getpid()}.part"
    header = {"progress": json.dumps(asdict(progress)), "run": run}
    try:
        save_file(plain, fresh, metadata=header)
        with fresh.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(fresh, folder / STATE)
    finally:
        fresh.unlink(missing_ok=True)


def load_state(
    folder: Path,
    module: nn.Module,
    mean: dict[str, Tensor],
    optimiser: torch.optim.Optimizer,
    run: str,
) -> Progress | None:
    """Take up a state in place; None where there is none. Refuses one of another run."""
    path = folder / STATE
    if not path.is_file():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
        tensors = load_file(path)
    except (SafetensorError, OSError) as error:
        raise InvalidCheckpointError(
            "The saved state of the training run cannot be read. Start the training anew."
        ) from error
    if header.get("run") != run:
        raise InvalidCheckpointError(
            "The saved state belongs to a training run with other images, labels or settings. "
            "Start anew in an empty folder, or repeat the command that was used before."
        )
    module.load_state_dict(_under(tensors, "module."))
    for name, tensor in _under(tensors, "mean.").items():
        mean[name].copy_(tensor)
    _restore_moments(optimiser, _under(tensors, "optimiser."))
    return Progress(**json.loads(header["progress"]))


def _under(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}


def _restore_moments(optimiser: torch.optim.Optimizer, moments: Mapping[str, Tensor]) -> None:
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in moments.items():
        index, _, key = name.partition(".")
        state.setdefault(int(index), {})[key] = value
    whole = optimiser.state_dict()
    optimiser.load_state_dict({"state": state, "param_groups": whole["param_groups"]})
