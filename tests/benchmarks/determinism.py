"""Whether the same image and network give the same answer, to the bit, a hundred times.

    python -m tests.benchmarks.determinism --json

Each shipped network predicts one drawn image again and again within a process, and then in fresh
processes; a digest is taken over every candidate: label, score, box, mask, who suppressed it. One
thread, since sums may differ in the last bit between numbers of threads.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys

import numpy as np

from tests.benchmarks import measuring

NAMES = ("nuclei", "lungs", "hippocampus")
WITHIN, RESTARTS = 32, 2
"""Runs in a process, and further processes: (1 + 2) * 32 and four more are a hundred."""


def digests(times: int) -> dict[str, list[str]]:
    from segmentation.engine.checkpoints import load_network, resolve_network
    from segmentation.engine.inference import segment
    from segmentation.engine.types import Picture, Segmentation, Settings
    from tests.engine.drawn import ball, discs

    def digest(found: Segmentation) -> str:
        told = hashlib.sha256(found.device.encode())
        for each in found.candidates:
            told.update(repr((each.label, each.score, each.box, each.suppressed_by)).encode())
            for z, runs in sorted(each.slices.items()):
                told.update(bytes([z % 256]) + np.asarray(runs, np.uint32).tobytes())
        told.update(repr((found.overlaps, found.uncertainty)).encode())
        return told.hexdigest()

    flat = discs(0, 160, 14)[0]
    volume = ball(0, (34, 48, 40))[0]
    pictures: dict[str, Picture] = {"nuclei": flat, "lungs": flat, "hippocampus": volume}
    settings = Settings(device="cpu", threads=1)
    return {
        name: [digest(segment(pictures[name], network, settings)) for _ in range(times)]
        for name, network in ((name, load_network(resolve_network(name))) for name in NAMES)
    }


def main() -> None:
    if len(sys.argv) == 3 and sys.argv[1] == "run":
        print(json.dumps(digests(int(sys.argv[2]))))
        return
    chosen = measuring.options(__doc__)
    found: dict[str, list[str]] = {name: [] for name in NAMES}
    for times in (WITHIN + 4, *[WITHIN] * RESTARTS):
        command = [sys.executable, "-m", "tests.benchmarks.determinism", "run", str(times)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        for name, some in json.loads(done.stdout.splitlines()[-1]).items():
            found[name] += some
    rows = [
        {
            "network": name,
            "runs": len(some),
            "processes": 1 + RESTARTS,
            "different": len(set(some)),
            "digest": some[0][:16],
        }
        for name, some in found.items()
    ]
    same = all(row["different"] == 1 for row in rows)
    measuring.finish("determinism", "itself", rows, chosen.json, same=same)
    raise SystemExit(0 if same else 1)


if __name__ == "__main__":
    main()
