"""How long one answer to a click takes: ``python -m tests.benchmarks.prompt --json``.

One thread. A drawn, textured object among others on a plane of 256 x 256 and in a volume of 64 a
side; ``cpu`` is this process's own time, which a busy machine does not stretch. ``network`` is the
one that ships for planes and, since none ships for volumes, an untrained one of the kind that is
trained for them; ``prior`` is the shipped one that segments volumes, its first answer. Peers on the
same region with the same seeds: OpenCV's grabCut (three rounds) and scikit-image's random walker
(by conjugate gradients) in the plane, the random walker in the volume. ``ratio`` is our time over
the faster peer's.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from skimage.segmentation import random_walker

from segmentation.engine.checkpoints import Network, load_network, resolve_network
from segmentation.engine.networks.build import architecture_for, build
from segmentation.engine.prompt_clicks import dense
from segmentation.engine.prompt_contour import contour_solver
from segmentation.engine.prompt_network import network_solver
from segmentation.engine.prompt_prior import PriorSolver
from segmentation.engine.prompts import Prompts, Solver, Stroke, answer
from segmentation.engine.types import Picture

Bools = NDArray[np.bool_]
SHIPPED, SEGMENTS = "nuclei-clicks", "hippocampus"
LIMIT_MS = {"plane": 100.0, "volume": 500.0}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    told = {
        name: measure(name, shape, options.rounds)
        for name, shape in (("plane", (1, 256, 256)), ("volume", (64, 64, 64)))
    }
    print(json.dumps(told, indent=1) if options.json else _table(told))


def scene(shape: tuple[int, int, int]) -> tuple[Picture, Bools]:
    """A wobbly bright object with texture in the middle, others like it around, noise on all."""
    rng = np.random.default_rng(0)
    grid = np.meshgrid(*[np.arange(n) - n / 2 for n in shape], indexing="ij")
    wave = ndimage.gaussian_filter(rng.normal(0, 1, shape), [min(n / 20, 10) for n in shape])
    radius = max(shape) / 6
    truth = np.sqrt(sum(axis**2 for axis in grid)) < radius * (1 + wave / wave.std() / 8)
    others = sum(
        np.sqrt((grid[1] - dy * radius) ** 2 + (grid[2] - dx * radius) ** 2) < radius * 0.7
        for dy, dx in ((2, 0.5), (-2, 0.3), (0.2, 2.1), (-0.3, -2))
    )
    values = 70 + 70 * (truth | (np.asarray(others) > 0)) + rng.normal(0, 18, shape)
    pixels = ndimage.gaussian_filter(values, [0.8 if n > 1 else 0 for n in shape])
    return Picture(np.clip(pixels, 0, 255).astype(np.uint8)[None]), np.asarray(truth)


def measure(name: str, shape: tuple[int, int, int], rounds: int) -> dict[str, Any]:
    picture, truth = scene(shape)
    flat = name == "plane"
    middle = (shape[0] // 2, shape[1] // 2, shape[2] // 2)
    prompts = Prompts((Stroke((middle,)),), plane=0 if flat else None)

    def ours(solver: Solver) -> Callable[[], Bools]:
        return lambda: dense(answer(picture, prompts, solver), shape)

    ways: dict[str, Callable[[], Bools]] = {"contour": ours(contour_solver)}
    if flat:
        ways["network"] = ours(network_solver(load_network(resolve_network(SHIPPED)), threads=1))
    else:
        architecture = architecture_for("prompts3d", 1, 1)
        card = {"architecture": architecture}
        fresh = Network("prompts3d", ("object",), card, build(architecture).eval())
        ways["network"] = ours(network_solver(fresh, threads=1))
        segments = load_network(resolve_network(SEGMENTS))
        ways["prior"] = lambda: ours(PriorSolver(segments, threads=1))()  # nothing is remembered
    peers = {"random walker": lambda: walked(picture, middle)}
    if flat:
        peers["grabCut"] = lambda: cut(picture, middle)
    told = {way: timed(run, truth, rounds) for way, run in (ways | peers).items()}
    for way in {"network", "prior"} & set(ways):
        told[way]["iou"] = None  # untrained, or for other images: it is timed only
    best = min(told[peer]["cpu_ms"] for peer in peers)
    for way in ways:
        told[way] |= {
            "limit_ms": LIMIT_MS[name], "within": told[way]["cpu_ms"] <= LIMIT_MS[name],
            "ratio": round(told[way]["cpu_ms"] / best, 3),
        }  # fmt: skip
    return told


def timed(run: Callable[[], Bools], truth: Bools, rounds: int) -> dict[str, Any]:
    found, took = run(), []
    for _ in range(rounds):
        began = time.process_time()
        found = run()
        took.append(1000 * (time.process_time() - began))
    return {
        "cpu_ms": round(statistics.median(took), 2),
        "cpu_ms_p95": round(float(np.percentile(took, 95)), 2),
        "iou": round(float((found & truth).sum() / (found | truth).sum()), 3),
    }


def _seeds(shape: tuple[int, ...], middle: tuple[int, int, int]) -> NDArray[np.int32]:
    """1 in a small disc (a ball) on the object, 2 along the border of the region."""
    seeds = np.zeros(shape, np.int32)
    for axis, size in enumerate(shape):
        if size > 1:
            for end in (0, size - 1):
                seeds[tuple(end if a == axis else slice(None) for a in range(len(shape)))] = 2
    grid = np.meshgrid(*[np.arange(n) - m for n, m in zip(shape, middle, strict=True)],
                       indexing="ij")  # fmt: skip
    seeds[sum(axis**2 for axis in grid) <= 16] = 1
    return seeds


def walked(picture: Picture, middle: tuple[int, int, int]) -> Bools:
    values = picture.pixels[0].astype(np.float64)
    seeds = _seeds(values.shape, middle)
    if values.shape[0] == 1:
        return np.asarray(random_walker(values[0], seeds[0], beta=130, mode="cg_j") == 1)[None]
    return np.asarray(random_walker(values, seeds, beta=130, mode="cg_j") == 1)


def cut(picture: Picture, middle: tuple[int, int, int]) -> Bools:
    grey = picture.pixels[0, 0].astype(np.uint8)
    seeds = _seeds((1, *grey.shape), middle)[0]
    marks = np.full(grey.shape, cv2.GC_PR_BGD, np.uint8)
    near = ndimage.distance_transform_edt(seeds != 1) < min(grey.shape) / 4
    marks[near] = cv2.GC_PR_FGD
    marks[seeds == 1], marks[seeds == 2] = cv2.GC_FGD, cv2.GC_BGD
    cv2.setRNGSeed(0)
    cv2.grabCut(cv2.merge([grey] * 3), marks, None, np.zeros((1, 65)), np.zeros((1, 65)), 3,
                cv2.GC_INIT_WITH_MASK)  # fmt: skip
    return np.isin(marks, (cv2.GC_FGD, cv2.GC_PR_FGD))[None]


def _table(told: dict[str, Any]) -> str:
    return "\n".join(
        f"{name:8}{way:15}" + "  ".join(f"{key} {value}" for key, value in row.items())
        for name, rows in told.items()
        for way, row in rows.items()
    )


if __name__ == "__main__":
    main()
