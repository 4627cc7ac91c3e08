"""``import_cases PATH… --project NAME``: files, folders and zips of this machine become cases."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from segmentation.management.console import DONE, FAILED, Outcome, UsageError
from segmentation.management.site_command import SiteCommand
from segmentation.selectors.people import site_administrator
from segmentation.selectors.projects import project_named
from segmentation.services.import_guess import project_guess
from segmentation.services.imports import SERIES, FileOutcome, Report, import_paths
from segmentation.services.networks import shipped_networks_sync
from segmentation.services.people import first_administrator
from segmentation.services.projects import project_create

TASKS = ("instances", "semantic", "boxes", "labels")


class Command(SiteCommand):
    """Needs no worker: cases are stored at once, their predictions wait for one in the queue."""

    makes_a_site = True

    help = (
        "Import images. A folder with index.csv brings its masks along as first revisions. "
        "The project is made when it is missing. Ends with 1 when a file was refused."
    )

    def add_own_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("paths", nargs="+", type=Path, metavar="PATH")
        parser.add_argument("--project", required=True, metavar="NAME")
        parser.add_argument(
            "--task", choices=TASKS, help="task of a new project, instead of what its masks suggest"
        )

    def work(self, options: Mapping[str, Any]) -> Outcome:
        for path in options["paths"]:
            if not path.exists():
                raise UsageError(f"There is nothing at {path}.")
        project = project_named(options["project"]) or self._make_project(options)
        if options["task"] and options["task"] != project.task:
            raise UsageError(f"The project exists already, and its task is {project.task}.")
        report = import_paths(options["paths"], project, None, progress=self._progress)
        for file in report.files:
            if file.code != SERIES and (file.outcome in {"refused", "duplicate"} or file.sentence):
                self.say(_line(file))
        self.say(
            f"{report.imported} imported, {report.added} added to a case as a further series, "
            f"{report.refused} refused, "
            f"{report.duplicate} here already: project {project.name!r}."
        )
        return Outcome(_answer(report, project), FAILED if report.refused else DONE)

    def _make_project(self, options: Mapping[str, Any]) -> Any:
        maker = site_administrator() or first_administrator()
        shipped_networks_sync()
        guess = project_guess(options["paths"], options["task"] or "")
        names = ", ".join(label.name for label in guess.labels[:8])
        self.say(f"New project {options['project']!r}: {guess.task}, labels {names}")
        return project_create(
            user=maker, name=options["project"], task=guess.task, labels=guess.labels
        )

    def _progress(self, share: float, message: str) -> None:
        if self.stderr.isatty():
            self.stderr.write(f"\r{share:4.0%} {message}", ending="" if share < 1 else "\n")


def _line(file: FileOutcome) -> str:
    words = file.sentence or file.code
    return f"{file.outcome}: {file.name}: {words}"


def _answer(report: Report, project: Any) -> dict[str, Any]:
    return {"project": str(project.pk), "task": project.task, **report.told(with_names=True)}
