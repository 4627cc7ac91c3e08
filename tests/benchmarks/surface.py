"""HD95, surface Dice and mean surface distance against MONAI's three.

    python -m tests.benchmarks.surface --json

Two organs drawn in 192 x 192 x 128 voxels of 0.9 x 0.9 x 2.5 mm. Ours measures the two surfaces
once for all three figures, as the product does; MONAI is asked for each of them, on one thread.
Values must be equal.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segmentation.engine import surfaces
from tests.benchmarks import measuring

SHAPE = (192, 192, 128)
SPACING_MM = (0.9, 0.9, 2.5)
TOLERANCE_MM = 2.5
NAMES = ("hd95", "nsd", "assd")


def organ(shift: float, size: float, wave: float) -> NDArray[np.bool_]:
    """A lumpy ellipsoid somewhat off the middle; ``wave`` sets where its lumps are."""
    axes = np.meshgrid(*(np.linspace(-1, 1, n) for n in SHAPE), indexing="ij")
    x, y, z = (a - shift for a in axes)
    radius = np.sqrt((x / 0.5) ** 2 + (y / 0.42) ** 2 + (z / 0.55) ** 2)
    lumps = 0.05 * np.sin(5 * np.arctan2(y, x) + wave) * np.cos(4 * z + wave)
    return radius < size + lumps


def ours(truth: NDArray[np.bool_], prediction: NDArray[np.bool_]) -> tuple[float, ...]:
    found = surfaces.surface_distances(truth, prediction, SPACING_MM)
    return found.hd95(), found.nsd(TOLERANCE_MM), found.assd()


def main() -> None:
    chosen = measuring.options(__doc__)
    metrics, torch = measuring.peer("monai.metrics"), measuring.peer("torch")
    torch.set_num_threads(1)
    rows = []
    for name, size in (("large", 1.0), ("small", 0.4)):
        truth, prediction = organ(0.02, size, 0.0), organ(-0.01, 0.97 * size, 0.8)
        y, y_pred = (torch.from_numpy(m[None, None]).float() for m in (truth, prediction))

        def monai(y=y, y_pred=y_pred) -> tuple[float, ...]:
            pair = {"y_pred": y_pred, "y": y, "include_background": True, "spacing": SPACING_MM}
            return (
                float(metrics.compute_hausdorff_distance(**pair, percentile=95)),
                float(metrics.compute_surface_dice(**pair, class_thresholds=[TOLERANCE_MM])),
                float(metrics.compute_average_surface_distance(**pair, symmetric=True)),
            )

        def mine(a=truth, b=prediction) -> tuple[float, ...]:
            return ours(a, b)

        values, theirs = mine(), monai()
        times = measuring.turns({"ours": mine, "peer": monai}, chosen.rounds)
        rows.append(
            {
                "organ": f"{name}, {int(truth.sum())} voxels",
                **measuring.compare(times),
                **dict(zip(NAMES, (round(v, 6) for v in values), strict=True)),
                "equal": bool(np.allclose(values, theirs, rtol=1e-5, atol=0)),
            }
        )
        measuring.table(rows[-1:])
        measuring.say(f"MONAI says {dict(zip(NAMES, theirs, strict=True))}")
    measuring.finish("surface", measuring.version("monai"), rows, chosen.json)


if __name__ == "__main__":
    main()
