"""Commands on the site's own database: they speak like the file-based ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.management import call_command
from django.db import OperationalError, ProgrammingError, connection

from segmentation.errors import MedsegError
from segmentation.management.console import FAILED, MISUSED, FileCommand, Outcome

NO_DATABASE = (
    "This site has no usable database. Start it once (python3 manage.py up), or bring the database "
    "up to date (python3 manage.py migrate), and look whether MEDSEG_DATA and DATABASE_URL are "
    "those of the site."
)


class SiteCommand(FileCommand):
    """Ends with 0, 1 (failures) or 2 (misuse), as what the service refuses says of itself."""

    makes_a_site = False
    """Whether a data folder in which nothing was ever kept becomes a site, as ``up`` would do."""

    def work(self, options: Mapping[str, Any]) -> Outcome:
        """Do the work."""
        raise NotImplementedError

    def run(self, options: Mapping[str, Any]) -> Outcome:
        try:
            if self.makes_a_site and not connection.introspection.table_names():
                self.say("Nothing is here yet: making the site's database.")
                call_command("migrate", interactive=False, verbosity=0, skip_checks=True)
            return self.work(options)
        except MedsegError as error:
            self.say(error.message)
            code = MISUSED if error.status == 400 else FAILED
            return Outcome({"error": {"code": error.code, "message": error.message}}, code)
        except (OperationalError, ProgrammingError):
            self.say(NO_DATABASE)
            return Outcome({"error": {"code": "no_database", "message": NO_DATABASE}}, FAILED)
