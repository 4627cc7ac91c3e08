"""Devices and threads: a wish is met or refused, never bent."""

from __future__ import annotations

import pytest
import torch

from segmentation.engine.errors import UnavailableDeviceError
from segmentation.engine.networks.build import architecture_for, build
from segmentation.engine.runtime import choose_device, describe_device, place, thread_count


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
