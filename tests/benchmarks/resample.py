"""Cubic spline resampling against SciPy's.

    python -m tests.benchmarks.resample --json

The peer is ``scipy.ndimage.zoom(order=3, mode="nearest", grid_mode=True)``; the greatest difference
of any voxel is printed. Operators along an axis are remembered between calls, as in the product;
``first`` is the time of a first call, which makes them.
"""

from __future__ import annotations

import time

import numpy as np
from scipy import ndimage

from segmentation.engine import resampling
from tests.benchmarks import measuring

GRIDS = (
    ((128, 128, 128), (192, 192, 192)),
    ((192, 192, 192), (128, 128, 128)),
    ((40, 256, 256), (120, 192, 192)),
    ((24, 320, 320), (96, 256, 256)),
    ((1, 1024, 1024), (1, 1536, 1536)),
    ((1, 3000, 2000), (1, 1500, 1000)),
)


def main() -> None:
    chosen = measuring.options(__doc__)
    rows = []
    for old, new in GRIDS:
        pixels = np.random.default_rng(0).normal(size=old).astype(np.float32)
        ratio = [b / a for a, b in zip(old, new, strict=True)]

        def ours(p=pixels, n=new) -> np.ndarray:
            return resampling.resample(p[None], n, order=3)[0]

        def scipy(p=pixels, r=ratio) -> np.ndarray:
            return ndimage.zoom(p, r, order=3, mode="nearest", grid_mode=True)

        resampling.bands.cache_clear()
        began = time.process_time()
        mine = ours()
        first = time.process_time() - began
        difference = float(np.abs(mine - scipy()).max())
        times = measuring.turns({"ours": ours, "peer": scipy}, chosen.rounds)
        rows.append(
            {
                "from": "x".join(map(str, old)),
                "to": "x".join(map(str, new)),
                **measuring.compare(times),
                "first_ms": round(1000 * first, 1),
                "difference": float(f"{difference:.1e}"),
            }
        )
        measuring.table(rows[-1:])
    measuring.finish("resample", measuring.version("scipy"), rows, chosen.json)


if __name__ == "__main__":
    main()
