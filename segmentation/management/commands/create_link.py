"""``create_link USER``: a one-time link that lets USER set a password."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from segmentation.errors import MedsegError
from segmentation.selectors.people import person_named
from segmentation.services.people import (
    link_create,
    person_create,
    site_administrator_make,
    site_administrator_ready,
)


class Command(BaseCommand):
    """Prints the link's whole address where the site's is known, else its path."""

    help = "Print a one-time link with which a person sets a password. Older links end."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("user", help="the name to sign in with; made when missing")
        parser.add_argument(
            "--site-administrator",
            action="store_true",
            help="let this person run the site: people, projects, jobs",
        )
        parser.add_argument(
            "--first-start",
            action="store_true",
            help="do nothing when a site administrator can sign in; else as --site-administrator",
        )
        parser.add_argument("--full-name", default="", help="how the person is shown to others")
        parser.add_argument(
            "--address",
            default="",
            help="the site's address, such as https://…; by default the first of MEDSEG_ORIGINS",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["first_start"] and site_administrator_ready():
            return
        administrator = options["site_administrator"] or options["first_start"]
        try:
            path = self._path(options["user"], options["full_name"], administrator)
        except MedsegError as error:
            raise CommandError(error.message) from error
        site = options["address"] or next(iter(settings.CSRF_TRUSTED_ORIGINS), "")
        self.stdout.write(path if options["first_start"] else site.rstrip("/") + path)

    def _path(self, username: str, full_name: str, administrator: bool) -> str:
        person = person_named(username)
        if person is None:
            return person_create(
                user=None,
                username=username,
                full_name=full_name,
                is_site_administrator=administrator,
            )[1]
        if administrator:
            site_administrator_make(person)
        return link_create(user=None, person=person)
