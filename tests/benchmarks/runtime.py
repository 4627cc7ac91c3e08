"""The shipped networks on the CPU's runtime against PyTorch's eager one.

    python -m tests.benchmarks.runtime --json

512 x 512 pixels for the flat networks, their own window for the 3-D one, on one thread. The peer is
the module as it is, channels first (NCHW); channels last is shown beside it. The greatest
difference of any output from PyTorch's is given with the greatest output.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from tests.benchmarks import measuring

NETWORKS = (("nuclei", 1.5), ("lungs", 1.3), ("hippocampus", 1.5))
"""Each with the ratio that is aimed at."""

SIDE = 512


def main() -> None:
    chosen = measuring.options(__doc__)
    measuring.peer("openvino")
    torch = measuring.peer("torch")
    torch.set_num_threads(1)
    from segmentation.engine.checkpoints import load_network, resolve_network
    from segmentation.engine.runtime import runner_for

    cpu = torch.device("cpu")
    rows = []
    for name, goal in NETWORKS:
        eager = load_network(resolve_network(name))
        inputs = int(eager.card["architecture"]["inputs"])
        flat = eager.task != "semantic3d"
        size = (SIDE, SIDE) if flat else tuple(eager.card["patch_zyx"])
        values = np.random.default_rng(0).random((1, inputs, *size), dtype=np.float32)
        image = torch.from_numpy(values)
        layout = torch.channels_last if flat else torch.channels_last_3d
        turned = load_network(resolve_network(name)).module.to(memory_format=layout)
        with torch.inference_mode():
            ours = runner_for(load_network(resolve_network(name)).module, inputs, cpu, "auto")
            contestants = {
                "ours": partial(ours.answer, image),
                "peer": partial(eager.module, image),
                "last": partial(turned, image.contiguous(memory_format=layout)),
            }
            mine, theirs = contestants["ours"](), contestants["peer"]()
            times = measuring.turns(contestants, chosen.rounds)
        pairs = zip(mine, theirs, strict=True) if isinstance(mine, tuple) else [(mine, theirs)]
        differences = [(float((a - b).abs().max()), float(b.abs().max())) for a, b in pairs]
        worst, greatest = max(differences)
        rows.append(
            {
                "network": name,
                "size": "x".join(map(str, size)),
                **measuring.compare(times),
                "channels_last": measuring.compare(times, "ours", "last")["ratio"],
                "goal": goal,
                "difference": float(f"{worst:.1e}"),
                "of": round(greatest, 2),
            }
        )
        measuring.say(ours.described)
        measuring.table(rows[-1:])
    measuring.finish("runtime", f"eager {measuring.version('torch')}", rows, chosen.json)


if __name__ == "__main__":
    main()
