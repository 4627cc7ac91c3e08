"""``export_cases --project NAME --format F --out DIR``: masks as files, each read back."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from segmentation.management.console import DONE, FAILED, Outcome, UsageError
from segmentation.management.site_command import SiteCommand
from segmentation.selectors.projects import project_named
from segmentation.services.export_requests import ACCEPTED, FORMATS
from segmentation.services.exports import (
    NEWEST,
    ExportReport,
    export_cases_of,
    export_write,
)


class Command(SiteCommand):
    """The folder appears whole, or not at all."""

    help = "Export masks on the grid of their images. Ends with 1 when a case was refused."

    def add_own_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--project", required=True, metavar="NAME")
        parser.add_argument("--format", required=True, choices=FORMATS)
        parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="a new folder")
        parser.add_argument(
            "--which",
            choices=(ACCEPTED, NEWEST),
            default=ACCEPTED,
            help="accepted cases only (the default), or every case as it is now",
        )

    def work(self, options: Mapping[str, Any]) -> Outcome:
        out: Path = options["out"].absolute()
        project = project_named(options["project"])
        if project is None:
            raise UsageError(f"There is no project named {options['project']!r}.")
        if out.exists() and not (out.is_dir() and not any(out.iterdir())):
            raise UsageError(f"{out} is there and not empty. Name a folder that is not.")
        cases = export_cases_of(project, options["which"])
        if not cases:
            words = "accepted case" if options["which"] == ACCEPTED else "case with a mask"
            raise UsageError(f"The project {project.name!r} has no {words} yet.")
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as aside:
            folder = Path(aside) / "export"
            folder.mkdir()
            report = export_write(cases, options["format"], folder)
            if report.exported:
                folder.rename(out)
        return self._told(report, out)

    def _told(self, report: ExportReport, out: Path) -> Outcome:
        for refused in report.refused:
            self.say(f"case {refused['case']}: {refused['sentence']}")
        where = f"in {out}" if report.exported else "so nothing was written"
        self.say(f"{report.exported} exported, {len(report.refused)} refused, {where}")
        answer = {
            "folder": str(out) if report.exported else None,
            "files": list(report.files) if report.exported else [],
            "exported": report.exported,
            "refused": list(report.refused),
        }
        return Outcome(answer, FAILED if report.refused else DONE)
