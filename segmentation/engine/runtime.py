"""Where and how networks run: device, threads, memory layout. Nothing is chosen silently."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.utils import (
    convert_conv2d_weight_memory_format,
    convert_conv3d_weight_memory_format,
)

from segmentation.engine import openvino_runtime
from segmentation.engine.errors import UnavailableDeviceError
from segmentation.engine.networks.star import StarNet


def choose_device(wish: str) -> torch.device:
    """The device for ``auto``, ``cpu`` or ``cuda`` (also ``cuda:1``).

    ``auto`` takes a GPU where there is one. A wish that cannot be met raises
    UnavailableDeviceError instead of running elsewhere unnoticed.
    """
    if wish == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(wish)
    except RuntimeError as error:
        raise UnavailableDeviceError(
            f"There is no device {wish!r}. Choose auto, cpu or cuda."
        ) from error
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise UnavailableDeviceError(
            f"This machine has no usable GPU for the device {wish!r}. Choose auto or cpu."
        )
    if device.type not in ("cpu", "cuda"):
        raise UnavailableDeviceError(f"The device {wish!r} is not supported. Choose cpu or cuda.")
    return device


def describe_device(device: torch.device) -> str:
    """What a person reads in a run's record, such as ``cpu, 2 threads`` or a GPU's name."""
    if device.type == "cuda":
        return f"cuda, {torch.cuda.get_device_name(device)}"
    threads = torch.get_num_threads()
    return f"cpu, {threads} thread{'s' if threads != 1 else ''}"


@contextmanager
def thread_count(threads: int | None) -> Iterator[None]:
    """Run a block with so many CPU threads; None leaves the process as it is.

    On one machine results repeat for one number of threads; sums may differ in the last bit
    between numbers.
    """
    before = torch.get_num_threads()
    if threads is not None:
        torch.set_num_threads(max(1, min(threads, os.cpu_count() or 1)))
    try:
        yield
    finally:
        torch.set_num_threads(before)


def memory_format(module: nn.Module, device: torch.device, axes: int) -> torch.memory_format:
    """The layout for pixels of so many axes, batch and channels included.

    Channels last is what a GPU's matrix units take; on a CPU it was measured faster for the star
    network, not for instance norm's U-Net.
    """
    if device.type == "cuda":
        return torch.channels_last if axes == 4 else torch.channels_last_3d
    flat_star = axes == 4 and isinstance(module, StarNet)
    return torch.channels_last if flat_star else torch.contiguous_format


def place(module: nn.Module, device: torch.device) -> nn.Module:
    """Move a module to the device, in its memory layout."""
    module = module.to(device)
    if memory_format(module, device, 4) == torch.channels_last:
        convert_conv2d_weight_memory_format(module, torch.channels_last)
    if memory_format(module, device, 5) == torch.channels_last_3d:
        convert_conv3d_weight_memory_format(module, torch.channels_last_3d)
    return module


def moved(tensor: Tensor, device: torch.device) -> Tensor:
    """A tensor on the device; towards a GPU through pinned memory, beside what it is doing."""
    if device.type == "cuda" and tensor.device.type == "cpu":
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)


def laid_out(module: nn.Module, pixels: Tensor) -> Tensor:
    """A batch of pixels in the layout in which the module computes fastest where they are."""
    layout = memory_format(module, pixels.device, pixels.ndim)
    return pixels.contiguous(memory_format=layout)


@dataclass(frozen=True)
class Runner:
    """A network ready to answer a batch ``(b, c, *s)`` on the CPU, and what does the work."""

    answer: Callable[[Tensor], Tensor | tuple[Tensor, ...]]
    described: str


def runner_for(
    module: nn.Module, inputs: int, device: torch.device, runtime: Literal["auto", "torch"]
) -> Runner:
    """Choose what computes: on a CPU OpenVINO where it can run the network, else PyTorch."""
    described = describe_device(device)
    if device.type == "cpu" and runtime == "auto":
        answer = openvino_runtime.answerer(module, inputs, torch.get_num_threads())
        if answer is not None:
            return Runner(answer, f"{described}, OpenVINO {openvino_runtime.version()}")
    placed = place(module, device)
    on_gpu = device.type == "cuda"

    def torch_answer(patch: Tensor) -> Tensor | tuple[Tensor, ...]:
        given = laid_out(placed, moved(patch, device))
        with torch.autocast(device.type, torch.float16, enabled=on_gpu):
            found: Tensor | tuple[Tensor, ...] = placed(given)
        if not on_gpu:
            return found
        return found.float() if isinstance(found, Tensor) else tuple(f.float() for f in found)

    version = f"PyTorch {torch.__version__.partition('+')[0]}{', half precision' if on_gpu else ''}"
    return Runner(torch_answer, f"{described}, {version}")
