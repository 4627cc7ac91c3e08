"""Suppression of boxes against a compiled greedy loop.

    python -m tests.benchmarks.boxes --json

The peer is the loop of torchvision's CPU kernel (torchvision/csrc/ops/cpu/nms_kernel.cpp: every
kept box is compared with every box after it), compiled here by numba, on the same sorted corners
and areas; torchvision itself is not used because its compiled operators do not load beside
PyTorch's CPU build. Ours is timed with its sorting and checks, and also says who suppressed whom.
Intersection over union at most 0.4. The sets that are kept must be the same. The loop's cost
grows with the square of the number, so the smallest number is the hardest for ours; with a thousand
boxes both take less than a millisecond, ours a third of the loop's.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segmentation.engine import nms
from tests.benchmarks import measuring

SIZES = (10_000, 30_000)
CUTOFF = 0.4

njit = measuring.peer("numba").njit


@njit(nogil=True, error_model="numpy")
def torchvision_loop(boxes: NDArray[np.float32], order: NDArray[np.int64], cutoff: float):
    """torchvision's nms_kernel_impl, line by line."""
    x1, y1, x2, y2 = boxes[:, 0].copy(), boxes[:, 1].copy(), boxes[:, 2].copy(), boxes[:, 3].copy()
    areas = (x2 - x1) * (y2 - y1)
    suppressed = np.zeros(order.size, np.uint8)
    keep, kept = np.zeros(order.size, np.int64), 0
    for a in range(order.size):
        i = order[a]
        if suppressed[i]:
            continue
        keep[kept] = i
        kept += 1
        for b in range(a + 1, order.size):
            j = order[b]
            if suppressed[j]:
                continue
            width = max(0.0, min(x2[i], x2[j]) - max(x1[i], x1[j]))
            height = max(0.0, min(y2[i], y2[j]) - max(y1[i], y1[j]))
            common = width * height
            if common / (areas[i] + areas[j] - common) > cutoff:
                suppressed[j] = 1
    return keep[:kept]


def draw(count: int, seed: int = 0) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Boxes of 8 to 40 pixels, some ten of them over each spot; corners on quarter pixels."""
    rng = np.random.default_rng(seed)
    side = 12 * np.sqrt(count)
    corner = np.round(rng.uniform(0, side, (count, 2)) * 4) / 4
    boxes = np.concatenate([corner, corner + np.round(rng.uniform(8, 40, (count, 2)) * 4) / 4], 1)
    return boxes, rng.permutation(count) / count


def main() -> None:
    chosen = measuring.options(__doc__)
    rows = []
    for count in SIZES:
        boxes, scores = draw(count)
        groups = np.zeros(count, np.int64)

        def ours(b=boxes, s=scores, g=groups) -> NDArray[np.bool_]:
            return nms.suppress_boxes(b, s, g, CUTOFF).keep

        def loop(b=boxes, s=scores) -> NDArray[np.int64]:
            return torchvision_loop(b, np.argsort(-s, kind="stable"), CUTOFF)

        kept, theirs = np.flatnonzero(ours()), np.sort(loop())
        times = measuring.turns({"ours": ours, "peer": loop}, chosen.rounds)
        rows.append(
            {
                "boxes": count,
                "kept": kept.size,
                **measuring.compare(times),
                "identical": bool(np.array_equal(kept, theirs)),
            }
        )
        measuring.table(rows[-1:])
    measuring.finish("boxes", "torchvision's CPU loop, compiled by numba", rows, chosen.json)


if __name__ == "__main__":
    main()
