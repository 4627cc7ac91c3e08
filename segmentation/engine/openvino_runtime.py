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


class _RaysLast(nn.Module):
    """A star network whose rays come as the runtime has them: ``(b, y, x, 1 + rays)``, then fine.

    Turning that map round, which nobody asks for, took a fifth of the time on a grid of 2 pixels.
    """

    def __init__(self, star: StarNet) -> None:
        super().__init__()
        self.star = star

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        probability, log_rays, fine = self.star(x)
        return torch.cat([probability, log_rays], dim=1).permute(0, 2, 3, 1), fine


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

    star = isinstance(module, StarNet)

    def answer(patch: Tensor) -> Answer:
        return _answered(request.infer([patch.numpy()]).to_tuple(), star)

    return answer


def _answered(found: tuple[NDArray[np.float32], ...], star: bool) -> Answer:
    """What came out as the module itself gives it; a star's rays are turned as a view."""
    tensors = tuple(torch.from_numpy(each) for each in found)
    if star:
        rays = tensors[0].permute(0, 3, 1, 2)
        return rays[:, :1], rays[:, 1:], tensors[1]
    return tensors if len(tensors) > 1 else tensors[0]


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
        asked = _RaysLast(plain) if isinstance(plain, StarNet) else plain
        traced = decoder.TorchScriptPythonDecoder(asked.eval(), example_input=(patch,))
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
    found = compiled.create_infer_request().infer([values]).to_tuple()
    _compare(_answered(found, isinstance(plain, StarNet)), expected)
    return compiled


def _compare(found: Answer, expected: Answer) -> None:
    pairs = ((a,) if isinstance(a, Tensor) else a for a in (found, expected))
    for mine, theirs in zip(*pairs, strict=True):
        if mine.shape != theirs.shape:
            raise ParityError(
                f"its answer has the shape {tuple(mine.shape)}, not {tuple(theirs.shape)}"
            )
        most = TOLERANCE * max(1.0, float(theirs.abs().max()))
        difference = float((mine - theirs).abs().max())
        if not difference <= most:
            raise ParityError(f"its answer differs from PyTorch's by {difference:g}")


def _dimensions(module: nn.Module) -> int:
    return 3 if any(isinstance(part, nn.Conv3d) for part in module.modules()) else 2
