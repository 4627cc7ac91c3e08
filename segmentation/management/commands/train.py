"""``train --data DIR --task T --out DIR``: a network from a folder with an ``index.csv``."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from segmentation.engine.cases import Budget, StopWord, TrainingCase, TrainingEvent
from segmentation.engine.checkpoints import Network, load_network, resolve_network
from segmentation.engine.config import Recipe
from segmentation.engine.errors import InvalidTrainingSetError, PausedError
from segmentation.engine.preprocessing import DEFAULT_RECIPES, parse_recipe
from segmentation.engine.runtime import thread_count
from segmentation.engine.training import train
from segmentation.engine.types import Task
from segmentation.interchange.index_csv import CLASS_COLUMN
from segmentation.management.console import (
    FileCommand,
    Outcome,
    UsageError,
    above_zero,
    from_one,
    stop_on_signal,
)
from segmentation.management.folder import TASK_WORDS, labels_of, task_of, training_cases
from segmentation.management.reading import LabelBook
from segmentation.management.spool import Spool

DEFAULT_STEPS = 2000


class Command(FileCommand):
    """Ctrl-C keeps the state; the same command again goes on from it."""

    help = "Train a network on the train split of a folder and write it, ready to use."

    def add_own_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--data", required=True, type=Path, help="folder with index.csv")
        parser.add_argument("--task", required=True, choices=[*TASK_WORDS, "semantic"])
        parser.add_argument("--out", required=True, type=Path, help="folder of the new network")
        budget = parser.add_mutually_exclusive_group()
        budget.add_argument(
            "--steps", type=from_one, help=f"budget in steps, {DEFAULT_STEPS} if unsaid"
        )
        budget.add_argument("--minutes", type=above_zero, help="budget in minutes instead")
        parser.add_argument("--seed", type=int, default=0)
        parser.add_argument("--labels", help="names of the labels, in order, with commas between")
        parser.add_argument(
            "--ignore", type=int, action="append", default=[], help="mask value nobody knows about"
        )
        parser.add_argument(
            "--column", default=CLASS_COLUMN, help="index column with the class of an image"
        )
        parser.add_argument("--recipe", type=Path, help="JSON file with the preprocessing")
        parser.add_argument("--start", help="network to go on from")
        parser.add_argument(
            "--architecture", type=Path, help="JSON file with entries that differ from the usual"
        )
        parser.add_argument(
            "--rate", type=float, help="share of the usual learning rate; 1, or 0.2 with --start"
        )
        parser.add_argument("--name", help="name of the network; the folder's, if unsaid")
        parser.add_argument("--network-version", default="1", help="version of the network")
        parser.add_argument("--card", type=Path, help="JSON file with entries for the card")
        parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
        parser.add_argument("--threads", type=from_one, help="number of CPU threads")

    def run(self, options: Mapping[str, Any]) -> Outcome:
        task = task_of(options["task"], options["data"], self.say)
        budget = _budget(options)
        start = load_network(resolve_network(options["start"])) if options["start"] else None
        recipe = _recipe(options["recipe"], start, task)
        labels = self._labels(options, task, start)
        book = LabelBook(tuple(labels), frozenset(options["ignore"]))
        out: Path = options["out"]
        with (
            tempfile.TemporaryDirectory(prefix="medseg-train-") as folder,
            stop_on_signal() as stopped,
            thread_count(options["threads"]),
        ):
            spool = Spool(Path(folder))
            cases = training_cases(
                options["data"], task, book, options["seed"], spool, self.say, options["column"]
            )
            self._announce(cases)
            try:
                network = train(
                    cases,
                    task,
                    labels,
                    budget,
                    options["seed"],
                    start,
                    recipe,
                    out,
                    self._tell,
                    _pause_when(stopped),
                    out,
                    options["device"],
                    describe=_described(options),
                    architecture=_changes(options["architecture"]),
                    rate=options["rate"],
                )
            except PausedError as error:
                raise PausedError(f"{error} Repeat the command to go on.") from error
        self.say(f"{network.card['name']}@{network.card['version']} is written to {out}.")
        return Outcome(_answer(network, out))

    def _labels(self, options: Mapping[str, Any], task: Task, start: Network | None) -> list[str]:
        if options["labels"]:
            return [name.strip() for name in options["labels"].split(",") if name.strip()]
        if start is not None:
            return list(start.labels)
        ignored = frozenset(options["ignore"])
        labels = labels_of(options["data"], task, ignored, self.say, options["column"])
        if not labels:
            raise InvalidTrainingSetError("The folder names no labels. Give them with --labels.")
        return labels

    def _announce(self, cases: list[TrainingCase]) -> None:
        learnt = sum(case.split == "train" for case in cases)
        self.say(f"{learnt} images to train on, {len(cases) - learnt} to validate.")

    def _tell(self, event: TrainingEvent) -> None:
        of = f" of {event.of}" if event.of else ""
        told = f"step {event.step}{of}  loss {event.loss:.4f}  {event.seconds:.0f} s"
        if event.validation:
            figures = [f"{n} {v:.3f}" for n, v in event.validation.items() if v is not None]
            told += "  validation: " + ", ".join(figures)
        self.say(f"{told}  {event.message}".rstrip())


def _budget(options: Mapping[str, Any]) -> Budget:
    if options["minutes"] is not None:
        return Budget(minutes=options["minutes"])
    return Budget(steps=DEFAULT_STEPS if options["steps"] is None else options["steps"])


def _pause_when(stopped: Callable[[], bool]) -> Callable[[], StopWord | None]:
    return lambda: "pause" if stopped() else None


def _recipe(path: Path | None, start: Network | None, task: Task) -> Recipe:
    if path is not None:
        return parse_recipe(_json(path))
    if start is not None and start.task == task:
        return parse_recipe(start.card["recipe"])
    return parse_recipe(DEFAULT_RECIPES[task])


def _changes(path: Path | None) -> dict[str, Any]:
    return _json(path) if path is not None else {}


def _described(options: Mapping[str, Any]) -> dict[str, Any]:
    described = _json(options["card"]) if options["card"] else {}
    name = options["name"] or options["out"].resolve().name
    return {"name": name, "version": options["network_version"], **described}


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not JSON.") from error
    if not isinstance(found, dict):
        raise UsageError(f"{path} must hold a JSON object.")
    return found


def _answer(network: Network, out: Path) -> dict[str, Any]:
    card = network.card
    kept = ("name", "version", "task", "labels", "digest", "training", "metrics")
    return {"network": str(out), **{key: card[key] for key in kept}}
