"""What a GPU does in a second: ``python -m tests.benchmarks.gpu --json``.

Images of 1024 x 1024 pixels with the nuclei network, and a volume of 512 x 512 x 300 voxels with
the hippocampus network, each as the network alone (a batch of tiles that stays on the device) and
as ``segment`` does it, reading of files excluded. ``share`` is the arithmetic of the network
(PyTorch's own count of its convolutions) per second, of what the same device reaches in one large
matrix product in the same precision. Without a GPU nothing is measured; ``--device cpu --small``
shows that the program runs.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from tests.benchmarks import measuring

PRODUCT = {"cuda": 8192, "cpu": 1024}
"""Side of the matrices whose product says what the device can do."""

BATCH = {"nuclei": 16, "hippocampus": 8}


def seconds(torch: Any, device: Any, call: Callable[[], object], rounds: int) -> float:
    """The median time of a call by the wall's clock, the device's work included."""
    took = []
    for _ in range(rounds + 2):
        began = time.perf_counter()
        call()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        took.append(time.perf_counter() - began)
    return float(np.median(took[2:]))


def peak(torch: Any, device: Any, rounds: int) -> float:
    """Operations per second in one large matrix product."""
    side = PRODUCT[device.type]
    kind = torch.float16 if device.type == "cuda" else torch.float32
    left = torch.randn(side, side, device=device, dtype=kind)
    return 2 * side**3 / seconds(torch, device, lambda: left @ left, rounds)


def operations(torch: Any, module: Any, batch: Any) -> float:
    from torch.utils.flop_counter import FlopCounterMode

    counter = FlopCounterMode(display=False)
    with counter:
        module(batch)
    return float(counter.get_total_flops())


def measured(torch: Any, device: Any, name: str, small: bool, rounds: int) -> dict[str, object]:
    from segmentation.engine.checkpoints import load_network, resolve_network
    from segmentation.engine.inference import segment
    from segmentation.engine.runtime import laid_out, runner_for
    from segmentation.engine.types import Picture, Settings
    from tests.engine.drawn import discs

    network = load_network(resolve_network(name))
    inputs = int(network.card["architecture"]["inputs"])
    if name == "nuclei":
        side = 256 if small else 1024
        drawn = discs(0, 256, 25)[0].pixels
        picture = Picture(np.tile(drawn, (1, 1, side // 256, side // 256)))
        tile: tuple[int, ...] = (side, side)
    else:
        shape = (1, 60, 96, 96) if small else (1, 300, 512, 512)
        values = np.random.default_rng(0).integers(0, 255, shape, dtype=np.int16)
        picture = Picture(values, (1.0, 1.0, 1.0), "MR")
        tile = tuple(network.card["patch_zyx"])
    many = 2 if small else BATCH[name]
    with torch.inference_mode():
        runner = runner_for(network.module, inputs, device, "torch")
        batch = laid_out(network.module, torch.rand(many, inputs, *tile, device=device))
        work = operations(torch, network.module, batch)
        alone = seconds(torch, device, lambda: runner.answer(batch), rounds)
    settings = Settings(device=str(device), runtime="torch")
    whole = seconds(torch, device, lambda: segment(picture, network, settings), 1 if small else 3)
    best = peak(torch, device, rounds)
    return {
        "network": name,
        "size": "x".join(map(str, picture.pixels.shape[1:])),
        "tiles_per_s": round(many / alone, 1),
        "tflops": round(work / alone / 1e12, 2),
        "share": round(work / alone / best, 3),
        "segment_s": round(whole, 3),
        "runtime": runner.described,
    }


def main() -> None:
    chosen = measuring.options(__doc__, device={"default": "cuda"}, small={"action": "store_true"})
    torch = measuring.peer("torch")
    device = torch.device(chosen.device)
    if device.type == "cuda" and not torch.cuda.is_available():
        measuring.say(
            "This machine has no GPU, so nothing was measured. Run it where there is one."
        )
        if chosen.json:
            print(json.dumps({"benchmark": "gpu", "ratio": None, "rows": [], "measured": False}))
        return
    rows = [
        measured(torch, device, name, chosen.small, chosen.rounds)
        for name in ("nuclei", "hippocampus")
    ]
    measuring.finish("gpu", "", rows, chosen.json, measured=True)


if __name__ == "__main__":
    main()
