"""``import_network FOLDER --name NAME``: a network that ``train`` wrote, into the registry."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from segmentation.management.console import Outcome, UsageError
from segmentation.management.site_command import SiteCommand
from segmentation.selectors.people import site_administrator
from segmentation.selectors.projects import project_named
from segmentation.services.network_imports import network_import, network_import_for


class Command(SiteCommand):
    """Weights are safetensors only: nothing that is imported can run code."""

    help = "Register a network's folder; with --use it serves the project from now on."

    def add_own_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, metavar="FOLDER")
        parser.add_argument("--name", required=True, help="what the network is called here")
        parser.add_argument("--project", metavar="NAME", help="the one project that may use it")
        parser.add_argument("--use", action="store_true", help="let it serve the project")
        parser.add_argument(
            "--kind", default="", help="with --use: the kind of image it serves, else every kind"
        )

    def work(self, options: Mapping[str, Any]) -> Outcome:
        if not options["folder"].exists():
            raise UsageError(f"There is nothing at {options['folder']}.")
        if (options["use"] and not options["project"]) or (options["kind"] and not options["use"]):
            raise UsageError("--use needs --project, and --kind needs --use.")
        project = project_named(options["project"]) if options["project"] else None
        if options["project"] and project is None:
            raise UsageError(f"There is no project named {options['project']!r}.")
        if options["use"] and project is not None:
            user = site_administrator()
            if user is None:
                raise UsageError(
                    "Somebody who runs the site answers for the choice. Make that person first: "
                    "python3 manage.py create_link NAME --site-administrator"
                )
            version = network_import_for(
                user=user,
                folder=options["folder"],
                name=options["name"],
                project=project,
                kind=options["kind"],
            )
        else:
            version = network_import(
                folder=options["folder"], name=options["name"], project=project
            )
        self.say(f"{version.network.name} {version.number} is registered.")
        return Outcome(
            {
                "network": version.network.name,
                "version": version.number,
                "id": str(version.pk),
                "digest": version.digest,
                "in_use": bool(options["use"]),
            }
        )
