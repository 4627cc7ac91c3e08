"""Devices and threads: a wish is met or refused, never bent."""

from __future__ import annotations

import logging
import sys

import pytest
import torch
from torch import nn

from segmentation.engine import openvino_runtime
from segmentation.engine.errors import UnavailableDeviceError
from segmentation.engine.networks.build import architecture_for, build
from segmentation.engine.runtime import (
    choose_device,
    describe_device,
    memory_format,
    place,
    runner_for,
    thread_count,
)


def test_the_cpu_is_always_there() -> None:
    assert choose_device("cpu").type == "cpu"
    assert choose_device("auto").type in ("cpu", "cuda")


@pytest.mark.parametrize("wish", ["tpu", "cuda:99", "meta", "", "cpu;rm"])
def test_a_device_that_is_not_there_is_refused(wish) -> None:
    with pytest.raises(UnavailableDeviceError, match="Choose"):
        choose_device(wish)


def test_threads_are_set_for_a_block_and_put_back() -> None:
    before = torch.get_num_threads()
    with thread_count(1):
        assert torch.get_num_threads() == 1
        assert describe_device(torch.device("cpu")) == "cpu, 1 thread"
    assert torch.get_num_threads() == before
    with thread_count(None):
        assert torch.get_num_threads() == before


def test_placing_changes_the_layout_but_no_number() -> None:
    torch.manual_seed(0)
    module = build(architecture_for("instance2d", 1, 1)).eval()
    image = torch.rand(1, 1, 64, 64)
    before = module(image)[0].clone()
    placed = place(module, torch.device("cpu"))
    assert torch.allclose(placed(image)[0], before, atol=1e-5)


def test_a_gpu_takes_channels_last_and_a_cpu_only_for_the_star_network() -> None:
    star = build(architecture_for("instance2d", 1, 1))
    solid = build(architecture_for("semantic3d", 1, 1))
    gpu = torch.device("cuda")
    assert memory_format(star, CPU, 4) == memory_format(star, gpu, 4) == torch.channels_last
    assert memory_format(solid, CPU, 5) == torch.contiguous_format
    assert memory_format(solid, gpu, 5) == torch.channels_last_3d


CPU = torch.device("cpu")
ARCHITECTURES = [
    ("instance2d", (1, 2, 96, 160)),
    ("instance2d", (1, 2, 64, 32)),
    ("semantic2d", (1, 2, 75, 131)),
    ("semantic3d", (1, 2, 20, 33, 28)),
    ("labels2d", (1, 2, 90, 64)),
    ("prompts2d", (1, 6, 96, 160)),  # two of the image, four of what is pointed at
    ("prompts3d", (1, 6, 20, 32, 28)),
]


def a_module(task: str) -> nn.Module:
    """A network with statistics and biases as after training, not the zeros and ones of a start."""
    torch.manual_seed(3)
    module = build(architecture_for(task, 3, 2)).eval()
    with torch.no_grad():
        for name, tensor in [*module.named_parameters(), *module.named_buffers()]:
            if tensor.is_floating_point() and tensor.ndim == 1:
                tensor.add_(0.2 * torch.rand_like(tensor) + (0.1 if "var" in name else 0))
    return module


@pytest.mark.parametrize(("task", "shape"), ARCHITECTURES)
def test_openvino_answers_as_pytorch_does(task: str, shape: tuple[int, ...]) -> None:
    pytest.importorskip("openvino")
    module = a_module(task)
    image = torch.rand(shape)
    fast = runner_for(module, shape[1], CPU, "auto")
    with torch.inference_mode():
        slow = runner_for(module, shape[1], CPU, "torch")
        ours, theirs = fast.answer(image), slow.answer(image)
        again = fast.answer(image)
    assert "OpenVINO" in fast.described
    assert "PyTorch" in slow.described
    assert isinstance(ours, tuple) == isinstance(theirs, tuple)
    parts = [x if isinstance(x, tuple) else (x,) for x in (ours, theirs, again)]
    for mine, other, repeated in zip(*parts, strict=True):
        assert mine.shape == other.shape
        assert float((mine - other).abs().max()) < 1e-3 * max(1.0, float(other.abs().max()))
        assert torch.equal(mine, repeated)


def test_a_network_is_compiled_once_for_each_number_of_threads() -> None:
    pytest.importorskip("openvino")
    module = a_module("instance2d")
    with thread_count(1):
        openvino_runtime.answerer(module, 2, 1)
        first = openvino_runtime._compiled[module][1]
        openvino_runtime.answerer(module, 2, 1)
    assert openvino_runtime._compiled[module] == {1: first}


def test_without_openvino_pytorch_answers_and_the_log_says_why(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    openvino_runtime.core.cache_clear()
    monkeypatch.setitem(sys.modules, "openvino", None)
    monkeypatch.setitem(sys.modules, "openvino.frontend", None)
    module = a_module("instance2d")
    with caplog.at_level(logging.WARNING):
        runner = runner_for(module, 2, CPU, "auto")
    assert "PyTorch" in runner.described
    assert "OpenVINO cannot run this network" in caplog.text
    with torch.inference_mode():
        assert len(runner.answer(torch.rand(1, 2, 64, 64))) == 3


def test_an_answer_that_differs_is_not_trusted() -> None:
    right = torch.ones(1, 2)
    openvino_runtime._compare(right, torch.ones(1, 2))
    for wrong in (right + 0.01, right[:, :1], right * torch.nan):
        with pytest.raises(openvino_runtime.ParityError):
            openvino_runtime._compare(wrong, torch.ones(1, 2))


def test_a_foreign_module_stays_with_pytorch() -> None:
    runner = runner_for(nn.Conv2d(1, 1, 3), 1, CPU, "auto")
    assert "PyTorch" in runner.described
