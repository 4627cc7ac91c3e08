"""From a card's ``architecture`` to a module, and the architecture that suits a task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from segmentation.engine.errors import InvalidCheckpointError
from segmentation.engine.networks.heads import LabelNet
from segmentation.engine.networks.prompt import PROMPT_CHANNELS, PromptNet
from segmentation.engine.networks.star import Grid, StarNet
from segmentation.engine.networks.unet import UNet
from segmentation.engine.types import SOLID_TASKS, Task

MAX_CHANNELS = 16
MAX_LABELS = 255
MAX_WIDTH = 1024
MAX_RAYS = 256


def architecture_for(task: Task, labels: int, channels: int) -> dict[str, Any]:
    """The network that a training run from scratch starts with; JSON, written into the card."""
    if task in ("instance2d", "boxes2d"):
        return {"name": "star", "inputs": channels, "classes": labels, "rays": 32, "grid": 4}
    if task == "labels2d":
        widths = [16, 32, 64, 96]
        return {"name": "labels", "inputs": channels, "labels": labels, "widths": widths}
    dimensions = 3 if task in SOLID_TASKS else 2
    if task in ("prompts2d", "prompts3d"):
        # In a volume half of a small object's cells lie on its border: no room for half the size.
        folded = dimensions == 2
        widths = [16, 32, 48, 64, 96] if folded else [16, 32, 64]
        return {
            "name": "prompts", "dimensions": dimensions, "inputs": channels, "widths": widths,
            "folded": folded,
        }  # fmt: skip
    widths = [16, 32, 64] if dimensions == 3 else [16, 32, 64, 96, 128]
    return {
        "name": "unet",
        "dimensions": dimensions,
        "inputs": channels,
        "outputs": labels + 1,
        "widths": widths,
    }


def build(architecture: Mapping[str, Any]) -> nn.Module:
    """A module with fresh weights.

    Raises InvalidCheckpointError where the architecture is unknown or its sizes are not sensible:
    a card may come from a stranger, and must not make the engine ask for all memory.
    """
    name = architecture.get("name")
    if name not in ("star", "labels", "unet", "prompts"):
        raise InvalidCheckpointError(
            f"The card names the architecture {name!r}, which this version does not know. "
            "Update the software, or choose another network."
        )
    inputs = _whole(architecture, "inputs", MAX_CHANNELS)
    if name == "star":
        classes = _whole(architecture, "classes", MAX_LABELS)
        return StarNet(inputs, classes, _whole(architecture, "rays", MAX_RAYS), _grid(architecture))
    if name == "labels":
        labels = _whole(architecture, "labels", MAX_LABELS)
        return LabelNet(inputs, labels, _widths(architecture))
    dimensions = _whole(architecture, "dimensions", 3)
    if dimensions not in (2, 3):
        raise InvalidCheckpointError("The card describes a U-Net of neither 2 nor 3 dimensions.")
    if name == "prompts":
        return _prompts(architecture, dimensions, inputs)
    outputs = _whole(architecture, "outputs", MAX_LABELS + 1)
    return UNet(dimensions, inputs, outputs, _widths(architecture))


def _prompts(architecture: Mapping[str, Any], dimensions: int, inputs: int) -> nn.Module:
    """Folded to half the size, or a plain U-Net, whose layers can be those of one that segments."""
    widths = _widths(architecture)
    if architecture.get("folded", True):
        return PromptNet(dimensions, inputs, widths)
    return UNet(dimensions, inputs + PROMPT_CHANNELS, 2, widths)


def _grid(architecture: Mapping[str, Any]) -> Grid:
    grid = architecture.get("grid", 4)
    if grid not in (2, 4):
        raise InvalidCheckpointError(
            f"The card's architecture says grid = {grid!r}; it must be 2 or 4."
        )
    return 2 if grid == 2 else 4


def _whole(architecture: Mapping[str, Any], key: str, most: int) -> int:
    value = architecture.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
        raise InvalidCheckpointError(
            f"The card's architecture says {key} = {value!r}; it must be a whole number "
            f"from 1 to {most}."
        )
    return value


def _widths(architecture: Mapping[str, Any]) -> list[int]:
    widths = architecture.get("widths")
    fits = isinstance(widths, list) and 1 <= len(widths) <= 8
    if not fits or not all(type(w) is int and 1 <= w <= MAX_WIDTH for w in widths or []):
        raise InvalidCheckpointError(
            f"The card's architecture says widths = {widths!r}; it must be a list of one to "
            f"eight whole numbers from 1 to {MAX_WIDTH}."
        )
    return list(widths or [])
