#!/usr/bin/env python3
"""The one door: ``up`` and ``test`` make their own environment, the rest are Django's commands."""

import os
import sys

from medseg_site import bootstrap

if __name__ == "__main__":
    bootstrap.enter(sys.argv)  # comes back only inside the environment
    from django.core.management import execute_from_command_line

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "medseg_site.settings")
    execute_from_command_line(sys.argv)
