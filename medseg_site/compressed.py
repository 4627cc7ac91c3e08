"""The pages' scripts and styles, sent as gzip by a site that has no proxy in front of it."""

from __future__ import annotations

import gzip
import os
import re
from pathlib import Path
from typing import Any

from django.conf import settings
from whitenoise.middleware import WhiteNoiseMiddleware
from whitenoise.responders import StaticFile

SUFFIXES = (".js", ".css")
LEVEL = 9
SMALLEST = 512
"""Smaller files gain nothing: they fill one packet either way."""


class CompressedStatic(WhiteNoiseMiddleware):
    """WhiteNoise sends a compressed neighbour of a file where there is one.

    Ours have none: the built files are kept as they are built, and the installed package may be
    read-only. So they are compressed once, at the start, into the site's own folder.
    """

    def get_static_file(self, path: str, url: str, stat_cache: Any = None) -> StaticFile:
        found: StaticFile = super().get_static_file(path, url, stat_cache)
        if "/segmentation/" in url and path.endswith(SUFFIXES) and len(found.alternatives) == 1:
            _offer(found, Path(path))
        return found


def _offer(found: StaticFile, path: Path) -> None:
    """Put a compressed copy before the plain one, for those who take it."""
    told = path.stat()
    if told.st_size < SMALLEST:
        return
    folder = Path(settings.MEDSEG_DATA) / "compressed"
    copy = folder / f"{path.name}-{told.st_mtime_ns:x}-{told.st_size:x}.gz"
    if not copy.exists():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = folder / f".{copy.name}.{os.getpid()}"
        part.write_bytes(gzip.compress(path.read_bytes(), LEVEL, mtime=0))
        part.replace(copy)
    _, plain, headers = found.alternatives[0]
    own = [(name, value) for name, value in headers if name not in {"Content-Length", "Vary"}]
    own.append(("Vary", "Accept-Encoding"))
    size = str(copy.stat().st_size)
    packed = [*own, ("Content-Length", size), ("Content-Encoding", "gzip")]
    whole = [*own, ("Content-Length", str(told.st_size))]
    found.alternatives = [
        (re.compile(r"\bgzip\b"), str(copy), packed),
        (re.compile(""), plain, whole),
    ]
