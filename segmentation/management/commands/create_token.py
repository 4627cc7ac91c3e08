"""``create_token USER``: a token for programs that act as USER."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from segmentation.errors import MedsegError
from segmentation.selectors.people import person_named
from segmentation.services.people import token_create


class Command(BaseCommand):
    """Prints the token once; only its digest is kept."""

    help = "Print a token for the API. Send it as the header 'Authorization: Token …'."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("user", help="whom the program acts for")
        parser.add_argument("--name", default="command line", help="what the token is for")
        parser.add_argument("--json", action="store_true", help="print an object, not the text")

    def handle(self, *args: Any, **options: Any) -> None:
        person = person_named(options["user"])
        if person is None or not person.is_active:
            raise CommandError(f"There is no open account named {options['user']!r}.")
        try:
            named, text = token_create(user=person, name=options["name"])
        except MedsegError as error:
            raise CommandError(error.message) from error
        told = {"id": named.pk, "name": named.name, "user": options["user"], "token": text}
        self.stdout.write(json.dumps(told) if options["json"] else text)
