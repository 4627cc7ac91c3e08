"""Training on a frozen set: from its job to a challenger that is judged at once."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.conf import settings

from segmentation.engine.cases import Budget, TrainingEvent
from segmentation.engine.checkpoints import Network as LoadedNetwork
from segmentation.engine.config import Recipe
from segmentation.engine.errors import CancelledError, PausedError
from segmentation.engine.preprocessing import DEFAULT_RECIPES, parse_recipe
from segmentation.engine.training import train
from segmentation.engine.types import Task
from segmentation.jobs.work import JobStoppedError, Work
from segmentation.models import TrainingRun
from segmentation.services.audit import event_record
from segmentation.services.comparison_requests import comparison_make
from segmentation.services.learning_cases import order_of, training_cases
from segmentation.services.networks import network_load, network_version_add

WRITE_EVERY_S = 2.0
LOG_LINES = 2000


def training_execute(work: Work) -> None:
    """Train, resuming from the state on disk where an earlier attempt left one; then record."""
    run = TrainingRun.objects.select_related("training_set__project", "start").get(
        pk=work.payload["training"]
    )
    folder = training_folder(run)
    cases, task = training_cases(run.training_set, run.kind)
    diary = _Diary(run, work)
    try:
        network = train(
            cases,
            task,
            order_of(run.training_set).names,
            Budget(run.budget_steps, run.budget_minutes),
            run.seed,
            network_load(run.start) if run.start else None,
            recipe_of(run, task),
            folder,
            diary.note,
            work.stop_word,
            resume_from=folder if folder.is_dir() else None,
            describe=_description(run),
        )
    except (CancelledError, PausedError) as stop:
        diary.write()
        work.check()
        raise JobStoppedError("pause" if isinstance(stop, PausedError) else "cancel") from stop
    diary.write()
    _record(work, run, folder, network)


def recipe_of(run: TrainingRun, task: Task) -> Recipe:
    """The project's recipe where a person set one, else that of the network it starts from."""
    frozen = run.training_set.recipe
    if frozen.number > 1:
        return parse_recipe(frozen.steps)
    return parse_recipe(run.start.card["recipe"] if run.start else DEFAULT_RECIPES[task])


def training_folder(run: TrainingRun) -> Path:
    """Where a training keeps the state it can resume from."""
    return Path(settings.MEDSEG_DATA) / "trainings" / str(run.id)


def _record(work: Work, run: TrainingRun, folder: Path, network: LoadedNetwork) -> None:
    project = run.training_set.project
    version = network_version_add(
        folder=folder, card=network.card, project=project, kind=run.kind, parent=run.start
    )
    with work.recording() as result:
        TrainingRun.objects.filter(pk=run.pk).update(challenger=version)
        comparison = comparison_make(run.training_set, version, run.kind, author=run.author)
        event_record(
            project,
            "training.finish",
            actor=None,
            subject={"training": str(run.id), "network_version": str(version.id)},
        )
        result.update(network_version=str(version.id), comparison=str(comparison.id))


def _description(run: TrainingRun) -> Mapping[str, Any]:
    training_set = run.training_set
    return {
        "kinds": [run.kind] if run.kind else [],
        "data": [
            {
                "name": f"training set {training_set.number} of {training_set.project.name}",
                "digest": training_set.digest,
                "cases": len(training_set.manifest["train"]),
            }
        ],
    }


class _Diary:
    """Curve and log of one training, pushed to the page at once and written down now and then."""

    def __init__(self, run: TrainingRun, work: Work) -> None:
        self._run, self._work, self._written = run, work, 0.0
        self._curve: list[dict[str, Any]] = list(run.curve)
        self._log: list[str] = run.log.splitlines()

    def note(self, event: TrainingEvent) -> None:
        point = {
            "step": event.step,
            "of": event.of,
            "loss": event.loss,
            "seconds": event.seconds,
            "validation": dict(event.validation) if event.validation else None,
            "message": event.message,
        }
        # A resumed training repeats the steps since its last state: the newer telling holds.
        self._curve = [known for known in self._curve if known["step"] < event.step] + [point]
        if event.message:
            self._log = [*self._log, f"step {event.step}: {event.message}"][-LOG_LINES:]
        self._work.tell("training", {"run": str(self._run.id), **point})
        self._work.progress(self._share(event), event.message or f"step {event.step}")
        if event.validation or time.monotonic() - self._written > WRITE_EVERY_S:
            self.write()

    def write(self) -> None:
        self._written = time.monotonic()
        TrainingRun.objects.filter(pk=self._run.pk).update(
            curve=self._curve, log="\n".join(self._log)
        )

    def _share(self, event: TrainingEvent) -> float:
        if event.of:
            return event.step / event.of
        return event.seconds / (60.0 * (self._run.budget_minutes or 1.0))
