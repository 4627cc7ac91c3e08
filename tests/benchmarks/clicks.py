"""How many clicks a mask takes: ``python -m tests.benchmarks.clicks --data DIR --json``.

A simulated person clicks in the middle of an object, then of the largest mistake that is left, at
most 20 times; an object that never gets there counts 20. Objects are drawn from the test split of a
folder with an ``index.csv``, evenly over its images. Compared are contours (no training) from a
click and from a box, and, with ``--network``, a network for clicks from the same; one that segments
volumes answers by its own object at the click.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import django
import numpy as np
from numpy.typing import NDArray

from segmentation.engine.checkpoints import load_network, resolve_network
from segmentation.engine.prompt_clicks import click_through
from segmentation.engine.prompt_contour import contour_solver
from segmentation.engine.prompt_network import extent_of
from segmentation.engine.prompt_prior import solver_for
from segmentation.engine.prompt_samples import LEAST_CELLS, objects_of
from segmentation.engine.prompts import Solver
from segmentation.engine.types import Picture

MOST_CLICKS = 20
LEVELS = (0.80, 0.85, 0.90)
COMPARED = ("network", "contour")
GOAL = 0.7


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--split", default="test")
    parser.add_argument("--objects", type=int, default=20)
    parser.add_argument("--network", help="a folder, or the name of one that ships")
    parser.add_argument("--ignore", type=int, action="append", default=[])
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "medseg_site.settings")
    django.setup()  # the reader of folders lives beside the models
    told = measure(options)
    print(json.dumps(told, indent=1) if options.json else table(told))


def measure(options: argparse.Namespace) -> dict[str, Any]:
    solvers: dict[str, tuple[Solver, float, bool]] = {
        "contour": (contour_solver, 0.0, False),
        "contour, box first": (contour_solver, 0.0, True),
    }
    told: dict[str, Any] = {"data": options.data.name, "split": options.split}
    if options.network is not None:
        network = load_network(resolve_network(options.network))
        solver, extent = solver_for(network, threads=1), extent_of(network)
        solvers["network"] = (solver, extent, False)
        solvers["network, box first"] = (solver, extent, True)
        told["network"] = {key: network.card[key] for key in ("name", "task", "training")}
    objects = list(drawn_objects(options))
    told["objects"] = len(objects)
    told["methods"] = {name: run(objects, *how) for name, how in solvers.items()}
    if "network" in told["methods"]:
        for name, level in (("ratio", 85), ("ratio_80", 80)):
            mine, other = (told["methods"][way][f"clicks_to_{level}"] for way in COMPARED)
            told[name] = round(mine / other, 3)
        told["goal"] = GOAL
    return told


def drawn_objects(options: argparse.Namespace) -> Iterator[tuple[Picture, NDArray[np.bool_]]]:
    """Objects of the split, one an image and round again, always the same ones."""
    from segmentation.management.folder import known_cases, labels_of
    from segmentation.management.reading import LabelBook

    ignored = frozenset(options.ignore)
    labels = labels_of(options.data, "prompts2d", ignored, print_nothing)
    book = LabelBook(tuple(labels), ignored)
    rng = np.random.default_rng(0)
    cases = list(known_cases(options.data, "prompts2d", book, options.split, print_nothing))
    found = 0
    for k in rng.permutation(np.tile(np.arange(len(cases)), 1 + options.objects)[: 4 * len(cases)]):
        if found == options.objects:
            return
        truth = cases[k].truth
        objects = truth.instances if truth.classes is None else objects_of(truth.classes)
        values, sizes = np.unique(objects[objects > 0], return_counts=True)
        values = values[sizes >= 4 * LEAST_CELLS]
        if values.size:
            found += 1
            yield cases[k].picture, objects == rng.choice(values)


def print_nothing(sentence: str) -> None:
    """What the folder's reader has to say does not belong into the figures."""


def run(
    objects: list[tuple[Picture, NDArray[np.bool_]]], solver: Solver, extent: float, boxed: bool
) -> dict[str, Any]:
    curves, began = [], time.process_time()
    for picture, truth in objects:
        curve = click_through(
            picture, truth, solver, extent, MOST_CLICKS, boxed=boxed, enough=max(LEVELS)
        )
        curves.append(curve)
    seconds = time.process_time() - began
    told: dict[str, Any] = {}
    for level in LEVELS:
        needed = [next((k for k, v in enumerate(c, 1) if v >= level), None) for c in curves]
        name = f"{round(level * 100)}"
        told[f"clicks_to_{name}"] = float(np.mean([n or MOST_CLICKS for n in needed]))
        told[f"never_{name}"] = sum(n is None for n in needed)
    for count in (1, 3, 5):
        told[f"iou_{count}"] = round(float(np.mean([c[:count][-1] for c in curves])), 3)
    told["cpu_ms_per_click"] = round(1000 * seconds / sum(map(len, curves)), 1)
    return told


def table(told: dict[str, Any]) -> str:
    lines = [f"{told['data']}, {told['split']}, {told['objects']} objects"]
    for name, row in told["methods"].items():
        lines.append(f"{name:20} " + "  ".join(f"{key} {value:g}" for key, value in row.items()))
    if "ratio" in told:
        lines.append(f"clicks of the network / contours at 0.85: {told['ratio']:g} (goal {GOAL:g})")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
