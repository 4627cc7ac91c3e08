"""The class of each object, on drawn images only: ``python -m tests.benchmarks.classes --json``.

No set of real images here has classes of objects. Drawn are cells of three classes on an uneven
ground that overlap: round and smooth, long and striped, angular and dotted, each as bright as the
others in the mean. A network learns some hundred steps from drawings and is judged on others.
AP = TP / (TP + FP + FN) at IoU 0.5, pooled over drawings; per class only its objects count. Class
accuracy is the share of right classes among the objects that were found, whatever their class;
guessing gives a third.
"""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segmentation.engine import matching
from segmentation.engine.cases import Budget, TrainingCase, Truth
from segmentation.engine.inference import segment
from segmentation.engine.preprocessing import parse_recipe
from segmentation.engine.render import kept, label_map
from segmentation.engine.training import train
from segmentation.engine.types import Picture, Segmentation, Settings
from tests.benchmarks import measuring

LABELS = ("round", "long", "angular")
SIZE = 192
OBJECTS = 24
TRAINED, JUDGED = 60, 20
STEPS = 200
FIRST_UNSEEN = 10_000
"""Seeds of drawings to judge on start here, so that none was learnt from."""


def main() -> None:
    chosen = measuring.options(
        __doc__, steps={"type": int, "default": STEPS}, seed={"type": int, "default": 0}
    )
    network = learnt(chosen.steps, chosen.seed)
    settings = Settings(device="cpu", threads=1)
    confusion = np.zeros((len(LABELS), len(LABELS)), np.int64)
    counts = {name: [matching.Counts()] for name in ("any", *LABELS)}
    for seed in range(FIRST_UNSEEN, FIRST_UNSEEN + JUDGED):
        picture, truth = drawing(seed)
        found = segment(picture, network, settings)
        judge(found, truth, counts, confusion)
    rows = [row(name, matching.pool(parts)) for name, parts in counts.items()]
    matched = int(confusion.sum())
    measuring.finish(
        "classes", "", rows, chosen.json,
        steps=chosen.steps, drawings={"learnt": TRAINED, "judged": JUDGED}, labels=LABELS,
        class_accuracy=round(float(np.trace(confusion)) / max(1, matched), 4), matched=matched,
        confusion=confusion.tolist(), minutes=network.card["training"]["minutes"],
    )  # fmt: skip


def row(name: str, counted: matching.Counts) -> dict[str, object]:
    return {
        "class": name,
        "ap50": round(counted.average_precision, 4),
        "found": counted.true_positive,
        "invented": counted.false_positive,
        "missed": counted.false_negative,
    }


def learnt(steps: int, seed: int) -> Any:
    cases = [
        TrainingCase(f"drawing{n}", partial(drawing, n), f"drawing{n}") for n in range(TRAINED)
    ]
    recipe = parse_recipe({"steps": [{"name": "normalise", "method": "percentile"}]})
    with tempfile.TemporaryDirectory(prefix="classes-") as folder:
        return train(
            cases, "instance2d", LABELS, Budget(steps), seed, None, recipe, Path(folder) / "net",
            lambda event: measuring.say(f"step {event.step}, loss {event.loss:.3f}"), device="cpu",
        )  # fmt: skip


def judge(
    found: Segmentation,
    truth: Truth,
    counts: dict[str, list[matching.Counts]],
    confusion: NDArray[np.int64],
) -> None:
    """Add one drawing's counts, and its matched pairs as (true class, predicted class)."""
    if truth.instances is None or truth.classes is None:
        raise ValueError("A drawing has objects and classes.")
    predicted = label_map(found)
    predicted_class = np.array([0, *(candidate.label for candidate in kept(found))])
    true_class = np.zeros(int(truth.instances.max()) + 1, np.int64)
    true_class[truth.instances] = truth.classes
    pairs = matching.match(truth.instances, predicted)
    counts["any"].append(pairs.counts)
    for mine, theirs, _ in pairs.pairs:
        confusion[true_class[mine] - 1, predicted_class[theirs] - 1] += 1
    for number, name in enumerate(LABELS, start=1):
        wanted = np.where(true_class[truth.instances] == number, truth.instances, 0)
        drawn = np.where(predicted_class[predicted] == number, predicted, 0)
        counts[name].append(matching.match(wanted, drawn).counts)


def drawing(seed: int) -> tuple[Picture, Truth]:
    """A grey drawing of overlapping objects of three classes; the later ones lie on top."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:SIZE, :SIZE] + 0.5
    pixels = 40 + 20 * np.sin(x / 50 + rng.uniform(0, 6)) + rng.normal(0, 6, (SIZE, SIZE))
    instances = np.zeros((SIZE, SIZE), np.uint16)
    classes = np.zeros((SIZE, SIZE), np.uint8)
    for value in range(1, OBJECTS + 1):
        label = 1 + int(rng.integers(len(LABELS)))
        middle, angle = rng.uniform(6, SIZE - 6, 2), rng.uniform(0, np.pi)
        along = (x - middle[1]) * np.cos(angle) + (y - middle[0]) * np.sin(angle)
        across = (y - middle[0]) * np.cos(angle) - (x - middle[1]) * np.sin(angle)
        inside, texture = shape(label, along, across, rng.uniform(0.8, 1.25))
        light = rng.uniform(110, 150)
        pixels[inside] = (light + texture + rng.normal(0, 6, texture.shape))[inside]
        instances[inside], classes[inside] = value, label
    image = np.clip(pixels, 0, 255).astype(np.uint8)[None, None]
    return Picture(image), Truth(instances=instances[None], classes=classes[None])


def shape(
    label: int, along: NDArray[np.float64], across: NDArray[np.float64], size: float
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Where an object lies, and its texture of mean nought, in its own axes."""
    if label == 1:
        return along**2 + across**2 <= (11 * size) ** 2, np.zeros(along.shape)
    if label == 2:
        inside = (along / (19 * size)) ** 2 + (across / (8 * size)) ** 2 <= 1
        return inside, 35 * np.sign(np.sin(along * 1.2))
    inside = np.maximum(np.abs(along), np.abs(across)) <= 10 * size
    return inside, 35 * np.sign(np.sin(along * 1.2) * np.sin(across * 1.2))


if __name__ == "__main__":
    main()
