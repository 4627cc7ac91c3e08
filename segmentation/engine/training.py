"""Training: one loop for all tasks, from scratch or going on from a network.

AdamW with a warm-up and a cosine to zero; what is kept is the running mean of the weights (Polyak
averaging). On one machine with one number of threads a run with a budget in steps repeats to the
bit, stopped and resumed or not.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from segmentation.engine.calibrating import calibrate
from segmentation.engine.cases import (
    Budget,
    Split,
    StopWord,
    TrainingCase,
    TrainingEvent,
    Truth,
)
from segmentation.engine.checkpoints import Network, check_name, save_network
from segmentation.engine.config import Recipe
from segmentation.engine.errors import CancelledError, InvalidTrainingSetError, PausedError
from segmentation.engine.learner import Learner
from segmentation.engine.plans import EVENT_EVERY_S, STATE_EVERY_S, VALIDATION_CASES, VALIDATIONS
from segmentation.engine.runtime import choose_device, describe_device
from segmentation.engine.samples import CaseStore
from segmentation.engine.training_state import STATE, Progress, fingerprint
from segmentation.engine.types import PROMPT_TASKS, SOLID_TASKS, Task
from segmentation.engine.validation import validate

__all__ = ["Budget", "Split", "StopWord", "TrainingCase", "TrainingEvent", "Truth", "train"]

LOSS_MEMORY = 0.98
SCORE_CUTOFF = 0.5
OVERLAP_CUTOFF = 0.4

OnEvent = Callable[[TrainingEvent], None]
ShouldStop = Callable[[], StopWord | None]


@dataclass(frozen=True)
class _Job:
    """What a run was asked to do; it does not change while the run goes on."""

    cases: tuple[TrainingCase, ...]
    task: Task
    labels: tuple[str, ...]
    budget: Budget
    seed: int
    start: Network | None
    recipe: Recipe
    out_folder: Path
    rate: float | None

    @property
    def checks(self) -> tuple[TrainingCase, ...]:
        """The validation cases that are scored: of many, evenly spread ones, to save time."""
        every = [case for case in self.cases if case.split == "validation"]
        step = max(1, -(-len(every) // VALIDATION_CASES))
        return tuple(every[::step])

    def part(self, progress: Progress) -> float:
        """How much of the budget is spent, 0 to 1 and beyond."""
        if self.budget.steps is not None:
            return progress.step / self.budget.steps
        return progress.seconds / (60.0 * (self.budget.minutes or 0))

    def identity(self, architecture: Mapping[str, Any]) -> str:
        return fingerprint(
            cases=[(case.id, case.split, case.weight) for case in self.cases],
            task=self.task,
            labels=self.labels,
            steps=self.budget.steps,
            seed=self.seed,
            start=None if self.start is None else self.start.card["digest"],
            recipe=self.recipe.digest,
            rate=self.rate,
            architecture=architecture,
        )


def train(
    cases: Sequence[TrainingCase],
    task: Task,
    labels: Sequence[str],
    budget: Budget,
    seed: int,
    start: Network | None,
    recipe: Recipe,
    out_folder: Path,
    on_event: OnEvent,
    should_stop: ShouldStop = lambda: None,
    resume_from: Path | None = None,
    device: str = "auto",
    *,
    describe: Mapping[str, Any] | None = None,
    architecture: Mapping[str, Any] | None = None,
    rate: float | None = None,
) -> Network:
    """Train a network and write it to ``out_folder``.

    Cases of the split "train" are learnt from, those of "validation" only scored. The state is
    written to ``out_folder`` every minute or so; a run that finds one in ``resume_from`` goes on
    from it; it is removed once the network is written. ``start`` gives weights to go on from,
    where shapes fit. ``describe`` holds entries for the card (name, version, data, limits).
    ``architecture`` changes entries of the one that suits the task. ``rate`` is the share of the
    task's learning rate, by default 1 from scratch and WARM_START_RATE from a network.

    Raises InvalidTrainingSetError for images that cannot be learnt from, CancelledError and
    PausedError when ``should_stop`` says so; after a pause the state is on disk.
    """
    job = _Job(tuple(cases), task, tuple(labels), budget, seed, start, recipe, out_folder, rate)
    described = {"name": out_folder.name, "version": "1", **(describe or {})}
    _check(job, described)
    learn = [case for case in job.cases if case.split == "train"]
    store = CaseStore(learn, task, len(job.labels), recipe)
    learner = Learner(
        store, task, len(job.labels), seed, start, choose_device(device), architecture, rate
    )
    progress = Progress()
    if resume_from is not None:
        progress = learner.load(resume_from, job.identity(learner.architecture)) or progress
    with closing(learner):
        progress = _loop(job, learner, progress, on_event, should_stop)
    card = _card(job, learner, progress, described)
    metrics = _validated(job, learner, card)
    kept = {**card, "metrics": metrics, **_calibration(job, learner, card)}
    network = save_network(out_folder, learner.averaged().cpu(), kept)
    (out_folder / STATE).unlink(missing_ok=True)
    of = job.budget.steps
    on_event(
        TrainingEvent(
            progress.step, of, progress.loss, progress.seconds, metrics or None, "Training is done."
        )
    )
    return network


def _check(job: _Job, described: Mapping[str, Any]) -> None:
    amount = job.budget.minutes if job.budget.steps is None else job.budget.steps
    both = job.budget.steps is not None and job.budget.minutes is not None
    if both or amount is None or amount <= 0:
        raise InvalidTrainingSetError("Give the training a budget, either in steps or in minutes.")
    if not job.labels:
        raise InvalidTrainingSetError("Name at least one label to train.")
    if not any(case.split == "train" for case in job.cases):
        raise InvalidTrainingSetError("There is no image to train on.")
    groups = {
        split: {c.group for c in job.cases if c.split == split} for split in ("train", "validation")
    }
    shared = groups["train"] & groups["validation"]
    if shared:
        raise InvalidTrainingSetError(
            f"{len(shared)} patients or groups have images both for training and for validation. "
            "Put all images of one into the same part."
        )
    check_name(described["name"], described["version"])


def _loop(
    job: _Job, learner: Learner, progress: Progress, on_event: OnEvent, should_stop: ShouldStop
) -> Progress:
    """Step until the budget is spent; report, validate and save on the way."""
    identity = job.identity(learner.architecture)
    began = time.monotonic() - progress.seconds
    saved = told = time.monotonic()
    validated = int(job.part(progress) * VALIDATIONS)
    while job.part(progress) < 1:
        word = should_stop()
        if word == "cancel":
            raise CancelledError("The training was cancelled.")
        if word == "pause":
            learner.save(job.out_folder, progress, identity)
            raise PausedError("The training is paused; its state is kept and it can go on.")
        loss = learner.step(progress.step, job.part(progress))
        memory = min(LOSS_MEMORY, progress.step / (progress.step + 1))
        mean = progress.loss * memory + loss * (1 - memory)
        progress = Progress(progress.step + 1, time.monotonic() - began, mean)
        now = time.monotonic()
        metrics: Mapping[str, Any] | None = None
        due = int(job.part(progress) * VALIDATIONS)
        if due > validated and job.part(progress) < 1:
            validated = due
            metrics = _validated(job, learner, _card(job, learner, progress, {}))
        if metrics or now - told >= EVENT_EVERY_S or progress.step == 1:
            told = now
            of = job.budget.steps
            on_event(TrainingEvent(progress.step, of, mean, progress.seconds, metrics))
        if now - saved >= STATE_EVERY_S:
            saved = now
            learner.save(job.out_folder, progress, identity)
    return progress


def _validated(job: _Job, learner: Learner, card: Mapping[str, Any]) -> dict[str, Any]:
    """Scores on the validation cases with the averaged weights; empty without such cases."""
    if not job.checks:
        return {}
    network = Network(job.task, job.labels, card, learner.averaged())
    return validate(network, job.checks, job.recipe, str(learner.device))


def _calibration(job: _Job, learner: Learner, card: Mapping[str, Any]) -> dict[str, Any]:
    """The card's entry on how far its probabilities can be taken at their word, if anything is
    known of it."""
    network = Network(job.task, job.labels, card, learner.averaged())
    entry = calibrate(network, job.checks, job.recipe, str(learner.device))
    return {"calibration": entry} if entry else {}


def _card(
    job: _Job, learner: Learner, progress: Progress, described: Mapping[str, Any]
) -> dict[str, Any]:
    """The card of the network, without the digest, which the weights' file decides."""
    return {
        "name": "unnamed",
        "version": "1",
        "task": job.task,
        "labels": list(job.labels),
        "kinds": sorted({case.kind for case in job.cases if case.kind}),
        "modalities": [],
        "channels": "any" if learner.channels == 3 else learner.channels,
        "dimensions": 3 if job.task in SOLID_TASKS else 2,
        "spacing_mm": None,
        "intensity": None,
        "recipe": job.recipe.to_json(),
        "architecture": learner.architecture,
        "patch_zyx": list(learner.patch_zyx),
        **({"extent_px": learner.extent} if job.task in PROMPT_TASKS else {}),
        "score_cutoff": SCORE_CUTOFF,
        "overlap_cutoff": OVERLAP_CUTOFF,
        "data": [],
        "licence": "",
        "limits": ["Not for primary diagnosis."],
        "training": {
            "images": sum(case.split == "train" for case in job.cases),
            "validation_images": len(job.checks),
            "steps": progress.step,
            "minutes": round(progress.seconds / 60, 1),
            "seed": job.seed,
            "device": describe_device(learner.device),
            "started_from": None if job.start is None else job.start.card["digest"],
        },
        "metrics": {},
        "digest": "",
        **described,
    }
