"""A network that answers clicks, as a solver of ``engine.prompts``."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from segmentation.engine.checkpoints import Network
from segmentation.engine.pixels import round_up
from segmentation.engine.prompt_channels import encode
from segmentation.engine.prompts import Look, Solver
from segmentation.engine.runtime import choose_device, place, thread_count

Floats = NDArray[np.float32]


def network_solver(network: Network, device: str = "cpu", threads: int | None = None) -> Solver:
    """How a network of the task "prompts2d" or "prompts3d" answers a look.

    The grid is extended by its last cells to what the network's halvings need, and cut again. On
    the CPU the answer repeats to the bit for one number of threads.
    """
    channels = int(network.card["architecture"]["inputs"])
    where = choose_device(device)
    module = place(network.module, where)
    stride = int(module.stride) if isinstance(module.stride, int) else 1
    flat = network.task == "prompts2d"

    def solve(look: Look) -> Floats:
        given = torch.from_numpy(np.ascontiguousarray(encode(look, channels)))[None].to(where)
        grid = look.inside.shape
        missing = [round_up(n, stride) - n for n in (grid[1:] if flat else grid)]
        pads = [width for m in reversed(missing) for width in (0, m)]
        given = given[:, :, 0] if flat else given
        with thread_count(threads), torch.inference_mode():
            logits = module(functional.pad(given, pads, mode="replicate"))
            found = torch.softmax(logits[0], dim=0)[1].cpu().numpy()
        cut: Floats = (found[None] if flat else found)[: grid[0], : grid[1], : grid[2]]
        return cut

    return solve


def extent_of(network: Network) -> float:
    """How long the objects were that the network learnt from, in pixels of the source."""
    return float(network.card.get("extent_px", 0.0))
