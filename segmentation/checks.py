"""What this site refuses to start with, and what it warns of."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning

LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})
NETWORK_FILE_SYSTEMS = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "sshfs"})
MOUNTS = Path("/proc/mounts")


def exposed_debug(
    app_configs: Sequence[AppConfig] | None = None, **options: Any
) -> list[CheckMessage]:
    """Debug pages show settings and patients' rows to whoever can reach them."""
    if not settings.DEBUG or set(settings.ALLOWED_HOSTS) <= LOOPBACK:
        return []
    return [
        Error(
            "MEDSEG_DEBUG is on while other machines can reach this site.",
            hint="Unset MEDSEG_DEBUG, or unset MEDSEG_HOSTS to serve this machine only.",
            id="medseg.E001",
        )
    ]


def plain_http(
    app_configs: Sequence[AppConfig] | None = None, **options: Any
) -> list[CheckMessage]:
    """Passwords and images would cross the network readable."""
    hosts = set(settings.ALLOWED_HOSTS) - LOOPBACK
    if not hosts or hosts == {"*"} or settings.SESSION_COOKIE_SECURE:
        return []
    return [
        Warning(
            f"This site answers to {min(hosts)} without TLS.",
            hint="Put it behind a proxy that speaks https and set MEDSEG_TLS=1.",
            id="medseg.W002",
        )
    ]


def database_place(
    app_configs: Sequence[AppConfig] | None = None, **options: Any
) -> list[CheckMessage]:
    """SQLite's locks do not hold on network file systems; a save could be lost."""
    database = settings.DATABASES["default"]
    name = str(database["NAME"])
    if not database["ENGINE"].endswith("sqlite3") or not name.startswith("/"):
        return []
    mounts = MOUNTS.read_text().splitlines() if MOUNTS.exists() else []
    kind = file_system_of(name, mounts)
    if kind.removeprefix("fuse.") not in NETWORK_FILE_SYSTEMS:
        return []
    return [
        Error(
            f"The SQLite database lies on a network file system ({kind}).",
            hint="Keep MEDSEG_DATA on a local disk, or use PostgreSQL through DATABASE_URL.",
            id="medseg.E003",
        )
    ]


def open_folder(
    app_configs: Sequence[AppConfig] | None = None, **options: Any
) -> list[CheckMessage]:
    """Images and keys are for this site's own user."""
    folder = Path(settings.MEDSEG_DATA)
    if not folder.exists() or not folder.stat().st_mode & 0o007:
        return []
    return [
        Warning(
            f"Every user of this machine can look into {folder}.",
            hint=f"Close it with: chmod 700 {folder}",
            id="medseg.W004",
        )
    ]


def file_system_of(path: str, mounts: Iterable[str]) -> str:
    """The type of the file system that holds a path, from lines as in ``/proc/mounts``."""
    best, kind = "", ""
    for line in mounts:
        place, this = [*line.split(), "", "", ""][1:3]
        inside = path == place or path.startswith(place.rstrip(os.sep) + os.sep)
        if inside and len(place) >= len(best):
            best, kind = place, this
    return kind


ALL = (exposed_debug, plain_http, database_place, open_folder)
