"""The engine's own networks on a CPU through OpenVINO: the same answers in about half the time.

A network is traced once and handed to OpenVINO's reader directly; its converter, which reports its
use to the maker, is not called. What comes out is compared with PyTorch before it is trusted.
Arithmetic stays in 32 bits, and sums are made in one order for one number of threads.
"""

from __future__ import annotations

import copy
import logging
import warnings
from collections.abc import Callable
from functools import lru_cache
from importlib import import_module
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from segmentation.engine.networks.heads import LabelNet
from segmentation.engine.networks.prompt import PromptNet
from segmentation.engine.networks.star import StarNet
from segmentation.engine.networks.unet import UNet

Answer = Tensor | tuple[Tensor, ...]

CONVERTED = (StarNet, UNet, LabelNet, PromptNet)
"""What is known to give the same answer when traced for one size and asked about another."""

TRIAL = 64
"""Pixels along each axis of the patch that is traced, and compared; a third of it in 3-D."""

TOLERANCE = 1e-3
"""The most that answers may differ, as a share of the greatest answer."""

logger = logging.getLogger(__name__)
_compiled: WeakKeyDictionary[nn.Module, dict[int, Any]] = WeakKeyDictionary()


class ParityError(Exception):
    """OpenVINO's answer differs from PyTorch's."""


@lru_cache(maxsize=1)
def core() -> Any:
    """OpenVINO, loaded when it is first needed; raises ImportError where it is missing."""
    return import_module("openvino").Core()


def version() -> str:
    return str(import_module("openvino").__version__).partition("-")[0]


def answerer(module: nn.Module, inputs: int, threads: int) -> Callable[[Tensor], Answer] | None:
    """A function that answers as ``module`` does, or None, with the reason in the log.

    ``inputs`` is the number of channels. A network is compiled once for each number of threads and
    kept as long as the module lives.
    """
    if not isinstance(module, CONVERTED):
        return None
    known = _compiled.setdefault(module, {})
    if threads not in known:
        try:
            known[threads] = _compile(module, inputs, threads)
        except Exception as error:  # whatever a foreign library raises, PyTorch still works
            logger.warning("OpenVINO cannot run this network, PyTorch does: %s", error)
            known[threads] = None
    if known[threads] is None:
        return None
    request = known[threads].create_infer_request()

    def answer(patch: Tensor) -> Answer:
        found = request.infer([patch.numpy()]).to_tuple()
        tensors = tuple(torch.from_numpy(each) for each in found)
        return tensors if len(tensors) > 1 else tensors[0]

    return answer


def _compile(module: nn.Module, inputs: int, threads: int) -> Any:
    plain = copy.deepcopy(module).eval()
    for weights in plain.parameters():
        weights.data = weights.data.contiguous()
    space = (TRIAL // 2,) * 3 if _dimensions(module) == 3 else (TRIAL, TRIAL)
    values = np.random.default_rng(0).random((1, inputs, *space), dtype=np.float32)
    patch = torch.from_numpy(values)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracer's, about checks that hold for every size
        expected = plain(patch)
        decoder = import_module("openvino.frontend.pytorch.ts_decoder")
        traced = decoder.TorchScriptPythonDecoder(plain, example_input=(patch,))
    reader = import_module("openvino.frontend").FrontEndManager().load_by_framework("pytorch")
    compiled = core().compile_model(
        reader.convert(reader.load(traced)),
        "CPU",
        {
            "INFERENCE_PRECISION_HINT": "f32",
            "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": 1,
            "ENABLE_CPU_PINNING": False,
        },
    )
    _compare(compiled.create_infer_request().infer([values]).to_tuple(), expected)
    return compiled


def _compare(found: tuple[NDArray[np.float32], ...], expected: Answer) -> None:
    for mine, tensor in zip(
        found, (expected,) if isinstance(expected, Tensor) else expected, strict=True
    ):
        theirs = tensor.numpy()
        if mine.shape != theirs.shape:
            raise ParityError(f"its answer has the shape {mine.shape}, not {theirs.shape}")
        most = TOLERANCE * max(1.0, float(np.abs(theirs).max()))
        difference = float(np.abs(mine - theirs).max())
        if not difference <= most:
            raise ParityError(f"its answer differs from PyTorch's by {difference:g}")


def _dimensions(module: nn.Module) -> int:
    return 3 if any(isinstance(part, nn.Conv3d) for part in module.modules()) else 2
