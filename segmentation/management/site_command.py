"""Commands on the site's own database: they speak like the file-based ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from segmentation.errors import MedsegError
from segmentation.management.console import FAILED, MISUSED, FileCommand, Outcome


class SiteCommand(FileCommand):
    """Ends with 0, 1 (failures) or 2 (misuse), as what the service refuses says of itself."""

    def work(self, options: Mapping[str, Any]) -> Outcome:
        """Do the work."""
        raise NotImplementedError

    def run(self, options: Mapping[str, Any]) -> Outcome:
        try:
            return self.work(options)
        except MedsegError as error:
            self.say(error.message)
            code = MISUSED if error.status == 400 else FAILED
            return Outcome({"error": {"code": error.code, "message": error.message}}, code)
