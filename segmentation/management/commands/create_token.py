"""``create_token USER``: a token for programs that act as USER."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandParser

from segmentation.management.console import Outcome, UsageError
from segmentation.management.site_command import SiteCommand
from segmentation.selectors.people import person_named
from segmentation.services.people import token_create


class Command(SiteCommand):
    """Prints the token once; only its digest is kept."""

    help = "Print a token for the API. Send it as the header 'Authorization: Token …'."

    def add_own_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("user", help="whom the program acts for")
        parser.add_argument("--name", default="command line", help="what the token is for")

    def work(self, options: Mapping[str, Any]) -> Outcome:
        person = person_named(options["user"])
        if person is None or not person.is_active:
            raise UsageError(f"There is no open account named {options['user']!r}.")
        named, text = token_create(user=person, name=options["name"])
        if not options["json"]:
            self.stdout.write(text)
        return Outcome({"id": named.pk, "name": named.name, "user": options["user"], "token": text})
