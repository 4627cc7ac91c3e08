"""``make_demo``: demo projects with real and drawn images, and three demo people."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from segmentation.errors import MedsegError
from segmentation.services.demo import demo_make


class Command(BaseCommand):
    """Runs beside the site; a run that was stopped goes on the next time."""

    help = "Make the demo projects, once. Prints a one-time link for each demo person."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--address", default="", help="the site's address, such as https://…")
        parser.add_argument(
            "--missing",
            action="store_true",
            help="try again for images that could not be fetched the first time",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            report = demo_make(self._say, address=options["address"], missing=options["missing"])
        except MedsegError as error:
            raise CommandError(error.message) from error
        if report.missing:
            names = ", ".join(report.missing)
            self._say(f"Not there: {names}. Later: python3 manage.py make_demo --missing")
        if report.failed:
            names = ", ".join(report.failed)
            raise CommandError(f"These parts could not be made: {names}. Run make_demo again.")

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
