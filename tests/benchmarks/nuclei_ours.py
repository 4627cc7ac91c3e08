"""Our part of ``tests.benchmarks.nuclei``: the product's plan for instances, from scratch.

    python -m tests.benchmarks.nuclei_ours --data DIR --work FOLDER --seed 0 --hours 1

Steps, learning rate and running mean are the engine's own; only the loop around them is written
here, since the budget is counted in CPU seconds and the cosine has to end with it. The same command
goes on from the state of a run that was killed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import cv2
import torch

from segmentation.engine.cases import TrainingCase, Truth
from segmentation.engine.checkpoints import Network, load_network, save_network
from segmentation.engine.inference import segment
from segmentation.engine.learner import Learner
from segmentation.engine.preprocessing import parse_recipe
from segmentation.engine.render import label_map
from segmentation.engine.samples import CaseStore
from segmentation.engine.training_state import STATE, Progress, fingerprint
from segmentation.engine.types import Picture, Settings
from tests.benchmarks import measuring
from tests.benchmarks.nuclei_runs import (
    CHOSEN_AT,
    CURVE_CUTOFFS,
    CURVE_OVERLAP,
    OVERLAP_CUTOFFS,
    SAVE_EVERY_S,
    Draw,
    Journal,
    Nuclei,
    Run,
    Stopwatch,
    asked,
    counted,
    cpu_seconds,
    precision,
    read,
    scored,
    set_aside,
)

RECIPE = parse_recipe(
    {"steps": [{"name": "normalise", "method": "percentile", "low": 1.0, "high": 99.8}]}
)
SCORE_CUTOFFS = tuple(round(0.2 + 0.05 * n, 2) for n in range(13))


def main() -> None:
    run, data = asked("ours", __doc__)
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    learnt, checks = set_aside(read(data, "train"))
    journal = Journal(run)
    if not (run.folder / "network" / "card.json").is_file():
        learn(run, learnt, checks, journal)
    network = load_network(run.folder / "network")
    (score, overlap), value = choose(network, checks)
    card = {**network.card, "score_cutoff": score, "overlap_cutoff": overlap}
    network = save_network(run.folder / "network", network.module, card)
    run.finish(
        packages=[measuring.version("torch")],
        weights=sum(tensor.numel() for tensor in network.module.parameters()),
        **{key: network.card["training"][key] for key in ("steps", "cpu_s", "images")},
        chosen={"score": score, "overlap": overlap, "validation": round(value, 4)},
        **journal.told(),
        test=scored(read(data, "test"), drawer(network, score, overlap)),
    )


def learn(
    run: Run,
    learnt: Sequence[Nuclei],
    checks: Sequence[Nuclei],
    journal: Journal,
    now: Callable[[], float] = cpu_seconds,
) -> None:
    """Step until the CPU seconds are spent; write the network."""
    store = CaseStore([_case(image) for image in learnt], "instance2d", 1, RECIPE)
    learner = Learner(store, "instance2d", 1, run.seed, None, torch.device("cpu"))
    identity = fingerprint(seed=run.seed, hours=run.hours, images=[image.id for image in learnt])
    progress = learner.load(run.folder, identity) or Progress()
    watch, saved_s = Stopwatch(progress.seconds, now), progress.seconds
    compiled = False
    while True:
        due = journal.due(watch.spent)
        if due or watch.spent - saved_s >= SAVE_EVERY_S:
            learner.save(run.folder, progress, identity)
            saved_s = watch.spent
        if due:
            network = Network("instance2d", ("nucleus",), _card(learner), learner.averaged())
            journal.judge(watch.spent, progress.step, partial(curve, network, checks))
        if watch.spent >= run.budget_s:
            break
        if compiled:
            watch.start()
        loss = learner.step(progress.step, watch.spent / run.budget_s)
        watch.stop()
        compiled = True
        progress = Progress(progress.step + 1, watch.spent, loss)
    training = {
        "steps": progress.step,
        "cpu_s": round(progress.seconds, 1),
        "images": len(learnt),
    }
    card = {**_card(learner), "training": training}
    save_network(run.folder / "network", learner.averaged(), card)
    (run.folder / STATE).unlink()


def _case(image: Nuclei) -> TrainingCase:
    return TrainingCase(image.id, lambda: (picture(image), Truth(image.truth[None])), image.group)


def picture(image: Nuclei) -> Picture:
    return Picture(image.pixels[None, None])


def _card(learner: Learner) -> dict[str, object]:
    """As much of a card as a network needs to be read back and to predict."""
    return {
        "name": "nuclei-same-budget",
        "version": "1",
        "task": "instance2d",
        "labels": ["nucleus"],
        "architecture": learner.architecture,
        "recipe": RECIPE.to_json(),
        "patch_zyx": list(learner.patch_zyx),
        "score_cutoff": 0.5,
        "overlap_cutoff": CURVE_OVERLAP,
        "digest": "",
    }


def drawer(network: Network, score: float, overlap: float) -> Draw:
    settings = Settings(score, overlap, device="cpu", threads=1, runtime="torch")
    return lambda image: label_map(segment(picture(image), network, settings))[0]


def curve(network: Network, checks: Sequence[Nuclei]) -> float:
    """AP at IoU 0.5 at the best of the score cut-offs that both contestants are given."""
    return max(
        float(precision(counted(checks, drawer(network, score, CURVE_OVERLAP), (0.5,)))[0])
        for score in CURVE_CUTOFFS
    )


def choose(network: Network, checks: Sequence[Nuclei]) -> tuple[tuple[float, float], float]:
    """Score and overlap cut-off with the best mean AP, as ``optimize_thresholds`` sees it."""
    tried = {
        (score, overlap): float(
            precision(counted(checks, drawer(network, score, overlap), CHOSEN_AT)).mean()
        )
        for overlap in OVERLAP_CUTOFFS
        for score in SCORE_CUTOFFS
    }
    best = max(tried, key=lambda cutoffs: tried[cutoffs])
    return best, tried[best]


if __name__ == "__main__":
    main()
