"""``evaluate --data DIR --split S --network N``: a network's figures on cases of known truth."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from segmentation.engine.checkpoints import Network, load_network, resolve_network
from segmentation.engine.errors import EngineError
from segmentation.engine.inference import segment
from segmentation.engine.scoring import CASE_FIGURE, CaseScore, score_case, summarise
from segmentation.engine.types import Settings
from segmentation.interchange.index_csv import CLASS_COLUMN
from segmentation.management.console import (
    DONE,
    FAILED,
    FileCommand,
    Outcome,
    UsageError,
    figure,
    from_one,
    share,
    stop_on_signal,
    table,
)
from segmentation.management.folder import KnownCase, known_cases
from segmentation.management.reading import LabelBook

ALL = "all"


class Command(FileCommand):
    """Figures over all cases and, where the index names kinds of image, per kind."""

    help = "Score a network on one split of a folder with an index.csv."

    def add_own_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--data", required=True, type=Path, help="folder with index.csv")
        parser.add_argument("--split", default="test", help="split of the index; '' for all")
        parser.add_argument(
            "--network", required=True, help="a name, NAME@VERSION, or a network's folder"
        )
        parser.add_argument(
            "--ignore", type=int, action="append", default=[], help="mask value nobody knows about"
        )
        parser.add_argument(
            "--column", default=CLASS_COLUMN, help="index column with the class of an image"
        )
        parser.add_argument("--score", type=share, help="score cut-off instead of the network's")
        parser.add_argument(
            "--overlap", type=share, help="overlap cut-off instead of the network's"
        )
        parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
        parser.add_argument("--threads", type=from_one, help="number of CPU threads")

    def run(self, options: Mapping[str, Any]) -> Outcome:
        network = load_network(resolve_network(options["network"]))
        book = LabelBook(network.labels, frozenset(options["ignore"]))
        settings = Settings(
            options["score"], options["overlap"], options["device"], options["threads"]
        )
        cases: list[dict[str, Any]] = []
        scores: dict[str, list[CaseScore]] = {ALL: []}
        refused: list[str] = []

        def refuse(sentence: str) -> None:
            refused.append(sentence)
            self.say(sentence)

        found = known_cases(
            options["data"], network.task, book, options["split"], refuse, options["column"]
        )
        with stop_on_signal() as stopped:
            for case in found:
                score, report = self._case(case, network, settings, stopped)
                cases.append(report)
                if score is not None:
                    scores[ALL].append(score)
                    if case.kind:
                        scores.setdefault(case.kind, []).append(score)
        if not cases and not refused:
            raise UsageError(f"{options['data']} has no case of split {options['split']!r}.")
        metrics = {
            kind: {"cases": len(part), **summarise(network.task, part)}
            for kind, part in scores.items()
        }
        if cases:
            self._show(network, cases, metrics)
        good = not refused and all("error" not in case for case in cases)
        called = f"{network.card['name']}@{network.card['version']}"
        answer = {
            "network": called,
            "split": options["split"],
            "metrics": metrics if cases else {},
            "cases": cases,
            "refused": refused,
        }
        return Outcome(answer, DONE if good else FAILED)

    def _case(
        self, case: KnownCase, network: Network, settings: Settings, stopped: Any
    ) -> tuple[CaseScore | None, dict[str, Any]]:
        report: dict[str, Any] = {"id": case.id, "group": case.group, "kind": case.kind}
        try:
            found = segment(case.picture, network, settings, cancelled=stopped)
            score = score_case(found, case.truth)
        except EngineError as error:
            if stopped():
                raise
            self.say(f"{case.id}: {error}")
            return None, {**report, "error": str(error)}
        return score, {**report, **score.figures, "seconds": round(found.seconds, 3)}

    def _show(
        self, network: Network, cases: list[dict[str, Any]], metrics: dict[str, dict[str, Any]]
    ) -> None:
        names = list(metrics[ALL])[1:]
        shown = [n for n in names if any(n in case for case in cases)] or [
            CASE_FIGURE[network.task]
        ]
        rows = [
            [case["id"], case["kind"] or "-", *(figure(case.get(name)) for name in shown)]
            for case in cases
        ]
        self.say(table(["case", "kind", *shown], rows))
        totals = [
            [kind, str(part["cases"]), *(figure(part[name]) for name in names)]
            for kind, part in metrics.items()
        ]
        self.say("")
        self.say(table(["kind", "cases", *names], totals))
