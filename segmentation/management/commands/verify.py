"""``verify``: whether everything that was ever acknowledged is still there, unchanged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandParser

from segmentation.management.console import DONE, FAILED, Outcome
from segmentation.management.site_command import SiteCommand
from segmentation.services.verification import verify


class Command(SiteCommand):
    """Changes nothing; ends with 1 when there is any problem."""

    help = "Check blobs, pixels, masks and their history, the audit chain, networks and jobs."

    def add_own_arguments(self, parser: CommandParser) -> None:
        pass

    def work(self, options: Mapping[str, Any]) -> Outcome:
        found = verify(self.say if options["verbosity"] > 1 else lambda line: None)
        for problem in found.problems:
            self.say(f"{problem.area}: {problem.subject}: {problem.sentence}")
        counts = ", ".join(f"{count} {what}" for what, count in found.checked.items())
        self.say(f"Checked {counts}. Problems: {len(found.problems)}.")
        return Outcome(found.as_json(), FAILED if found.problems else DONE)
