#!/usr/bin/env python3
"""The one door: ``up`` and ``test`` make their own environment, the rest are Django's commands."""

import os
import sys

from medseg_site import bootstrap, suite, supervise

if __name__ == "__main__":
    command, arguments = sys.argv[1:2], sys.argv[2:]
    if command == ["up"]:
        supervise.parse(arguments)  # a wrong word is refused before an hour of installing
    bootstrap.enter(sys.argv)  # comes back only inside the environment
    if command == ["up"]:
        sys.exit(supervise.up(arguments))
    if command == ["test"]:
        sys.exit(suite.test(arguments))

    from django.core.management import execute_from_command_line

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "medseg_site.settings")
    execute_from_command_line(sys.argv)
