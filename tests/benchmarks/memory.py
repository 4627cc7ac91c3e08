"""The most memory that a prediction takes: ``python -m tests.benchmarks.memory --json``.

Each case runs in a process of its own, on one thread; what is given is the highest resident memory
of that process (``ru_maxrss``), Python and its libraries included, and beside it what they take
before the image is there. The limits are those the product promises: 3 GiB for a volume of
512 x 512 x 1,000 voxels with a semantic network, 1.5 GiB for objects in 2,000 x 2,000 pixels.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time

import numpy as np

from tests.benchmarks import measuring

GIB = 2**30
LIMITS_GIB = {"volume": 3.0, "objects": 1.5}


def peak() -> int:
    """Bytes; Linux counts in KiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def run(case: str) -> None:
    """Predict and print one JSON line; meant for a process of its own."""
    import torch

    from segmentation.engine.checkpoints import load_network, resolve_network
    from segmentation.engine.inference import segment
    from segmentation.engine.types import Picture, Settings
    from segmentation.engine.uncertain_places import PlaceFinder
    from tests.engine.drawn import discs

    torch.set_num_threads(1)
    network = load_network(resolve_network("lungs" if case == "volume" else "nuclei"))
    before, began = peak(), time.monotonic()
    if case == "volume":
        depth = 1000
        rng = np.random.default_rng(0)
        flat = rng.integers(0, 255, (1, 1, 512, 512), dtype=np.uint8)
        pixels = np.empty((1, depth, 512, 512), np.int16)
        for z in range(depth):
            pixels[0, z] = np.roll(flat[0, 0], z, axis=0)
        picture = Picture(pixels, (1.0, 0.7, 0.7), "CT")
    else:
        tile = discs(0, 500, 100)[0].pixels
        picture = Picture(np.tile(tile, (1, 1, 4, 4)))
    # As a worker does it: with the map of uncertainty, whose planes go to disk as they come.
    finder = PlaceFinder(picture.pixels.shape[1])
    found = segment(picture, network, Settings(device="cpu", threads=1), keep_plane=finder.add)
    print(
        json.dumps(
            {
                "candidates": len(found.candidates),
                "before_gib": round(before / GIB, 2),
                "peak_gib": round(peak() / GIB, 2),
                "seconds": round(time.monotonic() - began, 1),
            }
        )
    )


def main() -> None:
    if len(sys.argv) == 3 and sys.argv[1] == "run":
        return run(sys.argv[2])
    chosen = measuring.options(__doc__, only={"choices": list(LIMITS_GIB)})
    rows = []
    for case, limit in LIMITS_GIB.items():
        if chosen.only not in (None, case):
            continue
        command = [sys.executable, "-m", "tests.benchmarks.memory", "run", case]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        measured = json.loads(done.stdout.splitlines()[-1])
        rows.append({"case": case, "limit_gib": limit, **measured})
        rows[-1]["ratio"] = round(limit / measured["peak_gib"], 2)
        measuring.table(rows[-1:])
    measuring.finish("memory", "the limit", rows, chosen.json)


if __name__ == "__main__":
    main()
